"""Two ways from a picture to features: a U-Net, and dilated convolutions at a quarter of the
resolution.

Two judges that differ in both seed and architecture make different mistakes, so that their
agreement says something. Both keep every convolution at half the resolution or below and let the
head write four pixels at once: a space of 2 x 2 pixels holds few enough values for the stem to lose
nothing, and small marks stay sharp.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1
    ) -> None:
        padding = (kernel - 1) // 2 * dilation
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class ResidualBlock(nn.Module):
    """Two convolutions added to their input (He et al. 2016)."""

    def __init__(self, channels: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.conv0 = ConvBlock(channels, channels, dilation=dilation)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm1(self.conv1(self.conv0(x))), inplace=True)


class Backbone(nn.Module):
    """What a judge asks of either network.

    `forward` takes pictures [N, 3, S, S] and returns the deep map [N, deep, S/16, S/16], a middle
    map [N, middle, S/4, S/4] and a fine one [N, fine, S/2, S/2].
    """

    deep: int
    middle: int
    fine: int

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        raise NotImplementedError


class UNet(Backbone):
    """Down to a sixteenth and back, with skips that are added (Ronneberger et al. 2015).

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the resolution.
        depths: residual blocks at 1/4, 1/8 and 1/16.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.fine, self.middle, _, self.deep = widths
        self.stem = ConvBlock(3, widths[0], kernel=4, stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(
                ConvBlock(inputs, outputs, stride=2),
                *(ResidualBlock(outputs) for _ in range(depth)),
            )
            for inputs, outputs, depth in zip(widths[:-1], widths[1:], depths, strict=True)
        )
        self.laterals = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 1)
            for inputs, outputs in zip(widths[1:], widths[:-1], strict=True)
        )
        self.merges = nn.ModuleList(ConvBlock(width, width) for width in widths[:-1])

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps = [self.stem(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        decoded = [maps[-1]]
        for skip, lateral, merge in reversed(
            list(zip(maps[:-1], self.laterals, self.merges, strict=True))
        ):
            raised = F.interpolate(lateral(decoded[-1]), scale_factor=2.0, mode="nearest")
            decoded.append(merge(skip + raised))
        return maps[-1], decoded[-2], decoded[-1]


class DilatedNet(Backbone):
    """A trunk that stays at a quarter of the resolution and widens its view by dilation (Yu and
    Koltun 2016).

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16; the third serves nothing but the two strided
            convolutions that lead from the trunk to the deep map.
        depths: residual blocks with dilations 1, 2 and 4, then the same backwards.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.fine, self.middle, between, self.deep = widths
        self.stem = ConvBlock(3, self.fine, kernel=4, stride=2)
        self.down = ConvBlock(self.fine, self.middle, stride=2)
        dilations = [
            dilation
            for dilation, depth in zip((1, 2, 4), depths, strict=True)
            for _ in range(depth)
        ]
        self.trunk = nn.Sequential(
            *(
                ResidualBlock(self.middle, dilation=dilation)
                for dilation in (*dilations, *reversed(dilations))
            )
        )
        self.deepen = nn.Sequential(
            ConvBlock(self.middle, between, stride=2), ConvBlock(between, self.deep, stride=2)
        )
        self.lateral = nn.Conv2d(self.middle, self.fine, 1)
        self.merge = ConvBlock(self.fine, self.fine)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stem(images)
        middle = self.trunk(self.down(fine))
        raised = F.interpolate(self.lateral(middle), scale_factor=2.0, mode="nearest")
        return self.deepen(middle), middle, self.merge(fine + raised)


BACKBONES = {"unet": UNet, "dilated": DilatedNet}
