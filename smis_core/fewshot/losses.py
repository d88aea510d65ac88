"""Does a picture have the layout that a mask asks for?"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED

_SPECK = 1 / 500
"""Of the painted pixels: less of a class than this may be misread."""


def one_hot(
    labels: Tensor,  # uint8 [N, H, W]; 255 is not painted
    num_classes: int,
) -> Tensor:
    """float32 [N, num_classes, H, W], channels last; all zero where nothing is painted."""
    # A lookup writes each pixel's row at once, several times faster than comparing or scattering.
    rows = torch.eye(num_classes + 1, num_classes, device=labels.device)
    return F.embedding(labels.long().clamp_max(num_classes), rows).movedim(-1, 1)


def shrunk_targets(
    labels: Tensor,  # uint8 [N, H, W]
    num_classes: int,
    size: int,
) -> Tensor:
    """How much of each class lies in each cell of a coarser grid: thin parts keep their share.

    Returns:
        float32 [N, num_classes, size, size].
    """
    planes = one_hot(labels, num_classes)
    factor = labels.shape[-1] // size
    return F.avg_pool2d(planes, factor) if factor > 1 else planes


def mask_consistency(
    logits: Tensor,  # [N, C, H, W] of a labeller
    targets: Tensor,  # [N, C, H, W] shares; zero in every channel where nothing is painted
    weights: Tensor,  # [C], relative importance of the classes
    *,
    overlap_weight: float = 1.0,
) -> Tensor:
    """Weighted cross-entropy plus one minus the soft intersection over union.

    The second term sums over the batch before it divides, like the figure by which masks are
    compared; the first gives a direction where nothing overlaps yet.

    Args:
        logits, targets, weights: what is read, what is wanted, and how much each class matters.
        overlap_weight: of the second term beside the first.

    Returns:
        A scalar; 0 where every painted pixel is certain and right.
    """
    log_probabilities = F.log_softmax(logits.float(), dim=1)
    weighted = targets * weights[:, None, None]
    entropy = -(weighted * log_probabilities).sum() / weighted.sum().clamp_min(1e-6)
    painted = targets.sum(dim=1, keepdim=True)
    probabilities = log_probabilities.exp() * painted
    intersections = (probabilities * targets).sum(dim=(0, 2, 3))
    unions = (probabilities + targets).sum(dim=(0, 2, 3)) - intersections
    shown = targets.sum(dim=(0, 2, 3)) > 0
    if not bool(shown.any()):
        return entropy
    overlap = (intersections / unions.clamp_min(1e-6))[shown].mean()
    return entropy + overlap_weight * (1 - overlap)


def agreement(
    labels: Tensor,  # uint8 [N, H, W], what a picture shows
    targets: Tensor,  # uint8 [N, H, W], what was asked for; 255 is ignored
) -> list[float]:
    """Mean intersection over union of each picture over the classes that its mask paints.

    Returns:
        A number in [0, 1] for each picture; 1 for a mask without paint.
    """
    found = overlaps(labels, targets)
    return [sum(each.values()) / len(each) if each else 1.0 for each in found]


def overlaps(
    labels: Tensor,  # uint8 [N, H, W], what a picture shows
    targets: Tensor,  # uint8 [N, H, W], what was asked for; 255 is ignored
) -> list[dict[int, float]]:
    """Intersection over union of each class that a mask paints, for each picture."""
    found = []
    for shown, wanted in zip(labels, targets, strict=True):
        painted = wanted != UNPAINTED
        ious = {}
        for index in wanted[painted].unique():
            asked, got = wanted == index, (shown == index) & painted
            ious[int(index)] = float((asked & got).sum()) / float((asked | got).sum())
        found.append(ious)
    return found


def unasked(
    labels: Tensor,  # uint8 [N, H, W], what a picture shows
    targets: Tensor,  # uint8 [N, H, W], what was asked for; 255 is ignored
) -> list[dict[int, float]]:
    """0 for each class that a picture shows where the mask, which has none of it, paints others:
    an eye that was painted over and is still there. Specks do not count."""
    found = []
    for shown, wanted in zip(labels, targets, strict=True):
        painted = wanted != UNPAINTED
        counts = torch.bincount(shown[painted].flatten().long(), minlength=256)
        counts[wanted[painted].unique().long()] = 0
        least = max(int(_SPECK * painted.sum()), 1)
        found.append({int(index): 0.0 for index in (counts[:UNPAINTED] >= least).nonzero()})
    return found


def balance(
    labels: Tensor,  # uint8 [N, H, W]
    num_classes: int,
) -> Tensor:
    """Class weights, inverse square roots of frequencies, averaging to 1 over the painted pixels.

    Returns:
        float32 [num_classes]; 0 for a class that does not occur.
    """
    counts = torch.bincount(labels.flatten().long(), minlength=256)[:num_classes].float()
    weights = torch.where(counts > 0, counts.clamp_min(1).rsqrt(), torch.zeros_like(counts))
    return weights * counts.sum() / (weights * counts).sum().clamp_min(1e-6)
