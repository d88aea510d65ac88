"""What the ways to find directions share: names, signs, and the length of a step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_MOST = 4096


def name_many(prefix: str, count: int) -> tuple[str, ...]:
    """The prefix with 1, 2, … behind it."""
    return tuple(f"{prefix} {index + 1}" for index in range(count))


def check_count(count: int, limit: int) -> None:
    """Refuse a number of directions that there cannot be."""
    if not 1 <= count <= min(limit, _MOST):
        raise ValueError(f"count: wanted 1 to {min(limit, _MOST)} directions, got {count}")


def by_one_deviation(
    shapes: Tensor,  # [K, L, w]
    covariance: Tensor,  # [w, w]
) -> tuple[Tensor, Tensor]:
    """Steps of one standard deviation of W, and normals that read them, `[K, L, w]` each.

    Raises:
        ValueError: a direction that is zero.
    """
    lengths = shapes.norm(dim=2)  # [K, L]
    longest, at = lengths.max(dim=1)
    if not bool((longest > 0).all()):
        raise ValueError("a direction came out as zero: its examples do not differ in these rows")
    units = shapes / longest[:, None, None]
    strongest = units[torch.arange(len(units)), at]  # [K, w], each of length 1
    spread = torch.einsum("kw,wv,kv->k", strongest, covariance.to(units), strongest)
    # Where W does not vary at all, a step of no length would be a slider that does nothing.
    floor = covariance.diagonal().mean().to(units) * 1e-4
    steps = units * spread.clamp_min(floor).sqrt()[:, None, None]
    return steps, steps / steps.square().sum((1, 2))[:, None, None]


def oriented(vectors: Tensor) -> Tensor:  # [K, w]
    """Signs that do not depend on the solver: the largest entry is positive."""
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    return vectors * torch.where(largest < 0, -1.0, 1.0)


def spread_over(
    vectors: Tensor,  # [K, w]
    rows: Sequence[int],
    num_ws: int,
) -> Tensor:
    """The same vector in each of some rows, `[K, L, w]`."""
    shapes = vectors.new_zeros(len(vectors), num_ws, vectors.shape[1])
    shapes[:, list(rows)] = vectors[:, None]
    return shapes
