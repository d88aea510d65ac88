"""Making the generator that ships: trained on the renderer's pictures, then grown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
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


def _stages() -> tuple[GanOptions, ...]:
    # Drawings have no grain, so layers get no noise. The gradient penalty grows with the pixels in
    # which pictures can differ. At 128² a discriminator leaps with the rate that suits 64², and
    # after some 12,000 pictures so small a pair draws colours beside the edges: the generator
    # learns to be sharp, and then rests.
    start = GanOptions(resolution=32, pictures=110_000, noise_inputs=False)
    return (
        start,
        replace(start, resolution=64, pictures=150_000, r1_gamma=0.5),
        replace(
            start,
            resolution=128,
            pictures=10_000,
            cooldown_pictures=6_000,
            r1_gamma=1.0,
            generator_lr=0.0015,
            carried_lr_share=0.25,
            discriminator_lr=0.0003,
            ema_half_life_pictures=2_000.0,
        ),
    )


@dataclass(frozen=True)
class GeneratorPlan:
    """From the first pictures to the shipped size: layouts are learnt where a step costs least.

    Raises:
        ValueError: a stage does not double the resolution of the one before.
    """

    stages: tuple[GanOptions, ...] = field(default_factory=_stages)
    """one training each; every further one grows the networks of the one before"""
    renders: int = 40_000
    """different renders at every resolution"""

    def __post_init__(self) -> None:
        sides = [stage.resolution for stage in self.stages]
        if not sides or any(b != 2 * a for a, b in pairwise(sides)):
            raise ValueError(
                f"stages: wanted one or more, each at twice the resolution of the one before, "
                f"got {sides}"
            )


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
    former: GanState | None = None
    for options in plan.stages:
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
