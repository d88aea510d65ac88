"""What a judge is trained on: cross entropy and soft Dice over classes, errors over attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .attributes import AttributeSpec


class _SegmentationLoss(torch.autograd.Function):
    """Cross entropy plus soft Dice with the gradient written out.

    With p the softmax, both have a gradient in p that is one number a class, plus one at the true
    class; so a single pass over the logits' shape is enough, where autograd would keep and visit
    half a dozen of them. On a processor that is half of the loss's time, and the loss works at the
    full resolution.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,  # [M, C]
        labels: Tensor,  # [M] int64
        weights: Tensor,  # [C]
    ) -> Tensor:
        classes = logits.shape[1]
        log_shares = logits.float().log_softmax(1)
        at_truth = log_shares.gather(1, labels[:, None])[:, 0]
        pixel_weights = weights[labels]
        pixel_weights /= pixel_weights.sum()
        cross_entropy = -(pixel_weights * at_truth).sum()

        shares, at_truth = log_shares.exp_().to(logits.dtype), at_truth.exp()
        hits = torch.zeros(classes, device=logits.device).index_add_(0, labels, at_truth)
        truth = torch.bincount(labels, minlength=classes).float()
        total = shares.sum(0, dtype=torch.float32) + truth + 1
        # Smoothed by one pixel, so that a class that the batch lacks costs what was found of it.
        dice = 1 - (2 * hits + 1) / total
        of_hit = -2 / total / classes
        of_all = (2 * hits + 1) / total.square() / classes
        ctx.save_for_backward(shares, labels, at_truth, pixel_weights, of_hit, of_all)
        return cross_entropy + dice.mean()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        shares, labels, at_truth, pixel_weights, of_hit, of_all = ctx.saved_tensors
        kind, classes = shares.dtype, shares.shape[1]
        hit = of_hit[labels] * at_truth
        mean = (shares @ of_all.to(kind)).float() + hit
        # A matrix product, several times as fast as a broadcast over so short a last axis.
        ones = torch.ones(1, classes, dtype=kind, device=shares.device)
        factor = torch.addmm(of_all.to(kind)[None], (pixel_weights - mean).to(kind)[:, None], ones)
        result = shares * factor
        flat = torch.arange(len(labels), device=labels.device) * classes + labels
        result.view(-1).index_add_(0, flat, (hit - pixel_weights).to(kind))
        return result * gradient.to(kind), None, None


def segmentation_loss(
    logits: Tensor,  # [..., C]
    labels: Tensor,  # [...] class indices
    weights: Tensor,  # [C] of the classes' pixels in the cross entropy
) -> Tensor:
    """Cross entropy, its pixels weighted by class, plus the mean over classes of 1 - soft Dice over
    the batch.

    Dice (Milletari et al. 2016, eq. 3 without squares, smoothed by 1) is over classes as the figure
    is, so that brows weigh as much as the background; cross entropy keeps its gradient where a
    class was missed altogether.
    """
    return _SegmentationLoss.apply(  # type: ignore[no-any-return,no-untyped-call]
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1).long(), weights
    )


def patches_of(
    labels: Tensor,  # [N, S, S]
) -> Tensor:
    """Labels in the order of `RawReading.patches`: [N, S/2, S/2, 4]."""
    count, rows, columns = labels.shape
    return (
        labels.view(count, rows // 2, 2, columns // 2, 2)
        .transpose(2, 3)
        .reshape(count, rows // 2, columns // 2, 4)
    )


def attribute_loss(
    channels: Tensor,  # [N, channels] as in `RawReading.attributes`
    truth: Mapping[str, Tensor],  # [N] each
    specs: Sequence[AttributeSpec],
) -> Tensor:
    """The mean over attributes of: the squared error in half ranges, that of (cos, sin), or cross
    entropy.

    Pictures in which an attribute cannot be seen do not count for it.
    """
    losses = []
    for spec, part in zip(
        specs, torch.split(channels.float(), [spec.channels for spec in specs], dim=1), strict=True
    ):
        target = truth[spec.name]
        if spec.kind == "binary":
            errors = F.binary_cross_entropy_with_logits(part[:, 0], target, reduction="none")
        elif spec.kind == "circular":
            angle = 2 * math.pi * target
            errors = (part - torch.stack([angle.cos(), angle.sin()], 1)).square().sum(1)
        else:
            errors = ((part[:, 0] - target) * (2 / (spec.high - spec.low))).square()
        seen = spec.visible(truth).float()
        losses.append((errors * seen).sum() / seen.sum().clamp_min(1))
    return torch.stack(losses).mean()
