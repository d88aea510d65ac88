"""Distances between two sets of pictures or readings, and agreement of readings with the truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
_ROWS_AT_ONCE = 1024


def frechet_distance(
    a: Tensor,  # [N, F]
    b: Tensor,  # [M, F]
) -> float:
    """Squared Fréchet distance between the normal distributions fitted to two sets of features.

    |mean_a - mean_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2) with the covariances A and B (Heusel et
    al. 2017, eq. 6, in its symmetric form, whose square root is that of a positive semi-definite
    matrix).

    Raises:
        ValueError: not two sets of at least two vectors of one length.
    """
    first, second = _feature_sets(a, b, least=2)
    cov_a, cov_b = (
        torch.cov(first.T).reshape(2 * first.shape[1:]),
        torch.cov(second.T).reshape(2 * second.shape[1:]),
    )
    values, vectors = torch.linalg.eigh(cov_a)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp_min(0).sqrt().sum()
    means = (first.mean(0) - second.mean(0)).square().sum()
    return max(0.0, float(means + cov_a.trace() + cov_b.trace() - 2 * cross))


def precision_recall(
    real: Tensor,  # [N, F]
    fake: Tensor,  # [M, F]
    k: int = 3,
) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, eq. 1 and 2).

    Precision is the share of `fake` that lies within the k-th neighbour's distance of some point of
    `real`; recall is the same with the sets exchanged.

    Raises:
        ValueError: not two sets of more than k vectors of one length.
    """
    if k < 1:
        raise ValueError(f"k: wanted at least 1 neighbour, got {k}")
    reals, fakes = _feature_sets(real, fake, least=k + 1)
    return _covered(fakes, reals, k), _covered(reals, fakes, k)


def ks_distance(
    a: Tensor | Array,  # [N]
    b: Tensor | Array,  # [M]
) -> float:
    """Kolmogorov-Smirnov distance: the largest difference of the two empirical distribution
    functions, in [0, 1].

    Raises:
        ValueError: a set is empty or holds values that are not finite.
    """
    first, second = np.sort(_values("a", a)), np.sort(_values("b", b))
    places = np.concatenate([first, second])
    below_a = np.searchsorted(first, places, side="right") / first.size
    below_b = np.searchsorted(second, places, side="right") / second.size
    return float(np.abs(below_a - below_b).max())


def auc(
    scores: Tensor | Array,  # [N]
    truth: Tensor | Array,  # [N], true where above 0.5
) -> float:
    """Area under the receiver operating characteristic: the Mann-Whitney statistic, ties counted
    half.

    Raises:
        ValueError: the lengths differ, or one of the two outcomes does not occur.
    """
    values, outcomes = _values("scores", scores), _values("truth", truth) > 0.5
    _same_length(values, outcomes)
    positives = int(outcomes.sum())
    negatives = outcomes.size - positives
    if not positives or not negatives:
        raise ValueError(
            f"truth: wanted both outcomes, got {positives} true and {negatives} false; "
            "measure on more pictures"
        )
    ranks = rankdata(values)
    return float(
        (ranks[outcomes].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    )


def correlation(
    a: Tensor | Array,  # [N]
    b: Tensor | Array,  # [N]
) -> float:
    """Pearson's correlation, in [-1, 1]; 0 where a side does not vary.

    Raises:
        ValueError: the lengths differ, or fewer than two values.
    """
    first, second = _pair(a, b)
    first, second = first - first.mean(), second - second.mean()
    return _normalised(first, second)


def circular_correlation(
    a: Tensor | Array,  # [N], turns: 1 is the full circle
    b: Tensor | Array,  # [N], turns
) -> float:
    """Correlation of angles (Jammalamadaka and SenGupta 2001, eq. 8.2.2), in [-1, 1].

    Sines of the deviations from the circular means take the place of the deviations.

    Raises:
        ValueError: the lengths differ, or fewer than two values.
    """
    first, second = (2 * math.pi * values for values in _pair(a, b))
    return _normalised(
        np.sin(first - _circular_mean(first)), np.sin(second - _circular_mean(second))
    )


def highest_octave_energy(
    images: Tensor,  # [N, C, H, W] in [-1, 1]
) -> Tensor:
    """Energy that halving the pictures would lose, a picture.

    The mean square of the part of the spectrum whose frequency exceeds a quarter of the sampling
    rate along either axis. A Hann window keeps the seam between opposite borders out of it.

    Returns:
        float64 [N], in units of the squared picture; `decibel` of a mean over pictures is the usual
        figure.

    Raises:
        ValueError: not pictures of at least 8 pixels a side.
    """
    if images.ndim != 4 or min(images.shape[-2:]) < 8:
        raise ValueError(
            f"images: wanted [N, C, H, W] of at least 8 pixels a side, got {tuple(images.shape)}"
        )
    height, width = images.shape[-2:]
    pixels = images.detach().double()
    window = torch.outer(
        *(
            torch.hann_window(side, dtype=torch.float64, device=images.device)
            for side in (height, width)
        )
    )
    window = window / window.square().mean().sqrt()
    spectrum = (
        torch.fft.fft2((pixels - pixels.mean((-2, -1), keepdim=True)) * window, norm="forward")
        .abs()
        .square()
    )
    rows = torch.fft.fftfreq(height, device=images.device).abs()[:, None]
    columns = torch.fft.fftfreq(width, device=images.device).abs()[None, :]
    energy: Tensor = (spectrum * (torch.maximum(rows, columns) > 0.25)).sum((-2, -1)).mean(1)
    return energy


def decibel(energy: float) -> float:
    """10 log10 of an energy; minus infinity for none."""
    return 10 * math.log10(energy) if energy > 0 else -math.inf


def _feature_sets(a: Tensor, b: Tensor, *, least: int) -> tuple[Tensor, Tensor]:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < least:
        raise ValueError(
            f"wanted two sets of at least {least} feature vectors [N, F] of one length, "
            f"got {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return a.detach().double(), b.detach().double()


def _covered(points: Tensor, centres: Tensor, k: int) -> float:
    """Share of points inside some centre's sphere, whose radius is the distance of that centre's
    k-th neighbour."""
    radii = torch.cat(
        [
            torch.cdist(rows, centres).kthvalue(k + 1, dim=1).values
            for rows in torch.split(centres, _ROWS_AT_ONCE)
        ]
    )
    inside = [
        (torch.cdist(rows, centres) <= radii).any(1) for rows in torch.split(points, _ROWS_AT_ONCE)
    ]
    return float(torch.cat(inside).double().mean())


def _values(name: str, values: Tensor | Array) -> Array:
    array = (
        values.detach().cpu().double().numpy()
        if isinstance(values, torch.Tensor)
        else np.asarray(values, dtype=float)
    )
    array = array.reshape(-1)
    if not array.size or not np.isfinite(array).all():
        raise ValueError(
            f"{name}: wanted finite values, got {array.size} of which "
            f"{int(np.isfinite(array).sum())} are finite"
        )
    return array


def _pair(a: Tensor | Array, b: Tensor | Array) -> tuple[Array, Array]:
    first, second = _values("a", a), _values("b", b)
    _same_length(first, second)
    if first.size < 2:
        raise ValueError(f"wanted at least two values, got {first.size}")
    return first, second


def _same_length(first: Array, second: Array) -> None:
    if first.size != second.size:
        raise ValueError(f"wanted as many values on both sides, got {first.size} and {second.size}")


def _circular_mean(angles: Array) -> float:
    return math.atan2(float(np.sin(angles).sum()), float(np.cos(angles).sum()))


def _normalised(first: Array, second: Array) -> float:
    scale = math.sqrt(float((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0
