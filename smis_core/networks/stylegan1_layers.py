"""The layers of the first StyleGAN's synthesis network (Karras et al. 2019, figure 1b).

Each ends in the same way: noise, bias, leaky ReLU, and a style that sets the mean and the spread
of every channel. Weights are equalised; the gain of the activation sits in their scale, so biases
and noise are not multiplied by it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops import setup_filter, upfirdn2d
from .layers import FullyConnectedLayer, NoiseMap

BLUR = (1, 2, 1)
_SLOPE = 0.2
_GAIN = 2**0.5


class StyledLayer(nn.Module):
    """Noise, bias, leaky ReLU and adaptive instance normalisation (equation 1).

    Args:
        channels: width.
        w_dim: width of a row of W+.
        resolution: side of the features.
    """

    noise_const: Tensor

    def __init__(self, channels: int, *, w_dim: int, resolution: int) -> None:
        super().__init__()
        self.noise_strength = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.affine = FullyConnectedLayer(w_dim, 2 * channels)
        self.register_buffer("noise_const", torch.randn(resolution, resolution))

    def finish(self, x: Tensor, w: Tensor, noise: NoiseMap) -> Tensor:
        """What follows the convolution: `[N, C, H, W]` to the same."""
        offset = self.bias[:, None, None]
        if noise is not None:
            offset = torch.addcmul(offset, noise, self.noise_strength[:, None, None])
        x = F.leaky_relu(x + offset.to(x.dtype), _SLOPE)
        # Normalisation and style are one multiplication and one addition.
        variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0)
        scale, shift = self.affine(w).chunk(2, dim=1)
        scale = (scale + 1) * (variance + 1e-8).rsqrt()
        shift = shift - mean * scale
        return torch.addcmul(
            shift.to(x.dtype)[..., None, None], x, scale.to(x.dtype)[..., None, None]
        )


class InputLayer(StyledLayer):
    """Where synthesis begins, at 4²: a learned constant, or a dense layer over the first row."""

    def __init__(self, channels: int, *, w_dim: int, learned: bool) -> None:
        super().__init__(channels, w_dim=w_dim, resolution=4)
        self.learned = learned
        if learned:
            self.const = nn.Parameter(torch.ones(channels, 4, 4))
        else:
            self.weight = nn.Parameter(torch.randn(channels * 16, w_dim))
            # A sixteenth of the variance, because every output is one of sixteen pixels.
            self.weight_gain = _GAIN / 4 / w_dim**0.5

    def forward(self, x: Tensor | None, w: Tensor, noise: NoiseMap) -> Tensor:
        if self.learned:
            x = self.const.expand(len(w), -1, -1, -1)
        else:
            with torch.autocast(w.device.type, enabled=False):
                x = F.linear(w.float(), self.weight * self.weight_gain).view(len(w), -1, 4, 4)
        return self.finish(x.contiguous(memory_format=torch.channels_last), w, noise)


class ConvLayer(StyledLayer):
    """3×3 convolution at one resolution."""

    def __init__(self, in_channels: int, out_channels: int, *, w_dim: int, resolution: int) -> None:
        super().__init__(out_channels, w_dim=w_dim, resolution=resolution)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.weight_gain = _GAIN / (9 * in_channels) ** 0.5

    def forward(self, x: Tensor, w: Tensor, noise: NoiseMap) -> Tensor:
        return self.finish(F.conv2d(x, self.weight * self.weight_gain, padding=1), w, noise)


class UpConvLayer(ConvLayer):
    """Twice the side, 3×3 convolution, blur.

    To repeat every pixel and then convolve is one transposed convolution of stride 2, whose 4×4
    kernel is the sum of four shifts of the 3×3 one: less than half the work. Networks trained
    with fused upsampling are such a convolution from the start. They differ only in which way
    round the kernel lies, so both are stored as the transposed convolution takes it: `weight` is
    flipped where a network was trained with separate upsampling.
    """

    blur_filter: Tensor
    shifts: Tensor

    def __init__(self, in_channels: int, out_channels: int, *, w_dim: int, resolution: int) -> None:
        super().__init__(in_channels, out_channels, w_dim=w_dim, resolution=resolution)
        self.register_buffer("blur_filter", setup_filter(BLUR))
        # [9, 16]: a tap of the 3×3 kernel to the four of the 4×4 kernel that it is added to.
        line = torch.tensor([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
        shifts = torch.kron(line, line) * self.weight_gain
        self.register_buffer("shifts", shifts, persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: NoiseMap) -> Tensor:
        # As a product of matrices this costs less than sums of shifted slices.
        kernel = (self.weight.flatten(2) @ self.shifts).view(*self.weight.shape[:2], 4, 4)
        x = F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2, padding=1)
        return self.finish(upfirdn2d(x, self.blur_filter, padding=1), w, noise)


class ToRGB(nn.Module):
    """1×1 convolution to the picture's channels, without style."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.weight_gain = in_channels**-0.5

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.weight * self.weight_gain).float()
        return y + self.bias[:, None, None]
