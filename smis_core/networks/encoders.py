"""A small encoder from a semantic mask to W+ codes.

pSp's encoder holds some 200 million parameters because photographs are hard to read. A label map is
not: it is already what a segmentation network would compute. This one reads it in about a
millisecond on two cores, and keeps
positions all the way (patches, coordinate channels, a flattened map), since a mask says little
else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEM_SIDE = 32
_LARGEST_INPUT = 128
_GROUPS = 8


@dataclass(frozen=True)
class MaskEncoderConfig:
    """The shape of a `MaskEncoder`.

    Raises:
        ValueError: a size is not positive, the resolution is no power of two from 4 on, or a width
        is no multiple of 8.
    """

    num_classes: int
    """channels of the one-hot mask"""
    resolution: int
    """side of the mask, that of the generator's picture"""
    num_ws: int
    """rows of W+ that come out"""
    w_dim: int
    """length of a row"""
    widths: tuple[int, int, int] = (64, 96, 96)
    """channels at a quarter, an eighth and a sixteenth of a 128² mask's side"""
    bottleneck: int = 16
    """channels of the last map before it is flattened"""
    hidden: int = 256
    """length of the vector from which all rows are read"""
    rank: int = 96
    """dimensions in which the rows may differ from each other"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        for name in ("num_classes", "num_ws", "w_dim", "bottleneck", "hidden", "rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: wanted a positive number, got {getattr(self, name)}")
        if self.resolution < 4 or self.resolution & (self.resolution - 1):
            raise ValueError(f"resolution: wanted a power of two from 4 on, got {self.resolution}")
        if len(self.widths) != 3 or any(width < 1 or width % _GROUPS for width in self.widths):
            raise ValueError(f"widths: wanted three multiples of {_GROUPS}, got {self.widths}")

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MaskEncoderConfig:
        """The inverse of `to_dict`."""
        return cls(**{**values, "widths": tuple(values["widths"])})


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm0 = nn.GroupNorm(_GROUPS, channels)
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = nn.GroupNorm(_GROUPS, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv0(F.silu(self.norm0(x)))
        y = self.conv1(F.silu(self.norm1(y)))
        result: Tensor = x + y
        return result


class MaskEncoder(nn.Module):
    """One-hot mask → an offset from the average latent for every row of W+.

    Rows are a common code plus a difference of low rank, after Encoder4Editing's base and deltas
    (Tov et al., 2021, section 4): samples drawn from noise share one w over all rows, so the common
    code learns fastest.
    """

    kind = "mask-encoder"

    code_scale: Tensor

    def __init__(self, config: MaskEncoderConfig) -> None:
        super().__init__()
        self.config = config
        stem, middle, last = config.widths
        side = min(config.resolution, _LARGEST_INPUT)
        patch = max(side // _STEM_SIDE, 1)
        final_side = max(side // patch // 4, 1)
        # Patches overlap by a pixel on each side, so that an edge on their border is still seen as
        # one.
        self.stem = nn.Conv2d(config.num_classes + 2, stem, patch + 2, stride=patch, padding=1)
        self.trunk = nn.Sequential(
            _ResidualBlock(stem),
            nn.Conv2d(stem, middle, 3, stride=2, padding=1),
            _ResidualBlock(middle),
            nn.Conv2d(middle, last, 3, stride=2, padding=1),
            _ResidualBlock(last),
            nn.GroupNorm(_GROUPS, last),
            nn.SiLU(),
            nn.Conv2d(last, config.bottleneck, 1),
        )
        self.flatten = nn.Linear(config.bottleneck * final_side**2, config.hidden)
        self.mlp0 = nn.Linear(config.hidden, config.hidden)
        self.mlp1 = nn.Linear(config.hidden, config.hidden)
        self.base = nn.Linear(config.hidden, config.w_dim)
        self.reduce = nn.Linear(config.hidden, config.rank)
        self.deltas = nn.Linear(config.rank, config.num_ws * config.w_dim)
        for head in (self.base, self.deltas):  # training starts at the average picture
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        axis = (torch.arange(side) + 0.5) / side * 2 - 1
        rows, columns = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("coordinates", torch.stack([columns, rows])[None], persistent=False)
        self.register_buffer("code_scale", torch.ones(config.w_dim))

    def set_code_scale(self, scale: Tensor) -> None:
        """Sets the unit in which codes are predicted, one number a dimension: the spread of w.

        Args:
            scale: [w_dim], positive.
        """
        self.code_scale.copy_(scale.to(self.code_scale))

    def forward(
        self,
        one_hot: Tensor,  # [N, C, S, S]; a pixel that is zero in every channel is not painted
    ) -> Tensor:
        """Codes to be added to the generator's average latent.

        Returns:
            [N, num_ws, w_dim].

        Raises:
            ValueError: the mask has other channels or another side than the encoder was made for.
        """
        config = self.config
        wanted = (config.num_classes, config.resolution, config.resolution)
        if one_hot.ndim != 4 or tuple(one_hot.shape[1:]) != wanted:
            raise ValueError(
                f"one_hot: wanted [N, {wanted[0]}, {wanted[1]}, {wanted[2]}], got"
                f" {list(one_hot.shape)};"
                " resize the label map (LabelMap.resized) and use the palette that the encoder"
                " was trained with"
            )
        x = one_hot.contiguous(memory_format=torch.channels_last)
        if config.resolution > _LARGEST_INPUT:
            x = F.interpolate(x, size=(_LARGEST_INPUT, _LARGEST_INPUT), mode="area")
        coordinates = self.get_buffer("coordinates").to(x.dtype).expand(x.shape[0], -1, -1, -1)
        x = self.trunk(self.stem(torch.cat([x, coordinates], dim=1)))
        x = F.silu(self.flatten(x.flatten(1)))
        x = x + self.mlp1(F.silu(self.mlp0(x)))
        deltas = self.deltas(self.reduce(x)).unflatten(1, (config.num_ws, config.w_dim))
        codes: Tensor = (self.base(x)[:, None] + deltas).float() * self.code_scale
        return codes
