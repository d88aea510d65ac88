"""Layers with equalised learning rates (Karras et al. 2018, section 4.1).

Weights are stored with unit variance and scaled when they are used, so that one learning rate
fits all. Dense layers compute in float32, also under autocast: they are small, and styles are
worth the precision.

Activations are linear or leaky ReLU, for which gain · act(v) = act(gain · v): gains are folded
into weights and biases, where they cost nothing.
"""

import torch
from torch import Tensor, nn

from ..ops import ACTIVATIONS, bias_act, conv2d_resample, modulated_conv2d, setup_filter

NoiseMap = Tensor | None


class FullyConnectedLayer(nn.Module):
    """`[N, in]` to `[N, out]`.

    Args:
        in_features, out_features: widths.
        activation: a name of `smis_core.ops.ACTIVATIONS`.
        lr_multiplier: factor of the effective learning rate; stored values are divided by it.
        bias_init: the bias in use at the start.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full([out_features], bias_init / lr_multiplier))
        self.weight_gain = lr_multiplier / in_features**0.5
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            y = torch.addmm(
                self.bias, x.float(), self.weight.T, beta=self.bias_gain, alpha=self.weight_gain
            )
            return bias_act(y, act=self.activation)


class Conv2dLayer(nn.Module):
    """`[N, in, H, W]` to `[N, out, H·up/down, W·up/down]`.

    Args:
        in_channels, out_channels: widths.
        kernel_size: odd side of the kernel.
        bias: whether there is one.
        activation: a name of `smis_core.ops.ACTIVATIONS`.
        up, down: resampling factors.
        conv_clamp: largest magnitude of the result.
    """

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        bias: bool = True,
        activation: str = "linear",
        up: int = 1,
        down: int = 1,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.activation, self.up, self.down, self.conv_clamp = activation, up, down, conv_clamp
        self.padding = kernel_size // 2
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.weight_gain = (in_channels * kernel_size**2) ** -0.5
        self.register_buffer("resample_filter", setup_filter())

    def forward(self, x: Tensor, *, gain: float = 1.0) -> Tensor:
        factor = ACTIVATIONS[self.activation].gain * gain
        y = conv2d_resample(
            x, self.weight * (self.weight_gain * factor),
            None if self.bias is None else self.bias * factor,
            up=self.up, down=self.down, padding=self.padding,
            resample_filter=self.resample_filter, flip_weight=self.up == 1,
        )  # fmt: skip
        return bias_act(y, act=self.activation, gain=1, clamp=_scaled(self.conv_clamp, gain))


class SynthesisLayer(nn.Module):
    """Modulated 3×3 convolution, noise, bias, leaky ReLU.

    Args:
        in_channels, out_channels: widths.
        w_dim: width of a row of W+.
        resolution: side of the result, on which the constant noise lies.
        up: upsampling factor.
        conv_clamp: largest magnitude of the result.
    """

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        w_dim: int,
        resolution: int,
        up: int = 1,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.resolution, self.up, self.conv_clamp = resolution, up, conv_clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", setup_filter())

    def forward(
        self,
        x: Tensor,
        w: Tensor,
        noise: NoiseMap,
        *,
        gain: float = 1.0,
        styled_by: Tensor | None = None,
        next_styles: Tensor | None = None,
    ) -> Tensor:
        """`styled_by`: its own styles, where x has been multiplied by them already."""
        return modulated_conv2d(
            x, self.weight, self.affine(w) if styled_by is None else styled_by, self.bias,
            noise=None if noise is None else noise * self.noise_strength,
            gain=ACTIVATIONS["lrelu"].gain * gain,
            up=self.up, padding=1, resample_filter=self.resample_filter, flip_weight=self.up == 1,
            act="lrelu", clamp=_scaled(self.conv_clamp, gain),
            styled=styled_by is not None, next_styles=next_styles,
        )  # fmt: skip


class ToRGBLayer(nn.Module):
    """Modulated 1×1 convolution to the picture's channels, without demodulation, in float32."""

    def __init__(
        self, in_channels: int, out_channels: int, *, w_dim: int, conv_clamp: float | None = None
    ) -> None:
        super().__init__()
        self.conv_clamp = conv_clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.weight_gain = in_channels**-0.5

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w) * self.weight_gain
        y = modulated_conv2d(x, self.weight, styles, demodulate=False)
        return bias_act(y.float(), self.bias, clamp=self.conv_clamp)


def _scaled(clamp: float | None, gain: float) -> float | None:
    return None if clamp is None else clamp * gain
