"""Seeds as a person types and walks them."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

import torch
from torch import Tensor

from ..latents import Z, sample_z

LARGEST_SEED = 2**63 - 1
"""The last seed."""


def split_seed(value: int | float | str | Decimal) -> tuple[int, float]:
    """A seed and how far it is on its way to the next one.

    Args:
        value: from 0 to `LARGEST_SEED`, such as 42, 42.25 or "42.25". A float holds whole seeds
            up to 2^53 only; text and decimals hold all.

    Returns:
        The whole seed, and the fraction in [0, 1).

    Raises:
        ValueError: no number, below 0, or beyond the last seed.
    """
    wanted = f"seed: wanted a number from 0 to {LARGEST_SEED} (2^63 − 1)"
    if isinstance(value, bool) or (isinstance(value, str) and len(value) > 100):
        raise ValueError(f"{wanted}, got {value!r:.40}")
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError(f"{wanted}, got {value!r:.40}") from None
    if not number.is_finite() or not 0 <= number <= LARGEST_SEED:
        raise ValueError(f"{wanted}, got {value!r:.40}")
    whole = int(number)
    return whole, min(float(number - whole), math.nextafter(1.0, 0.0))


def walk_z(seed: int, fraction: float, z_dim: int) -> Z:
    """The latent on the way from a seed to the next one, along a great circle (slerp).

    Both ends keep their lengths, so that every place on the way is as likely a sample as they are
    (White 2016, "Sampling Generative Networks").

    Args:
        seed: from 0 to `LARGEST_SEED`.
        fraction: 0 is the seed itself, in [0, 1).
        z_dim: length of a latent.

    Returns:
        `[1, z]`.

    Raises:
        ValueError: a seed or a fraction out of range.
    """
    check_seed(seed, fraction)
    first = sample_z([seed], z_dim)
    if fraction == 0:
        return first
    return Z(_slerp(first.tensor[0], sample_z([seed + 1], z_dim).tensor[0], fraction)[None])


def check_seed(seed: int, fraction: float) -> None:
    """Refuse what is no place among the seeds.

    Raises:
        ValueError: a seed or a fraction out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(
            f"seed: wanted a whole number from 0 to {LARGEST_SEED} (2^63 − 1), got {seed!r:.40}"
        )
    if not isinstance(fraction, int | float) or not 0 <= fraction < 1:
        raise ValueError(f"fraction: wanted a number from 0 to below 1, got {fraction!r:.40}")
    if fraction and seed == LARGEST_SEED:
        raise ValueError(f"seed: {LARGEST_SEED} is the last one, there is nothing to walk to")


def _slerp(start: Tensor, end: Tensor, fraction: float) -> Tensor:
    lengths = start.double().norm(), end.double().norm()
    a, b = start.double() / lengths[0], end.double() / lengths[1]
    angle = torch.acos((a @ b).clamp(-1, 1))
    sine = angle.sin()
    if float(sine) < 1e-6:  # a single dimension has no great circle
        return start.lerp(end, fraction)
    turned = ((1 - fraction) * angle).sin() / sine * a + (fraction * angle).sin() / sine * b
    length = torch.lerp(lengths[0], lengths[1], fraction)
    moved: Tensor = (turned * length).to(start.dtype)
    return moved
