"""Attributes of portraits: in what pairs of renders differ, and how they are read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from smis_core.portraits.renderer import Renders, render

SLIDERS: Mapping[str, str] = {
    "turn": "yaw",
    "tilt": "roll",
    "mood": "mood",
    "mouth": "mouth_open",
    "hair length": "hair_length",
}
"""Directions by name, with the renderer's attribute."""
DIALS: Mapping[str, str] = {"hair colour": "hair_hue", "eye colour": "eye_hue"}
"""Circles by name, with the renderer's hue."""
SATURATIONS: Mapping[str, str] = {"hair_hue": "hair_saturation", "eye_hue": "eye_saturation"}
"""How strong a hue shows."""
_RANGES = {
    "yaw": (-0.6, 0.6), "roll": (-0.6, 0.6), "mood": (-1.0, 1.0), "mouth_open": (0.0, 1.0),
    "hair_length": (0.0, 1.0), "gaze": (-0.8, 0.8), "skin": (0.0, 1.0),
    "hair_saturation": (0.15, 0.8), "eye_saturation": (0.3, 0.9), "glasses": (0.0, 1.0),
    "hat": (0.0, 1.0),
}  # fmt: skip
"""Values between which pairs differ; what is no slider is only kept out of the sliders."""
_AXES = tuple((hue, part) for hue in DIALS.values() for part in ("cosine", "sine"))
_PAIR_SEED = 21_000_000

NAMES: tuple[str, ...] = (*_RANGES, *(f"{hue} {part}" for hue, part in _AXES))
"""Attributes as they are read: a hue as the cosine and the sine of its angle, times the
saturation, which is how colours mix."""


def readable(attributes: Mapping[str, Tensor]) -> Tensor:
    """`[N, K]` in the order of `NAMES`."""
    columns = [attributes[name] for name in _RANGES]
    for hue, part in _AXES:
        angle = 2 * math.pi * attributes[hue]
        columns.append(attributes[SATURATIONS[hue]] * (
            angle.cos() if part == "cosine" else angle.sin()
        ))  # fmt: skip
    return torch.stack(columns, dim=1)


def pairs(characters: int, size: int) -> Iterator[tuple[Renders, Renders]]:
    """The same characters before and after, for each of `NAMES`."""
    seeds = range(_PAIR_SEED, _PAIR_SEED + characters)

    def drawn(**overrides: float) -> Renders:
        return render(seeds, size=size, overrides=overrides)

    for name, (low, high) in _RANGES.items():
        yield drawn(**{name: low}), drawn(**{name: high})
    for hue, part in _AXES:
        place = 0.0 if part == "cosine" else 0.25
        saturation = {SATURATIONS[hue]: 0.7}
        yield drawn(**{hue: place + 0.5, **saturation}), drawn(**{hue: place, **saturation})
