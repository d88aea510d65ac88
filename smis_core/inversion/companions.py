"""The networks that travel with a generator and help to invert with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import torch

from ..checkpoints.native import fingerprint, load_network, read_card
from ..checkpoints.zoo import bundled_path
from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .image_encoder import ImageEncoder

_DOMAIN = "portraits"


@dataclass(frozen=True, eq=False)
class Companions:
    """What was made with a generator."""

    encoder: ImageEncoder | None
    """pictures to codes"""
    discriminator: AnyDiscriminator | None
    """for the perceptual distance"""


def companions_of(generator: GeneratorBase) -> Companions:
    """The bundled encoder and discriminator, where this is the bundled generator; else nothing."""
    device = generator.mapping.w_avg.device
    try:
        bundled = fingerprint(bundled_path(f"{_DOMAIN}/generator"))
    except FileNotFoundError:
        return Companions(None, None)
    if fingerprint(generator) != bundled:
        return Companions(None, None)
    encoder = _made_from(bundled, f"{_DOMAIN}/inverter", device)
    critic = _loaded(f"{_DOMAIN}/discriminator", device)
    return Companions(
        encoder if isinstance(encoder, ImageEncoder) else None,
        critic if isinstance(critic, AnyDiscriminator) else None,
    )


def load_image_encoder(
    path: str | os.PathLike[str] | None = None, *, device: str | torch.device = "auto"
) -> ImageEncoder:
    """An image encoder from a file, as a rule the one that ships.

    Args:
        path: weights; None: the bundled encoder of the portraits.
        device: where it will work.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else.
    """
    network = load_network(path or bundled_path(f"{_DOMAIN}/inverter"), device=device)
    if not isinstance(network, ImageEncoder):
        raise ValueError(
            f"{path}: wanted an image encoder, got {type(network).__name__}; train one with"
            " `smis models --only inverter`"
        )
    return network


def _made_from(generator: str, name: str, device: torch.device) -> Any:
    """A network, where its card says that it was made with this generator."""
    try:
        path = bundled_path(name)
    except FileNotFoundError:
        return None
    fits = read_card(path).get("made_from", {}).get("generator") == generator
    return load_network(path, device=device) if fits else None


def _loaded(name: str, device: torch.device) -> Any:
    try:
        return load_network(bundled_path(name), device=device)
    except FileNotFoundError:
        return None
