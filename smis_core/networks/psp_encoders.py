"""Encoders from pictures, sketches or masks to W+: pSp's and e4e's.

Both read three maps of a feature pyramid with one head a row: coarse rows from the smallest map.
Parameters are named as in the published networks, so that their state loads as it is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .foreign_configs import PyramidEncoderConfig
from .irse import TAPS, ir_se_body, ir_se_stem
from .layers import FullyConnectedLayer

_MIDDLE_ROW, _FINE_ROW = 3, 7
_SIDES = (256, 192)


class StyleHead(nn.Module):
    """A map to one row, by halving its side until one pixel is left (pSp's map2style).

    Args:
        in_channels: of the map.
        w_dim: width of the row.
        side: of the map; a shorter other side is fine.
    """

    def __init__(self, in_channels: int, w_dim: int, *, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(side.bit_length() - 1):
            width = w_dim if index else in_channels
            layers += [nn.Conv2d(width, w_dim, 3, stride=2, padding=1), nn.LeakyReLU(0.01)]
        self.convs = nn.Sequential(*layers)
        self.linear = FullyConnectedLayer(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:
        row: Tensor = self.linear(self.convs(x).flatten(1))
        return row


class _PyramidEncoder(nn.Module):
    def __init__(self, config: PyramidEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        base = config.base_channels
        width = 8 * base
        self.input_layer = ir_se_stem(config.img_channels, base)
        self.body = ir_se_body(base)
        self.styles = nn.ModuleList(
            StyleHead(width, config.w_dim, side=_side_of(row)) for row in range(config.num_ws)
        )
        self.latlayer1 = nn.Conv2d(4 * base, width, 1)
        self.latlayer2 = nn.Conv2d(2 * base, width, 1)

    def _pyramid(self, x: Tensor, rows: int) -> list[Tensor]:
        """For each row the map that its head reads; maps that no row needs are left out."""
        wanted = self.config.img_channels
        if x.ndim != 4 or x.shape[1] != wanted or x.shape[2] not in _SIDES or x.shape[3] != 256:
            raise ValueError(
                f"x must be [N, {wanted}, 256, 256] for this encoder (or 192 high), but is "
                f"{[*x.shape]}; resize it first"
            )
        x = self.input_layer(x)
        taps = []
        for index, unit in enumerate(self.body):
            x = unit(x)
            if index in TAPS:
                taps.append(x)
        fine, middle, coarse = taps
        maps = [coarse] * min(rows, _MIDDLE_ROW)
        if rows > _MIDDLE_ROW:
            joined = _join(coarse, self.latlayer1(middle))
            maps += [joined] * (min(rows, _FINE_ROW) - _MIDDLE_ROW)
        if rows > _FINE_ROW:
            maps += [_join(joined, self.latlayer2(fine))] * (rows - _FINE_ROW)
        return maps


class GradualStyleEncoder(_PyramidEncoder):
    """pSp's encoder (Richardson et al. 2021, section 3.1): every row from its own head.

    Args:
        config: what it is.
    """

    def forward(
        self,
        x: Tensor,  # [N, img_channels, 256, 256]
    ) -> Tensor:
        """Read.

        Args:
            x: RGB in [-1, 1], a sketch in [0, 1], or a one-hot mask; 192 rows are taken too.

        Returns:
            Codes, float32 `[N, num_ws, w_dim]`, which most checkpoints add to the average of W.

        Raises:
            ValueError: x has another shape.
        """
        maps = self._pyramid(x, self.num_ws)
        return torch.stack([head(m) for head, m in zip(self.styles, maps, strict=True)], dim=1)


class Encoder4Editing(_PyramidEncoder):
    """e4e's encoder (Tov et al. 2021, section 4.1): one code for all rows, and a delta for each
    but the first.

    Args:
        config: what it is.
    """

    def forward(
        self,
        x: Tensor,  # [N, img_channels, 256, 256]
        *,
        stage: int | None = None,
    ) -> Tensor:
        """Read.

        Args:
            x: RGB in [-1, 1]; 192 rows are taken too, as the encoder of cars does.
            stage: how many deltas are on, 0 to num_ws − 1, as they are switched on one by one in
                training; None is all.

        Returns:
            Codes, float32 `[N, num_ws, w_dim]`, which most checkpoints add to the average of W.

        Raises:
            ValueError: x has another shape, or there is no such stage.
        """
        last = self.num_ws - 1
        stage = last if stage is None else stage
        if not 0 <= stage <= last:
            raise ValueError(f"stage must be from 0 to {last}, the deltas there are, not {stage}")
        maps = self._pyramid(x, stage + 1)
        base, *deltas = [head(m) for head, m in zip(self.styles, maps, strict=False)]
        rows = [base, *(base + delta for delta in deltas)]
        return torch.stack(rows + [base] * (self.num_ws - len(rows)), dim=1)


def _side_of(row: int) -> int:
    return 16 if row < _MIDDLE_ROW else 32 if row < _FINE_ROW else 64


def _join(small: Tensor, lateral: Tensor) -> Tensor:
    size = (lateral.shape[2], lateral.shape[3])
    return F.interpolate(small, size=size, mode="bilinear", align_corners=True) + lateral
