"""Noise maps that are optimised with the latent (Karras et al., 2020, appendix D)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

_COARSEST = 8


def autocorrelation(maps: Sequence[Tensor]) -> Tensor:
    """How much the maps look like a picture: squared neighbour products over a pyramid down to 8².

    Args:
        maps: each [N, 1, r, r].

    Returns:
        A scalar; about 0 for white noise.
    """
    total = maps[0].new_zeros(())
    for values in maps:
        while True:
            for dim in (2, 3):
                total = total + (values * values.roll(1, dim)).mean(dim=(1, 2, 3)).square().sum()
            if values.shape[-1] <= _COARSEST:
                break
            values = F.avg_pool2d(values, 2) * 2  # white noise keeps its unit variance
    return total


@torch.no_grad()
def normalise_(maps: Sequence[Tensor]) -> None:
    """Mean 0 and variance 1 for every map, in place."""
    for values in maps:
        values -= values.mean(dim=(2, 3), keepdim=True)
        values *= values.square().mean(dim=(2, 3), keepdim=True).clamp_min(1e-12).rsqrt()
