"""Pictures at several sizes, and how far they are apart in pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_COARSEST = 8


def pyramid(
    images: Tensor,  # [N, C, R, R]
) -> list[Tensor]:
    """The pictures at R, R/2, … down to 8², by area."""
    levels = [images]
    while levels[-1].shape[-1] > _COARSEST:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def pixel_distance(
    levels: list[Tensor],  # each [N, 3, r, r]
    target: list[Tensor],  # of the same shapes
    weights: list[Tensor] | None = None,  # each [N or 1, 1, r, r], not negative
) -> Tensor:
    """Mean over the levels of absolute plus squared difference.

    Coarse levels see a head that stands elsewhere before its pixels overlap; the absolute
    difference keeps pulling when little is left.

    Args:
        weights: how much each pixel matters; a level in which nothing does is left out.

    Returns:
        [N].
    """
    terms = []
    for index, (ours, theirs) in enumerate(zip(levels, target, strict=True)):
        difference = ours - theirs
        error = difference.abs() + difference.square()
        terms.append(weighted_mean(error, None if weights is None else weights[index]))
    return torch.stack(terms).mean(dim=0)


def weighted_mean(
    error: Tensor,  # [N, C, r, r]
    weight: Tensor | None,  # [N or 1, 1, r, r]
) -> Tensor:
    """[N]: the mean over channels and over pixels, as much as each matters."""
    if weight is None:
        return error.mean(dim=(1, 2, 3))
    total = weight.sum(dim=(1, 2, 3)).clamp_min(1e-8)
    return (error.mean(dim=1, keepdim=True) * weight).sum(dim=(1, 2, 3)) / total
