"""What a judge reads from a portrait beside its classes: names, kinds, and where a value can be
seen at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Kind = Literal["continuous", "circular", "binary"]


@dataclass(frozen=True)
class AttributeSpec:
    """One attribute.

    Raises:
        ValueError: the kind is unknown.
    """

    name: str
    kind: Kind
    """continuous: a number; circular: turns in [0, 1); binary: 0 or 1"""
    low: float = 0.0
    """lower end of a continuous range"""
    high: float = 1.0
    """upper end of a continuous range"""
    mirrored: bool = False
    """the sign changes when the picture is mirrored"""
    visible_where: str | None = None
    """attribute without which this one cannot be seen: a hue needs a saturation, a gaze an eye"""
    visible_above: float = 0.0
    """the value that that attribute must exceed"""

    def __post_init__(self) -> None:
        if self.kind not in ("continuous", "circular", "binary"):
            raise ValueError(
                f"kind: wanted 'continuous', 'circular' or 'binary', got {self.kind!r}"
            )

    @property
    def channels(self) -> int:
        """Numbers with which a network writes the attribute: a cosine and a sine for a hue, else
        one."""
        return 2 if self.kind == "circular" else 1

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    def visible(
        self,
        truth: Mapping[str, Tensor],  # [N] each
    ) -> Tensor:
        """Where the attribute shows, bool [N]."""
        if self.visible_where is None:
            return torch.ones_like(truth[self.name], dtype=torch.bool)
        return truth[self.visible_where] > self.visible_above


PORTRAIT_ATTRIBUTES: tuple[AttributeSpec, ...] = (
    AttributeSpec("yaw", "continuous", -1, 1, mirrored=True),
    AttributeSpec("roll", "continuous", -1, 1, mirrored=True),
    AttributeSpec("mood", "continuous", -1, 1),
    AttributeSpec("mouth_open", "continuous"),
    AttributeSpec(
        "gaze", "continuous", -1, 1, mirrored=True, visible_where="eye_visible", visible_above=0.5
    ),
    AttributeSpec("hair_length", "continuous"),
    AttributeSpec("hair_hue", "circular", visible_where="hair_saturation", visible_above=0.2),
    AttributeSpec("hair_saturation", "continuous"),
    AttributeSpec("skin", "continuous"),
    AttributeSpec("eye_hue", "circular", visible_where="eye_saturation", visible_above=0.2),
    AttributeSpec("eye_saturation", "continuous", visible_where="eye_visible", visible_above=0.5),
    AttributeSpec("eye_visible", "binary"),
    AttributeSpec("glasses", "binary"),
    AttributeSpec("hat", "binary"),
)
"""The attributes of the bundled domain, in the order in which a judge writes them."""
