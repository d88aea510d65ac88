"""What an inversion minimises: terms by name, each with a weight."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from .noise_maps import autocorrelation
from .perceptual import Perceptual
from .pyramid import pixel_distance, pyramid, weighted_mean
from .statistics import WStatistics

MaskLoss = Callable[[Tensor], Tensor]
"""Codes [N, L, w] that the picture is drawn from → [N] or a scalar: how far what a labeller reads
is from the wanted mask."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How much each term counts; 0 leaves it out.

    Raises:
        ValueError: a weight is negative or no number, or nothing compares pictures.
    """

    pyramid: float = 1.0
    """absolute and squared differences at every size from the picture's down to 8²"""
    l2: float = 0.0
    """the mean squared difference of pixels in [-1, 1]"""
    l1: float = 0.0
    """the mean absolute difference of pixels"""
    perceptual: float = 0.5
    """LPIPS, or the distance in the discriminator's features"""
    prior: float = 0.01
    """the distance from the latents that the mapping network gives: what keeps features readable"""
    rows: float = 0.01
    """the distance of the rows of W+ from each other, e4e's closeness to W"""
    noise: float = 1e3
    """the noise maps' autocorrelation, where they are optimised"""
    mask: float = 1.0
    """the disagreement with a mask, where a function is given that tells it"""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"losses: wanted {field.name} of at least 0, got {value}")
        if not self.pyramid + self.l2 + self.l1 + self.perceptual:
            raise ValueError(
                "losses: wanted a positive pyramid, l2, l1 or perceptual, got 0 for all four;"
                " nothing would compare the pictures"
            )

    @classmethod
    def stylegan2(cls) -> LossWeights:
        """StyleGAN2's projector: perceptual alone, and quiet noise (Karras et al. 2020,
        appendix D)."""
        return cls(pyramid=0, perceptual=1, prior=0, rows=0, noise=1e5)

    @classmethod
    def image2stylegan(cls) -> LossWeights:
        """Image2StyleGAN (Abdal et al. 2019, equation 1)."""
        return cls(pyramid=0, l2=1, perceptual=1, prior=0, rows=0, noise=0)

    @classmethod
    def psp(cls) -> LossWeights:
        """pSp for faces (Richardson et al. 2021, equation 5) without its face recogniser."""
        return cls(pyramid=0, l2=1, perceptual=0.8, prior=0, rows=0, noise=0)

    @classmethod
    def e4e(cls) -> LossWeights:
        """e4e (Tov et al. 2021, section 4.3) without its discriminator and face recogniser."""
        return replace(cls.psp(), rows=2e-4)

    @classmethod
    def pti(cls) -> LossWeights:
        """Pivotal tuning (Roich et al. 2022, equation 2)."""
        return cls(pyramid=0, l2=1, perceptual=1, prior=0, rows=0, noise=0)

    def to_dict(self) -> dict[str, float]:
        """Weights by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Objective:
    """Compares drawn pictures with targets.

    Args:
        target: [N, 3, R, R] in [-1, 1].
        weights: of the terms.
        perceptual: the distance behind the term of that name.
        statistics: of w, behind `prior` and `rows`.
        matters: [N or 1, 1, R, R] in [0, 1], the weight mask.
        mask_loss: behind `mask`.
    """

    def __init__(
        self,
        target: Tensor,
        weights: LossWeights,
        *,
        perceptual: Perceptual | None = None,
        statistics: WStatistics | None = None,
        matters: Tensor | None = None,
        mask_loss: MaskLoss | None = None,
    ) -> None:
        self.target, self.statistics, self.mask_loss = target, statistics, mask_loss
        self.matters = matters
        self.weights = weights.to_dict()
        self.perceptual = perceptual if weights.perceptual else None
        self.levels = pyramid(target)
        self.importance = None if matters is None else pyramid(matters)
        with torch.no_grad():
            self.seen = self.perceptual.features(target) if self.perceptual else []

    def compare(
        self,
        image: Tensor,  # [N, 3, r, r], r the targets' side or a smaller power of two
    ) -> dict[str, Tensor]:
        """Terms [N] of the pictures; the perceptual one at full size only."""
        skip = (self.target.shape[-1] // image.shape[-1]).bit_length() - 1
        levels = self.levels[skip:] or [F.avg_pool2d(self.levels[-1], 2)]
        importance = None
        if self.importance is not None:
            importance = self.importance[skip:] or [F.avg_pool2d(self.importance[-1], 2)]
        terms = {}
        weights = self.weights
        if weights["pyramid"] or skip:  # the other terms are defined at full size
            terms["pyramid"] = pixel_distance(pyramid(image), levels, importance)
        if skip:
            return terms
        difference = image - levels[0]
        first = None if importance is None else importance[0]
        if weights["l2"]:
            terms["l2"] = weighted_mean(difference.square(), first)
        if weights["l1"]:
            terms["l1"] = weighted_mean(difference.abs(), first)
        if self.perceptual is not None:
            # What does not matter is shown as the target has it, so that no feature sees it.
            shown = image if self.matters is None else self.target + difference * self.matters
            terms["perceptual"] = self.perceptual.distance(
                self.perceptual.features(shown), self.seen
            )
        return terms

    def nearness(
        self,
        image: Tensor,  # [1, 3, R, R]
    ) -> Tensor:
        """[N]: how far each target is from one picture, in pixels at every size."""
        drawn = [
            each.expand_as(level) for each, level in zip(pyramid(image), self.levels, strict=True)
        ]
        return pixel_distance(drawn, self.levels, self.importance)

    def regularise(
        self,
        ws: Tensor | None,  # [N, L, w]
        maps: list[Tensor],
        *,
        count: int,
    ) -> dict[str, Tensor]:
        """Terms [N] of codes and noise; ws is None in style space, which has no prior here."""
        weights, terms = self.weights, {}
        if ws is not None and self.statistics is not None:
            statistics = self.statistics
            if weights["prior"]:
                terms["prior"] = statistics.distance(ws - statistics.mean).mean(dim=1)
            if weights["rows"] and ws.shape[1] > 1:
                gaps = statistics.distance(ws - ws.mean(dim=1, keepdim=True))
                terms["rows"] = gaps.mean(dim=1)
        if ws is not None and self.mask_loss is not None and weights["mask"]:
            terms["mask"] = self.mask_loss(ws).expand(count)
        if maps and weights["noise"]:
            terms["noise"] = (autocorrelation(maps) / count).expand(count)
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """[N], the weighted sum; a comparison at a smaller size counts fully."""
        total: Tensor | None = None
        for name, term in terms.items():
            weight = self.weights[name] or 1.0
            total = term * weight if total is None else total + term * weight
        assert total is not None
        return total


def as_numbers(terms: dict[str, Tensor], total: Tensor) -> dict[str, float]:
    """Terms and "total", averaged over the targets, with one transfer from the device."""
    named = {**terms, "total": total}
    values = torch.stack([term.detach().mean() for term in named.values()])
    return dict(zip(named, values.tolist(), strict=True))
