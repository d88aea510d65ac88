"""Linear maps between latents, pictures and attributes, and directions that keep out of each
other's way."""

from __future__ import annotations

import torch
from torch import Tensor

from .distribution import Distribution


def ridge(
    inputs: Tensor,  # [N, D]
    targets: Tensor,  # [N, T]
    *,
    strength: float,
) -> Tensor:
    """Weights `[D, T]` of the regression of targets on inputs, both without their means.

    Args:
        inputs: what is known, each column of about the same weight.
        targets: what is wanted.
        strength: of the penalty, in units of an input's mean squared length: 0.02 trusts many
            samples, 1 hardly any.

    Raises:
        ValueError: fewer than two rows, not as many on both sides, or a strength that is not
            positive.
    """
    if inputs.ndim != 2 or targets.ndim != 2 or len(inputs) != len(targets) or len(inputs) < 2:
        raise ValueError(
            f"wanted as many rows on both sides, at least two, got {[*inputs.shape]} and "
            f"{[*targets.shape]}"
        )
    if not strength > 0:
        raise ValueError(f"strength: wanted a number above 0, got {strength}")
    x, y = inputs - inputs.mean(dim=0), (targets - targets.mean(dim=0)).double()
    # The smaller of the two Gram matrices gives the same weights.
    dual = x.shape[0] <= x.shape[1]
    gram = (x @ x.T if dual else x.T @ x).double()
    penalty = strength * float(x.square().sum()) / len(x)
    gram.diagonal().add_(penalty)
    if dual:
        found: Tensor = x.T @ torch.linalg.solve(gram, y).to(x)
        return found
    weights: Tensor = torch.linalg.solve(gram, x.T.double() @ y)
    return weights.to(x)


class Whitening:
    """Rows of W+ in coordinates in which W has a spread of one in every direction."""

    def __init__(self, spread: Distribution) -> None:
        self.mean = spread.mean
        # What W hardly ever varies in is held to a thousandth of the mean variance.
        floor = 1e-3 * spread.covariance.diagonal().mean().clamp_min(1e-12)
        eye = torch.eye(len(spread.mean))
        self.root = torch.linalg.cholesky(spread.covariance + floor * eye)

    def steps(self, steps: Tensor) -> Tensor:  # [..., w]
        """Differences of latents, whitened."""
        return self._solved(steps, self.root)

    def back(self, steps: Tensor) -> Tensor:  # [..., w]
        """The inverse of `steps`."""
        plain: Tensor = steps @ self.root.T
        return plain

    def normals(self, normals: Tensor) -> Tensor:  # [..., w]
        """Whitened weights as weights of plain latents: both read the same."""
        flat = normals.reshape(-1, normals.shape[-1]).T
        read: Tensor = torch.linalg.solve_triangular(self.root.T, flat, upper=True)
        return read.T.reshape(normals.shape)

    @staticmethod
    def _solved(steps: Tensor, root: Tensor) -> Tensor:
        flat = steps.reshape(-1, steps.shape[-1]).T
        solved: Tensor = torch.linalg.solve_triangular(root, flat, upper=False)
        return solved.T.reshape(steps.shape)


def weighed_by_row(
    steps: Tensor,  # [K, L, w], whitened
    normals: Tensor,  # [K, L, w], whitened
) -> Tensor:
    """Directions that act where they have an effect, `[K, L, w]`.

    Each row is weighed by what it does to its own attribute for its squared length, which is the
    weighing of the largest effect for its length; rows that work against it are left out. The
    root of it is taken, because the effects are estimates.
    """
    effects = (normals * steps).sum(dim=2) / steps.square().sum(dim=2).clamp_min(1e-12)
    weights = effects.clamp_min(0)
    weights = (weights / weights.amax(dim=1, keepdim=True).clamp_min(1e-12)).sqrt()
    return steps * weights[:, :, None]


def unmixed(
    steps: Tensor,  # [K, L, w], whitened
    effects: Tensor,  # [K, K]: what one step does to each attribute, in standard deviations
    *,
    caution: float = 0.002,
) -> Tensor:
    """Mixtures of directions of which each moves its own attribute by one standard deviation and
    the others as little as may be, `[K, L, w]`.

    Args:
        steps: one direction an attribute.
        effects: as measured.
        caution: what a squared unit of length costs that is borrowed from other directions:
            effects are measured with an error, and long steps leave the likely latents.
    """
    lengths = steps.square().sum((1, 2)) / steps.shape[1]
    mixtures = []
    for index in range(len(steps)):
        cost = caution * lengths
        cost[index] = 0
        wanted = torch.zeros(len(steps))
        wanted[index] = 1
        matrix = effects @ effects.T + torch.diag(cost) + 1e-6 * torch.eye(len(steps))
        mixtures.append(torch.linalg.solve(matrix, effects @ wanted))
    mixed = torch.einsum("mk,klw->mlw", torch.stack(mixtures), steps)
    gains = (torch.stack(mixtures) @ effects).diagonal().clamp_min(0.05)
    return mixed / gains[:, None, None]
