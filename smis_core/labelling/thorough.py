"""A labeller that learned from a few annotated pictures and from many that nobody annotated.

One picture shows one layout. A probe that was fitted to it names most of any sample rightly and
knows where it does; what it is sure of there is annotation, too, of as many layouts as one likes
(self-training: Scudder 1965; Xie et al. 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..labels import UNPAINTED
from ..networks.generator_base import GeneratorBase
from .features import chosen_layers, sample_ws
from .live import (
    QuickOptions,
    QuickStep,
    check_annotation,
    fit_quickly,
    read_with_confidence,
)


@dataclass(frozen=True)
class ThoroughOptions:
    """How a labeller teaches itself."""

    quick: QuickOptions = field(
        default_factory=lambda: QuickOptions(steps=200, copies=16, hidden=64, pixels=32_000)
    )
    """of each fit"""
    rounds: int = 2
    """fits after the first, each with the labels of the one before"""
    samples: int = 32
    """pictures that a round labels; fresh ones for every round"""
    confidence: float = 0.9
    """that a pixel's label needs in order to teach"""

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.samples < 1 or not 0 < self.confidence < 1:
            raise ValueError(
                "rounds, samples and confidence: wanted at least 0, at least 1 and a number in"
                f" (0, 1), got {self.rounds}, {self.samples} and {self.confidence}"
            )


def fit_thoroughly(
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w] of the annotated pictures
    labels: Tensor,  # uint8 [K, R, R]; 255 is not painted
    *,
    num_classes: int,
    layers: Sequence[str] | None = None,
    options: ThoroughOptions | None = None,
) -> Iterator[QuickStep]:
    """Fits a `ProbeLabeller` to annotated pictures and to samples that it labels itself.

    Args:
        generator, wplus, labels, num_classes, layers: as in `fit_quickly`.
        options: see `ThoroughOptions`.

    Yields:
        A step; the last one's `labeller` is the result.

    Raises:
        ValueError: labels of another shape, nothing painted, or an unknown layer.
    """
    check_annotation(generator, wplus, labels)
    chosen_layers(generator, layers)
    chosen = options or ThoroughOptions()
    total = chosen.quick.steps * (chosen.rounds + 1)

    def steps() -> Iterator[QuickStep]:
        quick, taught, known = chosen.quick, wplus, labels
        for round_index in range(chosen.rounds + 1):
            fit = fit_quickly(
                generator, taught, known, num_classes=num_classes, layers=layers, options=quick
            )
            for step in fit:
                done = round_index * quick.steps + step.index
                yield QuickStep(done, total, step.loss, step.labeller)
            if round_index == chosen.rounds:
                return
            rng = torch.Generator().manual_seed(quick.seed * 1_009 + round_index + 1)
            ws = sample_ws(generator, chosen.samples, rng=rng).to(wplus.dtype)
            reading = read_with_confidence(generator, step.labeller, ws)
            named = reading.labels.masked_fill(reading.confidence < chosen.confidence, UNPAINTED)
            # The annotated pictures stay half of the lesson, however many samples there are.
            share = max(chosen.samples // len(wplus), 1)
            taught = torch.cat([wplus.repeat(share, 1, 1), ws])
            known = torch.cat([labels.to(named.device).repeat(share, 1, 1), named])
            quick = replace(
                chosen.quick,
                seed=chosen.quick.seed + round_index + 1,
                copies=len(taught),
                pixels=2 * chosen.quick.pixels,
            )

    return steps()
