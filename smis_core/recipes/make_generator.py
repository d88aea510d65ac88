"""Making the generator that ships: trained on the renderer's pictures, then grown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from smis_core.checkpoints.native import save_network
from smis_core.devices import resolve_device
from smis_core.images import check_writable, save_image
from smis_core.portraits.renderer import RENDERER_VERSION, render
from smis_core.training import (
    GanOptions,
    GanState,
    PictureCache,
    grown,
    holds_state,
    model_card,
    train_gan,
)

RENDERS = 40_000


@dataclass(frozen=True)
class GeneratorPlan:
    """From the first pictures to the shipped size.

    Layouts are learnt at 32², where a step costs least; drawings have no grain, so layers get no
    noise.
    """

    start: GanOptions = field(
        default_factory=lambda: GanOptions(resolution=32, pictures=110_000, noise_inputs=False)
    )
    """the first training"""
    grown_pictures: tuple[int, ...] = (150_000, 100_000)
    """pictures of each further training, at twice the resolution of the one before"""
    gamma_growth: float = 1.5
    """by which the gradient penalty's weight grows at each: a picture has more pixels to differ"""
    renders: int = RENDERS
    """different renders at every resolution"""


@dataclass(frozen=True)
class MakeGeneratorStep:
    """One step of drawing or training."""

    phase: str
    index: int
    """pictures so far"""
    total: int
    losses: dict[str, float]


def make_generator(
    folder: str | Path,
    *,
    scratch: str | Path,
    plan: GeneratorPlan | None = None,
    device: str | torch.device = "auto",
) -> Iterator[MakeGeneratorStep]:
    """Trains on renders alone (no mask, no attribute), grows, and saves generator and
    discriminator.

    Args:
        folder: where `generator.safetensors` and `discriminator.safetensors` go, at the end.
        scratch: folder for renders and training states, from which an interrupted run resumes.
        plan: sizes and lengths.
        device: where to work.

    Yields:
        Steps by phase.

    Raises:
        OSError: a place cannot be written.
        ValueError: the scratch folder holds another training.
    """
    folder, scratch, plan = Path(folder), Path(scratch), plan or GeneratorPlan()
    for name in ("generator", "discriminator"):
        check_writable(folder / f"{name}.safetensors")
    return _make(folder, scratch, plan, resolve_device(device))


def _make(
    folder: Path, scratch: Path, plan: GeneratorPlan, device: torch.device
) -> Iterator[MakeGeneratorStep]:
    options, former = plan.start, None
    for stage, pictures in enumerate((plan.start.pictures, *plan.grown_pictures)):
        if stage:
            assert former is not None
            options = replace(
                options,
                resolution=2 * options.resolution,
                pictures=pictures,
                r1_gamma=options.r1_gamma * plan.gamma_growth,
            )
        side = options.resolution
        cache = _cache(side, plan.renders, scratch)
        for drawn in cache.fill():
            yield MakeGeneratorStep(f"render {side}²", drawn, plan.renders, {})
        state = scratch / f"state_{side}"
        if not (holds_state(state) and GanState.load(state, device).pictures >= options.pictures):
            start = grown(former, options, device) if former is not None else None
            for step in train_gan(cache, options=options, state=state, start=start, device=device):
                if step.preview is not None:
                    save_image(step.preview[None], scratch / f"{side}_{step.pictures:08d}.png")
                yield MakeGeneratorStep(
                    f"train {side}²", step.pictures, options.pictures, dict(step.losses)
                )
        former = GanState.load(state, device)
    assert former is not None
    card = model_card(former, command="smis models --only generator")
    card["made_from"] = {"renderer": RENDERER_VERSION}
    for name, network in (("generator", former.average), ("discriminator", former.discriminator)):
        save_network(folder / f"{name}.safetensors", network, card=card, half=True)


def _cache(side: int, count: int, scratch: Path) -> PictureCache:
    return PictureCache(
        lambda seeds: render(seeds, size=side).images,
        count=count,
        resolution=side,
        folder=scratch / "cache",
        description=f"portraits, renderer {RENDERER_VERSION}, seeds 0 to {count - 1}",
    )
