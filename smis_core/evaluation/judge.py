"""The judge: it reads classes, attributes and a feature vector from any portrait.

It is trained on exact masks and attributes and exists to measure; no method learns from it, the
ceiling of the few-shot figures aside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smis_core.checkpoints.native import load_network, register_kind
from smis_core.checkpoints.zoo import bundled_path

from .attributes import PORTRAIT_ATTRIBUTES, AttributeSpec
from .backbones import BACKBONES, Backbone

KIND = "judge"
_HIDDEN = 256
_MOMENTS = 5


@dataclass(frozen=True)
class JudgeConfig:
    """The shape of a `Judge`.

    Raises:
        ValueError: a size is out of range, a width no multiple of 16, or the architecture unknown.
    """

    resolution: int = 128
    """side of the pictures it was trained on, a multiple of 16; others are resized to it"""
    num_classes: int = 19
    """classes of the label maps"""
    architecture: str = "unet"
    """'unet' or 'dilated'"""
    widths: tuple[int, int, int, int] = (32, 64, 128, 192)
    """channels at 1/2, 1/4, 1/8 and 1/16 of the resolution"""
    depths: tuple[int, int, int] = (1, 2, 2)
    """residual blocks at 1/4, 1/8 and 1/16 (dilated: with dilation 1, 2 and 4, there and back)"""
    attributes: tuple[AttributeSpec, ...] = PORTRAIT_ATTRIBUTES
    """what is read beside the classes"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "depths", tuple(self.depths))
        if self.resolution < 16 or self.resolution % 16:
            raise ValueError(
                f"resolution: wanted a multiple of 16 from 16 on, got {self.resolution}"
            )
        if self.num_classes < 2:
            raise ValueError(f"num_classes: wanted at least 2, got {self.num_classes}")
        if self.architecture not in BACKBONES:
            raise ValueError(
                f"architecture: wanted one of {sorted(BACKBONES)}, got {self.architecture!r}"
            )
        if len(self.widths) != 4 or any(width < 16 or width % 16 for width in self.widths):
            raise ValueError(f"widths: wanted four multiples of 16, got {self.widths}")
        if len(self.depths) != 3 or min(self.depths) < 0:
            raise ValueError(f"depths: wanted three counts of blocks, got {self.depths}")

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        values = {
            name: getattr(self, name) for name in ("resolution", "num_classes", "architecture")
        }
        return {
            **values,
            "widths": list(self.widths),
            "depths": list(self.depths),
            "attributes": [spec.to_dict() for spec in self.attributes],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JudgeConfig:
        """The inverse of `to_dict`."""
        return cls(
            **{
                **values,
                "attributes": tuple(AttributeSpec(**spec) for spec in values["attributes"]),
            }
        )


@dataclass(frozen=True)
class JudgeReading:
    """What a judge read from N pictures."""

    logits: Tensor
    """[N, num_classes, H, W] at the pictures' resolution"""
    attributes: dict[str, Tensor]
    """[N] by name: numbers, hues as turns in [0, 1), probabilities of what is or is not there"""
    features: Tensor
    """[N, F], the deep map's mean: the space of the Fréchet distance"""

    @property
    def labels(self) -> Tensor:
        """The likeliest class of every pixel, uint8 [N, H, W]."""
        return self.logits.argmax(1).to(torch.uint8)


@dataclass(frozen=True)
class RawReading:
    """A judge's outputs before they are put into the pictures' terms, for training."""

    patches: Tensor
    """logits [N, S/2, S/2, 4, num_classes]: a patch of 2 x 2 pixels row by row"""
    attributes: Tensor
    """[N, channels]: the attributes' channels one after the other; binaries as logits"""
    features: Tensor
    """[N, F]"""


class Judge(nn.Module):
    """Reads a portrait.

    Attributes are read from the deep map's mean, and from each class's own place: the means of the
    finer maps where that class was found, its area, its centre and its spread. Colours, glances and
    angles lie there.

    Args:
        config: the network's shape.
    """

    kind = KIND

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone: Backbone = BACKBONES[config.architecture](config.widths, config.depths)
        self.head = nn.Conv2d(self.backbone.fine, 4 * config.num_classes, 1)
        places = config.num_classes * (self.backbone.fine + self.backbone.middle + _MOMENTS)
        self.attribute_head = nn.Sequential(
            nn.BatchNorm1d(self.backbone.deep + places, affine=False),
            nn.Linear(self.backbone.deep + places, _HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(_HIDDEN, sum(spec.channels for spec in config.attributes)),
        )

    def raw(
        self,
        images: Tensor,  # [N, 3, S, S] in [-1, 1], S the judge's resolution
    ) -> RawReading:
        """The outputs that the losses are defined on."""
        deep, middle, fine = self.backbone(images)
        patches = self.head(fine).permute(0, 2, 3, 1).unflatten(3, (4, self.config.num_classes))
        features = deep.float().mean((2, 3))
        places = _read_places(patches.detach().float().mean(3), (fine, middle))
        return RawReading(patches, self.attribute_head(torch.cat([features, places], 1)), features)

    def forward(
        self,
        images: Tensor,  # [N, 3, H, W] in [-1, 1]
    ) -> JudgeReading:
        """Read pictures of any size.

        Raises:
            ValueError: not pictures [N, 3, H, W].
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"images: wanted [N, 3, H, W] in [-1, 1], got {tuple(images.shape)}")
        size = (self.config.resolution, self.config.resolution)
        fitting = tuple(images.shape[2:]) == size
        if not fitting:
            given, images = images, F.interpolate(images, size, mode="bilinear", antialias=True)
        reading = self.raw(images)
        logits = _unfold_patches(reading.patches.float())
        if not fitting:
            logits = F.interpolate(logits, given.shape[2:], mode="bilinear", antialias=True)
        return JudgeReading(logits, self._in_units(reading.attributes.float()), reading.features)

    def labels(
        self,
        images: Tensor,  # [N, 3, H, W] in [-1, 1]
    ) -> Tensor:
        """The likeliest class of every pixel, uint8 [N, H, W]."""
        return self.forward(images).labels

    def _in_units(self, channels: Tensor) -> dict[str, Tensor]:
        values = {}
        parts = torch.split(channels, [spec.channels for spec in self.config.attributes], dim=1)
        for spec, part in zip(self.config.attributes, parts, strict=True):
            if spec.kind == "circular":
                values[spec.name] = (torch.atan2(part[:, 1], part[:, 0]) / (2 * math.pi)) % 1.0
            else:
                values[spec.name] = part[:, 0].sigmoid() if spec.kind == "binary" else part[:, 0]
        return values


def load_judge(path: str | Path | None = None, *, device: str | torch.device = "auto") -> Judge:
    """A judge from a file, as a rule the one that ships.

    Args:
        path: weights; None: the bundled judge of the portraits.
        device: where it will work.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else.
    """
    network = load_network(
        path if path is not None else bundled_path("portraits/judge"), device=device
    )
    if not isinstance(network, Judge):
        raise ValueError(
            f"{path}: wanted a judge, got {type(network).__name__}; train one with `smis models`"
        )
    return network


def _unfold_patches(patches: Tensor) -> Tensor:
    """[N, S/2, S/2, 4, C] -> [N, C, S, S]."""
    count, rows, columns, _, classes = patches.shape
    pixels = patches.view(count, rows, columns, 2, 2, classes).permute(0, 5, 1, 3, 2, 4)
    return pixels.reshape(count, classes, 2 * rows, 2 * columns)


def _read_places(
    logits: Tensor,  # [N, S/2, S/2, C]
    maps: tuple[Tensor, ...],
) -> Tensor:
    """Each class's share of the picture, centre, spread and mean features, [N, C · (fine + middle +
    5)]."""
    rows, columns = logits.shape[1:3]
    shares = logits.softmax(-1).permute(0, 3, 1, 2)
    down = torch.linspace(-1, 1, rows, device=logits.device)
    right = torch.linspace(-1, 1, columns, device=logits.device)
    by_row, by_column = shares.sum(3), shares.sum(2)
    mass = by_row.sum(2)
    # A class that is absent lies in the middle instead of where a few stray pixels put it.
    safe = mass + 0.5
    y, x = by_row @ down / safe, by_column @ right / safe
    yy, xx = by_row @ down.square() / safe, by_column @ right.square() / safe
    # Lengths instead of areas: a brow and a head of hair then differ by tens and not by thousands.
    extents = torch.stack([mass / (rows * columns), yy - y.square(), xx - x.square()], dim=2)
    moments = torch.cat([extents.clamp_min(1e-6).sqrt(), y[:, :, None], x[:, :, None]], dim=2)
    means = []
    for features in maps:
        scale = rows // features.shape[2]
        weights = shares if scale == 1 else F.avg_pool2d(shares, scale) * scale**2
        pooled = weights.flatten(2).to(features.dtype) @ features.flatten(2).transpose(1, 2)
        means.append(pooled.float() / safe[:, :, None])
    return torch.cat([moments, *means], dim=2).flatten(1)


register_kind(KIND, cast(type[nn.Module], Judge), JudgeConfig)
