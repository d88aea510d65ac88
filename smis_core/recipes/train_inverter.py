"""Making the image encoder that ships: trained on renders and samples, saved with its card."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from smis_core.checkpoints import fingerprint, load_generator, load_network, save_network
from smis_core.devices import resolve_device
from smis_core.images import check_writable
from smis_core.inversion import (
    ImageEncoder,
    ImageEncoderOptions,
    critic_features,
    train_image_encoder,
)
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.strided import AnyDiscriminator
from smis_core.portraits.renderer import RENDERER_VERSION, render

from .train_fewshot import hardware

FIRST_SEED = 7_000_000
"""Of the renders that the encoder sees: none that anything else is trained on or measured with."""


@dataclass(frozen=True, eq=False)
class InverterStep:
    """One step of the training."""

    phase: str
    index: int
    """from 1"""
    total: int
    losses: dict[str, float]
    """by name"""
    encoder: ImageEncoder | None
    """the result, on the last step"""


def make_inverter(
    out: str | Path,
    *,
    generator: str | Path,
    discriminator: str | Path | None,
    scratch: str | Path,
    options: ImageEncoderOptions | None = None,
    device: str | torch.device = "auto",
) -> Iterator[InverterStep]:
    """Trains an image encoder for a generator of portraits and saves it.

    Args:
        out: the safetensors file, written at the end.
        generator: weights.
        discriminator: of the same training, for the perceptual distance; None does without.
        scratch: folder for what an interrupted run resumes from.
        options: see `ImageEncoderOptions`.
        device: where to work.

    Returns:
        The steps; the last one holds the encoder.

    Raises:
        OSError: a place cannot be written.
        ValueError: a weights file holds something else, or the scratch folder another run.
    """
    check_writable(out)
    check_writable(scratch, folder=True)
    target = resolve_device(device)
    network = load_generator(generator, device=target)
    critic = None if discriminator is None else load_network(discriminator, device=target)
    if critic is not None and not isinstance(critic, AnyDiscriminator):
        raise ValueError(f"{discriminator}: wanted a discriminator, got {type(critic).__name__}")
    return _make(
        Path(out), network, critic, Path(scratch), options or ImageEncoderOptions(), target
    )


def _make(
    out: Path,
    generator: GeneratorBase,
    critic: AnyDiscriminator | None,
    scratch: Path,
    options: ImageEncoderOptions,
    device: torch.device,
) -> Iterator[InverterStep]:
    started = time.monotonic()
    side = generator.config.resolution
    state = scratch / "inverter.state"

    def pictures(first: int, count: int) -> Tensor:
        seeds = range(FIRST_SEED + first, FIRST_SEED + first + count)
        return render(seeds, size=side).images

    def features(images: Tensor) -> list[Tensor]:
        assert critic is not None
        return critic_features(critic, images)

    for step in train_image_encoder(
        generator,
        pictures,
        features=None if critic is None else features,
        options=options,
        state=state,
    ):
        each = InverterStep("train", step.index, step.total, step.losses, None)
        if step.index < step.total:
            yield each
    card = {
        "kind": "image encoder",
        "purpose": "a portrait to W+ codes of the generator, in one look or several",
        "data": f"renders of the portraits from seed {FIRST_SEED} and samples, half and half",
        "made_from": {"generator": fingerprint(generator), "renderer": RENDERER_VERSION},
        "command": "smis models --only inverter",
        "options": asdict(options),
        "losses": {name: round(value, 5) for name, value in step.losses.items()},
        "parameters": sum(value.numel() for value in step.encoder.parameters()),
        "hardware": hardware(device),
        "seconds_of_last_run": round(time.monotonic() - started),
        "torch": str(torch.__version__),
    }
    save_network(out, step.encoder, card=card, half=True)
    state.unlink(missing_ok=True)
    yield replace(each, encoder=step.encoder)
