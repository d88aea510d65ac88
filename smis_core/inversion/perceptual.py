"""How far two pictures are apart."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.strided import AnyDiscriminator

_COARSEST = 8
_EPSILON = 1e-8


def pyramid(
    images: Tensor,  # [N, 3, R, R]
) -> list[Tensor]:
    """The pictures at R, R/2, … down to 8², by area."""
    levels = [images]
    while levels[-1].shape[-1] > _COARSEST:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def pixel_distance(
    levels: list[Tensor],  # each [N, 3, r, r]
    target: list[Tensor],  # of the same shapes
) -> Tensor:
    """Mean over the levels of absolute plus squared difference.

    Coarse levels see a head that stands elsewhere before its pixels overlap; the absolute
    difference keeps pulling when little is left.

    Returns:
        [N].
    """
    terms = []
    for ours, theirs in zip(levels, target, strict=True):
        difference = ours - theirs
        terms.append((difference.abs() + difference.square()).mean(dim=(1, 2, 3)))
    return torch.stack(terms).mean(dim=0)


def critic_features(
    critic: AnyDiscriminator,
    images: Tensor,  # [N, 3, R, R] in [-1, 1]
) -> list[Tensor]:
    """What the discriminator sees in pictures, each map of unit length along its channels.

    It knows nothing but its own domain, and nobody had to label a picture for it: a perceptual
    distance that needs no network trained on other people's photographs. The last map is left out,
    since its statistic mixes a batch.
    """
    count = len(images)
    missing = -count % 4 if count > 4 else 0
    _, maps = critic(torch.cat([images, images[:missing]]), features=True)
    return [F.normalize(each[:count].float(), dim=1, eps=_EPSILON) for each in maps[:-1]]


def feature_distance(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Mean over the maps of the squared distance between unit vectors, after LPIPS (Zhang et al.,
    2018, equation 1).

    Returns:
        [N], in [0, 4].
    """
    terms = [
        (a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(terms).mean(dim=0)
