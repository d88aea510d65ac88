"""The layers of StyleGAN3's synthesis network (Karras et al. 2021).

Every layer works on samples of a band-limited signal: the activation, which makes frequencies that
the grid cannot hold, runs at a higher rate between two low-pass filters.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops import modulated_conv2d, upfirdn2d
from .foreign_configs import Band, StyleGAN3Config
from .layers import FullyConnectedLayer

_SLOPE = 0.2
_GAIN = 2**0.5


def design_lowpass_filter(
    taps: int, *, cutoff: float, half_width: float, sampling_rate: float, radial: bool = False
) -> Tensor:
    """A Kaiser-windowed low-pass filter (section 3.2; radial: section 3.3 and appendix C).

    Args:
        taps: its length; even where it is radial.
        cutoff: the frequency at which half of the amplitude passes.
        half_width: from the cutoff to the end of the transition band, which decides the window.
        sampling_rate: of the grid on which it lies, in the unit of the frequencies.
        radial: whether it is the jinc of the distance rather than a sinc along each axis.

    Returns:
        float32 `[taps]`, or `[taps, taps]` where it is radial, summing to one.

    Raises:
        ValueError: numbers that make no filter.
    """
    if taps < 2 or (radial and taps % 2):
        raise ValueError(f"taps must be at least 2, and even for a radial filter, but is {taps}")
    if not 0 < cutoff < sampling_rate / 2 or half_width <= 0:
        raise ValueError(
            f"cutoff must lie between 0 and {sampling_rate / 2}, half the sampling rate, and "
            f"half_width above 0, but are {cutoff} and {half_width}"
        )
    import scipy.signal  # importing it takes longer than to design every filter of a network
    import scipy.special

    width = 2 * half_width
    if not radial:
        line = scipy.signal.firwin(taps, cutoff, width=width, fs=sampling_rate)
        return torch.tensor(line, dtype=torch.float32)
    positions = (np.arange(taps) - (taps - 1) / 2) / sampling_rate
    distance = np.hypot(*np.meshgrid(positions, positions))
    jinc = scipy.special.j1(2 * np.pi * cutoff * distance) / distance
    attenuation = scipy.signal.kaiser_atten(taps, width / (sampling_rate / 2))
    window = np.kaiser(taps, scipy.signal.kaiser_beta(attenuation))
    plane = jinc * np.outer(window, window)
    return torch.tensor(plane / plane.sum(), dtype=torch.float32)


class FourierInput(nn.Module):
    """Waves of random frequencies, which a row of W+ turns and moves (appendix F).

    `transform` takes a point of the picture to the point that is drawn there: homogeneous, in
    units of the picture's side, with the origin at the centre. It is applied as it stands.
    """

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, band: Band, *, w_dim: int) -> None:
        super().__init__()
        self.band = band
        channels = band.channels
        angle = 2 * math.pi * torch.rand(channels)
        radius = band.cutoff * torch.rand(channels).sqrt()  # uniform over the disc
        freqs = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = FullyConnectedLayer(w_dim, 4)
        with torch.no_grad():  # begin without turning or moving
            self.affine.weight.zero_()
            self.affine.bias[0] = 1
        self.register_buffer("transform", torch.eye(3))
        self.register_buffer("freqs", freqs)
        self.register_buffer("phases", torch.rand(channels) - 0.5)

    def forward(self, w: Tensor) -> Tensor:  # [N, w_dim]
        """`[N, channels, size, size]`, float32."""
        with torch.autocast(w.device.type, enabled=False):
            return self._waves(self._placement(w))

    def _placement(self, w: Tensor) -> Tensor:
        """`[N, 3, 3]`: turned and moved by the row, then by `transform`."""
        cosine, sine, x, y = self._pose(w).unbind(dim=1)
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        turn = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], dim=1)
        move = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], dim=1)
        placement: Tensor = turn.view(-1, 3, 3) @ move.view(-1, 3, 3) @ self.transform
        return placement

    def _pose(self, w: Tensor) -> Tensor:
        pose: Tensor = self.affine(w)
        length: Tensor = pose[:, :2].norm(dim=1, keepdim=True)
        return pose / length

    def _waves(self, placement: Tensor) -> Tensor:
        band = self.band
        phases = self.phases + placement[:, :2, 2] @ self.freqs.T  # [N, C]
        freqs = self.freqs @ placement[:, :2, :2]  # [N, C, 2]
        # Frequencies that a transform makes too high for the grid fade out instead of aliasing.
        beyond = (freqs.norm(dim=2) - band.cutoff) / (band.sampling_rate / 2 - band.cutoff)
        amplitudes = (1 - beyond).clamp(0, 1)
        ticks = torch.arange(band.size, dtype=torch.float32, device=phases.device)
        ticks = (ticks + 0.5 - band.size / 2) / band.sampling_rate
        across = ticks[:, None] * freqs[:, None, :, 0]  # [N, W, C]
        down = ticks[:, None] * freqs[:, None, :, 1] + phases[:, None]  # [N, H, C]
        waves = (2 * math.pi * (down[:, :, None] + across[:, None])).sin()  # [N, H, W, C]
        waves = waves * amplitudes[:, None, None]
        mixed: Tensor = waves @ (self.weight.T / self.weight.shape[0] ** 0.5)
        return mixed.permute(0, 3, 1, 2)


class FilteredLayer(nn.Module):
    """Modulated convolution, then a leaky ReLU at a higher rate (figure 4b).

    Args:
        config: of the whole network.
        before, after: the signals that it takes and gives.
        critical: whether its cutoff is the Nyquist frequency of the picture.
    """

    magnitude_ema: Tensor
    up_filter: Tensor
    down_filter: Tensor

    def __init__(
        self, config: StyleGAN3Config, *, before: Band, after: Band, critical: bool
    ) -> None:
        super().__init__()
        kernel = config.conv_kernel
        self.conv_padding, self.conv_clamp = kernel - 1, config.conv_clamp
        self.affine = FullyConnectedLayer(config.w_dim, before.channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(after.channels, before.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        rate = max(before.sampling_rate, after.sampling_rate) * config.lrelu_upsampling
        self.up, self.down = rate // before.sampling_rate, rate // after.sampling_rate
        up_taps, down_taps = config.filter_size * self.up, config.filter_size * self.down
        up_filter = design_lowpass_filter(
            up_taps, cutoff=before.cutoff, half_width=before.half_width, sampling_rate=rate
        )
        down_filter = design_lowpass_filter(
            down_taps, cutoff=after.cutoff, half_width=after.half_width, sampling_rate=rate,
            radial=config.use_radial_filters and not critical,
        )  # fmt: skip
        self.register_buffer("up_filter", up_filter)
        self.register_buffer("down_filter", down_filter)
        # What comes out has its own size, whatever margin the convolution added.
        wanted = (after.size - 1) * self.down + 1
        there = (before.size + self.conv_padding) * self.up
        total = wanted - there + up_taps - 1 + down_taps - 1
        first = (total + self.up) // 2  # zeros are inserted behind each sample
        self.sides = (first, total - first) * 2

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        # The factor that brings the input to unit magnitude is not known before run time; it
        # rides on the filter that follows, so that no pass over the features is spent on it.
        magnitude = self.magnitude_ema.sqrt()
        y = modulated_conv2d(
            x, _unit(self.weight, (1, 2, 3)), _unit(self.affine(w), (1,)),
            self.bias * magnitude, gain=_GAIN, padding=self.conv_padding,
        )  # fmt: skip
        y = upfirdn2d(
            y, self.up_filter * magnitude.rsqrt(), up=self.up, padding=self.sides, gain=self.up**2
        )
        y = F.leaky_relu(y, _SLOPE)
        if self.conv_clamp is not None:
            y = y.clamp(-self.conv_clamp, self.conv_clamp)
        return upfirdn2d(y, self.down_filter, down=self.down)


class FilteredToRGB(nn.Module):
    """Modulated 1×1 convolution to the picture's channels, without demodulation or activation."""

    magnitude_ema: Tensor

    def __init__(self, config: StyleGAN3Config, *, before: Band, after: Band) -> None:
        super().__init__()
        self.conv_clamp = config.conv_clamp
        self.affine = FullyConnectedLayer(config.w_dim, before.channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(after.channels, before.channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.weight_gain = before.channels**-0.5
        self.register_buffer("magnitude_ema", torch.ones([]))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w) * (self.weight_gain * self.magnitude_ema.rsqrt())
        y = modulated_conv2d(x, self.weight, styles, demodulate=False).float()
        y = y + self.bias[:, None, None]
        return y if self.conv_clamp is None else y.clamp(-self.conv_clamp, self.conv_clamp)


def _unit(values: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Brought to a root mean square of one, so that the epsilon of demodulation stays small."""
    return values * values.square().mean(dim=dims, keepdim=True).rsqrt()
