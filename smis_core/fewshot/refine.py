"""Following a sketch more closely than the encoder's single glance does."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..devices import has_fast_bfloat16
from ..labelling import Labeller, shallow_synthesis
from ..latents import WPlus
from ..networks.generator_base import GeneratorBase
from .losses import balance, mask_consistency, shrunk_targets

_OVERLAP_WEIGHT = 6.0
"""A start by the encoder overlaps already: what is left is where parts end, which the intersection
over union weighs and the entropy of large parts hardly does."""


@dataclass(frozen=True, eq=False)
class RefineStep:
    """One step of `Synthesizer.refine`."""

    index: int
    """from 0"""
    total: float
    """mask consistency plus the pull towards the encoder's code"""
    losses: dict[str, float]
    """the terms by name: "mask", "near" """
    wplus: WPlus
    """the latents so far"""
    done: float = 1.0
    """share of the steps, or of the seconds, in (0, 1]"""


def refine_codes(
    generator: GeneratorBase,
    labeller: Labeller,
    start: Tensor,  # [N, L, w]
    labels: Tensor,  # uint8 [1, R, R]; 255 is not painted
    *,
    scale: Tensor,  # [w]
    rows: int,
    steps: int,
    seconds: float | None,
    learning_rate: float,
    near_weight: float,
) -> Iterator[RefineStep]:
    """Adam on the first rows of W+, see `Synthesizer.refine`."""
    device = start.device
    classes = labeller.config.num_classes
    finest = max(
        layer.resolution for layer in generator.synthesis.layers if layer.name in labeller.layers
    )
    synthesis = shallow_synthesis(generator, finest)
    # Thin parts are lost at the features' own size; more than twice of it says nothing new.
    side = min(labels.shape[-1], 2 * finest)
    targets = shrunk_targets(labels, classes, side).expand(len(start), -1, -1, -1)
    weights = balance(labels, classes)
    fast = has_fast_bfloat16(device)
    offset = torch.zeros_like(start[:, :rows]).requires_grad_(True)
    optimizer = torch.optim.Adam([offset], lr=learning_rate, betas=(0.9, 0.95))
    index, spent, done = 0, 0.0, 0.0
    while done < 1:
        began = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (0.5 + 0.5 * math.cos(math.pi * done))
        # A worker thread shares the process's gradient mode with nobody: it is set here, not by
        # who drains us.
        with torch.enable_grad():
            ws = torch.cat([start[:, :rows] + offset * scale, start[:, rows:]], dim=1)
            with torch.autocast(device.type, torch.bfloat16, enabled=fast):
                _, features = synthesis(ws[:, : synthesis.num_ws], features=labeller.layers)
                logits = labeller.logits(features, side)
            consistency = mask_consistency(logits, targets, weights, overlap_weight=_OVERLAP_WEIGHT)
            near = offset.square().sum(dim=2).mean()
            total = consistency + near_weight * near
            (offset.grad,) = torch.autograd.grad(total, offset)
        optimizer.step()
        moved = torch.cat([start[:, :rows] + offset.detach() * scale, start[:, rows:]], dim=1)
        # What the taker does between two steps, drawing or waiting, does not use up the budget.
        spent += time.perf_counter() - began
        done = min((index + 1) / steps if seconds is None else spent / seconds, 1.0)
        losses = {"mask": float(consistency.detach()), "near": float(near.detach())}
        yield RefineStep(index, float(total.detach()), losses, WPlus(moved), done)
        index += 1
