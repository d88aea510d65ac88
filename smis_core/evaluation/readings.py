"""What a judge reads from many pictures, batch by batch, and what follows for two sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from smis_core.labels import MERGED

from .judge import Judge
from .metrics import highest_octave_energy

FOUND_PARTS = ("eyes", "mouth", "hair")
"""Parts of which figures say how often they are found at all."""
_FOUND_SHARE = 0.001


@dataclass(frozen=True)
class Readings:
    """Of N pictures, without their pixels."""

    features: Tensor
    """[N, F]"""
    attributes: dict[str, Tensor]
    """[N] by name, see `JudgeReading`"""
    found: dict[str, Tensor]
    """bool [N] by part: it covers at least a thousandth of the picture"""
    octave: Tensor
    """[N] energy of the highest octave, see `highest_octave_energy`"""

    def __len__(self) -> int:
        return len(self.features)


def read_pictures(
    judge: Judge,
    batches: Iterable[Tensor],  # [n, 3, S, S] in [-1, 1] each
) -> Iterator[Readings]:
    """Readings of each batch of pictures."""
    for images in batches:
        with torch.inference_mode():
            reading = judge(images)
            labels = reading.labels
            yield Readings(
                features=reading.features,
                attributes=reading.attributes,
                found={part: _covers(labels, MERGED[part]) for part in FOUND_PARTS},
                octave=highest_octave_energy(images),
            )


def joined(parts: Sequence[Readings]) -> Readings:
    """Readings of several batches as one.

    Raises:
        ValueError: there are none.
    """
    if not parts:
        raise ValueError("wanted readings of at least one batch, got none")
    return Readings(
        features=torch.cat([part.features for part in parts]),
        attributes={
            name: torch.cat([part.attributes[name] for part in parts])
            for name in parts[0].attributes
        },
        found={name: torch.cat([part.found[name] for part in parts]) for name in FOUND_PARTS},
        octave=torch.cat([part.octave for part in parts]),
    )


def blurred_by_one_pixel(
    images: Tensor,  # [N, 3, H, W]
) -> Tensor:
    """Pictures under a Gaussian whose standard deviation is one pixel."""
    offsets = torch.arange(-3, 4, dtype=images.dtype, device=images.device)
    weights = torch.exp(-offsets.square() / 2)
    weights = weights / weights.sum()
    channels = images.shape[1]
    padded = torch.nn.functional.pad(images, (3, 3, 3, 3), mode="replicate")
    down = weights.view(1, 1, 7, 1).expand(channels, 1, 7, 1)
    right = weights.view(1, 1, 1, 7).expand(channels, 1, 1, 7)
    rows = torch.nn.functional.conv2d(padded, down, groups=channels)
    return torch.nn.functional.conv2d(rows, right, groups=channels)


def _covers(labels: Tensor, classes: Sequence[int]) -> Tensor:
    part = torch.isin(labels, torch.tensor(classes, dtype=labels.dtype, device=labels.device))
    return part.float().mean((1, 2)) >= _FOUND_SHARE
