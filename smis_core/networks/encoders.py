"""Small encoders to W+ codes: what they share, and the one that reads semantic masks.

pSp's encoder holds some 200 million parameters because photographs are hard to read. A label map is
not: it is already what a segmentation network would compute. This one reads it in about a
millisecond on two cores, and keeps
positions all the way (patches, coordinate channels, a flattened map), since a mask says little
else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STEM_SIDE = 32
_LARGEST_INPUT = 128
_GROUPS = 8
MOST_PARAMETERS = 1_500_000
"""of a small encoder for masks"""
_HIDDEN_AND_RANK = (
    (256, 96), (256, 64), (256, 48), (256, 32), (192, 32), (128, 32), (128, 16), (64, 16),
)  # fmt: skip
"""From the widest on. Large generators have many long rows, and many classes a wide mask; the rank
goes first, since rows differ little."""


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
        if self.num_classes < 1:
            raise ValueError(f"num_classes: wanted a positive number, got {self.num_classes}")
        check_code_shape(self, least=4)

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MaskEncoderConfig:
        """The inverse of `to_dict`."""
        return cls(**values)


def small_config(
    *, num_classes: int, resolution: int, num_ws: int, w_dim: int
) -> MaskEncoderConfig:
    """The widest shape that stays small: at most a million and a half parameters.

    Args:
        num_classes, resolution, num_ws, w_dim: see `MaskEncoderConfig`.

    Raises:
        ValueError: as `MaskEncoderConfig` says.
    """
    for hidden, rank in _HIDDEN_AND_RANK:
        config = MaskEncoderConfig(num_classes, resolution, num_ws, w_dim, hidden=hidden, rank=rank)
        with torch.device("meta"):
            encoder = MaskEncoder(config)
        if sum(each.numel() for each in encoder.parameters()) <= MOST_PARAMETERS:
            break
    return config


class CodeShape(Protocol):
    """What decides the size of a `CodeEncoder`."""

    @property
    def resolution(self) -> int: ...
    @property
    def num_ws(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def widths(self) -> tuple[int, int, int]: ...
    @property
    def bottleneck(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def rank(self) -> int: ...


def check_code_shape(shape: CodeShape, *, least: int) -> None:
    """ValueError where a size is not positive, the resolution is no power of two from `least` on,
    or the widths are not three multiples of 8."""
    for name in ("num_ws", "w_dim", "bottleneck", "hidden", "rank"):
        if getattr(shape, name) < 1:
            raise ValueError(f"{name}: wanted a positive number, got {getattr(shape, name)}")
    side = shape.resolution
    if side < least or side & (side - 1):
        raise ValueError(f"resolution: wanted a power of two from {least} on, got {side}")
    if len(shape.widths) != 3 or any(width < 1 or width % _GROUPS for width in shape.widths):
        raise ValueError(f"widths: wanted three multiples of {_GROUPS}, got {shape.widths}")


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; the first may halve the side and change the width.

    Args:
        channels: that come out.
        inputs: channels that go in, where the block halves the side.
    """

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


class CodeEncoder(nn.Module):
    """What encoders from square pictures to W+ share.

    A global code has to say where things are: the first layer sees coordinates, and the last map is
    flattened. Groups are normalised instead of batches, since a person brings one picture at a
    time. Rows are a common code plus a difference of low rank, after Encoder4Editing's base and
    deltas (Tov et al., 2021, section 4).

    Args:
        shape: sizes.
        channels: of the pictures.
        blocks: from the first width to the last, at a quarter of the first one's side.
    """

    def __init__(self, shape: CodeShape, channels: int, *blocks: nn.Module) -> None:
        super().__init__()
        side = min(shape.resolution, _LARGEST_INPUT)
        patch = max(side // _STEM_SIDE, 1)
        final_side = max(side // patch // 4, 1)
        # Patches overlap by a pixel on each side, so that an edge on their border is still seen as
        # one.
        self.stem = nn.Conv2d(channels + 2, shape.widths[0], patch + 2, stride=patch, padding=1)
        self.trunk = nn.Sequential(
            *blocks,
            nn.GroupNorm(_GROUPS, shape.widths[2]),
            nn.SiLU(),
            nn.Conv2d(shape.widths[2], shape.bottleneck, 1),
        )
        self.flatten = nn.Linear(shape.bottleneck * final_side**2, shape.hidden)
        self.mlp0 = nn.Linear(shape.hidden, shape.hidden)
        self.mlp1 = nn.Linear(shape.hidden, shape.hidden)
        self.base = nn.Linear(shape.hidden, shape.w_dim)
        self.reduce = nn.Linear(shape.hidden, shape.rank)
        self.deltas = nn.Linear(shape.rank, shape.num_ws * shape.w_dim)
        self._rows = (shape.num_ws, shape.w_dim)
        for head in (self.base, self.deltas):  # training starts at the average picture
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        axis = (torch.arange(side) + 0.5) / side * 2 - 1
        rows, columns = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("coordinates", torch.stack([columns, rows])[None], persistent=False)

    def _read(self, x: Tensor) -> Tensor:
        """[N, channels, R, R] to float32 [N, num_ws, w_dim]."""
        if x.shape[-1] > _LARGEST_INPUT:
            x = F.interpolate(x, size=(_LARGEST_INPUT, _LARGEST_INPUT), mode="area")
        coordinates = self.get_buffer("coordinates").to(x.dtype).expand(len(x), -1, -1, -1)
        x = torch.cat([x, coordinates], dim=1).contiguous(memory_format=torch.channels_last)
        x = self.trunk(self.stem(x))
        x = F.silu(self.flatten(x.flatten(1)))
        x = x + self.mlp1(F.silu(self.mlp0(x)))
        codes: Tensor = self.base(x)[:, None] + self.deltas(self.reduce(x)).unflatten(1, self._rows)
        return codes.float()


class MaskEncoder(CodeEncoder):
    """One-hot mask → an offset from the average latent for every row of W+.

    Samples drawn from noise share one w over all rows, so of the base and the deltas the common
    code learns fastest.
    """

    kind = "mask-encoder"

    code_scale: Tensor

    def __init__(self, config: MaskEncoderConfig) -> None:
        first, middle, last = config.widths
        super().__init__(
            config,
            config.num_classes,
            ResidualBlock(first),
            nn.Conv2d(first, middle, 3, stride=2, padding=1),
            ResidualBlock(middle),
            nn.Conv2d(middle, last, 3, stride=2, padding=1),
            ResidualBlock(last),
        )
        self.config = config
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
        return self._read(one_hot) * self.code_scale
