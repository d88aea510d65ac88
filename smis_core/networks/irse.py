"""IR-SE-50, the residual network with squeeze-and-excitation that reads faces in pSp and e4e.

Improved residual units after ArcFace (Deng et al. 2019, section 3.2.2; He et al. 2016), each with
squeeze-and-excitation (Hu et al. 2018). Parameters are named as in the published encoders.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_UNITS = (3, 4, 14, 3)
TAPS = (6, 20, 23)
"""Units of the body after which a side is a quarter, an eighth and a sixteenth of the input's."""
_REDUCTION = 16


class SqueezeExcitation(nn.Module):
    """Channels are weighed by what the whole map holds: `[N, C, H, W]` to the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // _REDUCTION, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // _REDUCTION, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        weights = self.fc2(F.relu(self.fc1(mean)))
        return x * torch.sigmoid(weights)


class ResidualUnit(nn.Module):
    """`[N, in, H, W]` to `[N, out, H / stride, W / stride]`."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module
        if in_channels != out_channels:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        elif stride > 1:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Identity()
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.PReLU(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            SqueezeExcitation(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return y


def ir_se_stem(in_channels: int, channels: int) -> nn.Sequential:
    """The first convolution: `[N, in, H, W]` to `[N, channels, H, W]`."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.PReLU(channels),
    )


def ir_se_body(channels: int) -> nn.Sequential:
    """Twenty-four units in four stages, each half the side of the one before.

    Args:
        channels: width of the stem and the first stage; every later stage is twice as wide.
    """
    return nn.Sequential(*_units(channels))


def _units(channels: int) -> Iterator[ResidualUnit]:
    width = channels
    for stage, count in enumerate(_UNITS):
        for index in range(count):
            out = channels << stage
            yield ResidualUnit(width, out, stride=1 if index else 2)
            width = out
