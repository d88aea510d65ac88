"""A small encoder from pictures to W+, which looks again at what its answer draws.

A global code has to say where things are, so the last map is flattened, and the first layer sees
coordinates. Groups are normalised instead of batches: a person brings one picture at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoints.native import register_kind

_STEM_SIDE = 32
_LARGEST_INPUT = 128
_GROUPS = 8


@dataclass(frozen=True)
class ImageEncoderConfig:
    """The shape of an `ImageEncoder`.

    Raises:
        ValueError: a size is not positive, the resolution is no power of two from 8 on, or a width
            is no multiple of 8.
    """

    resolution: int
    """side of the generator's pictures; larger ones than 128² are averaged down to it"""
    num_ws: int
    """rows of W+ that come out"""
    w_dim: int
    """length of a row"""
    widths: tuple[int, int, int] = (64, 128, 192)
    """channels at a half, a quarter and an eighth of a 64² picture's side"""
    bottleneck: int = 48
    """channels of the last map before it is flattened"""
    hidden: int = 512
    """length of the vector from which all rows are read"""
    rank: int = 192
    """dimensions in which the rows may differ from each other"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        for name in ("num_ws", "w_dim", "bottleneck", "hidden", "rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: wanted a positive number, got {getattr(self, name)}")
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise ValueError(f"resolution: wanted a power of two from 8 on, got {self.resolution}")
        if len(self.widths) != 3 or any(width < 1 or width % _GROUPS for width in self.widths):
            raise ValueError(f"widths: wanted three multiples of {_GROUPS}, got {self.widths}")

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ImageEncoderConfig:
        """The inverse of `to_dict`."""
        return cls(**values)


class _Block(nn.Module):
    """A residual block; the first convolution may halve the side and change the width."""

    def __init__(self, channels: int, *, inputs: int | None = None) -> None:
        super().__init__()
        self.shrinks = inputs is not None
        inputs = inputs or channels
        self.norm0 = nn.GroupNorm(_GROUPS, inputs)
        self.conv0 = nn.Conv2d(inputs, channels, 3, stride=2 if self.shrinks else 1, padding=1)
        self.norm1 = nn.GroupNorm(_GROUPS, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        if self.shrinks:
            self.shortcut = nn.Conv2d(inputs, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv0(F.silu(self.norm0(x)))
        y = self.conv1(F.silu(self.norm1(y)))
        if self.shrinks:
            x = self.shortcut(F.avg_pool2d(x, 2))
        result: Tensor = x + y
        return result


class ImageEncoder(nn.Module):
    """A picture, and what the code so far draws → a step of the code towards the picture.

    The iterative refinement is ReStyle's (Alaluf et al. 2021, section 3); rows are a common code
    plus a difference of low rank, after Encoder4Editing (Tov et al. 2021, section 4). Codes are
    predicted in coordinates in which w is white (`basis`), so that no direction is out of reach.
    """

    kind = "image-encoder"

    mean: Tensor
    basis: Tensor
    coordinates: Tensor

    def __init__(self, config: ImageEncoderConfig) -> None:
        super().__init__()
        self.config = config
        side = min(config.resolution, _LARGEST_INPUT)
        patch = max(side // _STEM_SIDE, 1)
        first, middle, last = config.widths
        # Patches overlap by a pixel on each side, so that an edge on their border is still seen as
        # one.
        self.stem = nn.Conv2d(8, first, patch + 2, stride=patch, padding=1)
        self.trunk = nn.Sequential(
            _Block(first),
            _Block(middle, inputs=first),
            _Block(middle),
            _Block(last, inputs=middle),
            _Block(last),
            nn.GroupNorm(_GROUPS, last),
            nn.SiLU(),
            nn.Conv2d(last, config.bottleneck, 1),
        )
        self.flatten = nn.Linear(config.bottleneck * (side // patch // 4) ** 2, config.hidden)
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
        self.register_buffer("mean", torch.zeros(config.w_dim))
        self.register_buffer("basis", torch.eye(config.w_dim))

    def set_statistics(
        self,
        mean: Tensor,  # [w]
        basis: Tensor,  # [w, w]
    ) -> None:
        """Sets where codes start and in which coordinates they move: white numbers times `basis`
        have w's covariance."""
        self.mean.copy_(mean)
        self.basis.copy_(basis)

    def start(self, count: int) -> Tensor:
        """The average code, [count, num_ws, w_dim]."""
        return self.mean.expand(count, self.config.num_ws, -1).clone()

    def forward(
        self,
        target: Tensor,  # [N, 3, R, R] in [-1, 1]
        drawn: Tensor,  # [N, 3, R, R], what the code so far draws
    ) -> Tensor:
        """What to add to the code so far.

        Returns:
            [N, num_ws, w_dim].

        Raises:
            ValueError: pictures of another size than the encoder was made for.
        """
        config = self.config
        wanted = (3, config.resolution, config.resolution)
        for name, each in (("target", target), ("drawn", drawn)):
            if each.ndim != 4 or tuple(each.shape[1:]) != wanted:
                raise ValueError(
                    f"{name}: wanted [N, 3, {wanted[1]}, {wanted[2]}], got {list(each.shape)};"
                    " bring it to the generator's size with smis_core.inversion.prepare_target"
                )
        # The difference is what a first layer would have to learn to compute.
        x = torch.cat([target, drawn - target], dim=1)
        if config.resolution > _LARGEST_INPUT:
            x = F.interpolate(x, size=(_LARGEST_INPUT, _LARGEST_INPUT), mode="area")
        coordinates = self.coordinates.to(x.dtype).expand(len(x), -1, -1, -1)
        x = torch.cat([x, coordinates], dim=1).contiguous(memory_format=torch.channels_last)
        x = self.trunk(self.stem(x))
        x = F.silu(self.flatten(x.flatten(1)))
        x = x + self.mlp1(F.silu(self.mlp0(x)))
        deltas = self.deltas(self.reduce(x)).unflatten(1, (config.num_ws, config.w_dim))
        white: Tensor = (self.base(x)[:, None] + deltas).float()
        with torch.autocast(white.device.type, enabled=False):
            return white @ self.basis


register_kind(ImageEncoder.kind, ImageEncoder, ImageEncoderConfig)
