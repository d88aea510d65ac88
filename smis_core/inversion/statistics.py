"""The distribution of w, as a Gaussian: units for steps, a prior for codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.generator_base import GeneratorBase

SAMPLES = 4_000
_RIDGE = 1e-2


class WStatistics:
    """Mean and covariance of w over samples.

    Args:
        generator: of any family.
        rng: a CPU generator; the same state gives the same numbers on every device.
        labels: [M, c_dim] among which samples are spread evenly; conditional generators want them.
        samples: how many.

    Attributes:
        mean: [w].
        basis: [w, w]; white numbers times it have w's covariance, with a ridge.
        whitening: [w, w], the inverse of `basis`.
        spread: the root of the mean variance of a dimension.
        deviation: the root of the mean squared distance from the mean (Karras et al. 2020,
            appendix D).
    """

    def __init__(
        self,
        generator: GeneratorBase,
        rng: torch.Generator,
        *,
        labels: Tensor | None = None,
        samples: int = SAMPLES,
    ) -> None:
        device = generator.mapping.w_avg.device
        z = torch.randn(samples, generator.config.z_dim, generator=rng).to(device)
        if generator.config.c_dim and labels is None:
            labels = torch.eye(generator.config.c_dim)
        c = None if labels is None else labels.to(device)[torch.arange(samples) % len(labels)]
        with torch.no_grad():
            w = generator.mapping(z, c)[:, 0].double()
        mean = w.mean(dim=0)
        centred = w - mean
        covariance = centred.T @ centred / samples
        # Directions that w hardly takes are free to a hundredth of the mean variance, or they would
        # forbid everything.
        ridge = covariance.diagonal().mean() * _RIDGE + 1e-12
        values, vectors = torch.linalg.eigh(
            covariance + ridge * torch.eye(len(mean), dtype=w.dtype, device=device)
        )
        self.mean = mean.float()
        self.basis = ((vectors * values.sqrt()) @ vectors.T).float()
        self.whitening = ((vectors * values.rsqrt()) @ vectors.T).float()
        self.spread = float(covariance.diagonal().mean().clamp_min(1e-12).sqrt())
        self.deviation = float(covariance.diagonal().sum().clamp_min(1e-12).sqrt())

    def distance(
        self,
        difference: Tensor,  # […, w]
    ) -> Tensor:
        """[…]: the mean square in white coordinates, 1 for a sample's distance from the mean."""
        squares: Tensor = (difference @ self.whitening).square()
        return squares.mean(dim=-1)


def class_labels(generator: GeneratorBase, classes: Sequence[int]) -> Tensor | None:
    """[N, c_dim], one-hot, on the generator's device; None for a generator without classes."""
    count = generator.config.c_dim
    if not count:
        return None
    device = generator.mapping.w_avg.device
    return F.one_hot(torch.tensor([*classes], device=device), count).float()
