"""What generators and encoders of other families are, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from .configs import Architecture, GeneratorConfig, _LevelsConfig, _PictureConfig


@dataclass(frozen=True, kw_only=True)
class StyleGAN1Config(_LevelsConfig):
    """A StyleGAN generator (Karras et al. 2019). Raises ValueError for numbers that make none."""

    architecture: ClassVar[Architecture] = "orig"
    """There is a picture at the last resolution alone, as in StyleGAN2's "orig"."""

    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    w_avg_beta: float = 0.995
    """Decay of the running average of w, a call of the mapping network."""
    channel_base: int = 16384
    channel_max: int = 512
    const_input: bool = True
    """Whether the 4² input is learned; otherwise a dense layer makes it from row 0 of W+."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_mapping()

    @property
    def num_ws(self) -> int:
        """Rows of W+: two a resolution, one for each layer that has noise and style."""
        return 2 * len(self.resolutions)


@dataclass(frozen=True)
class Band:
    """A signal inside StyleGAN3: its grid and what frequencies it may hold."""

    sampling_rate: int
    """Samples along the side of the picture."""
    cutoff: float
    """Frequencies up to here are kept, in cycles along the side of the picture."""
    half_width: float
    """From the cutoff to where the filter reaches its full attenuation."""
    size: int
    """Side of the features: the sampling rate, and a margin on both sides."""
    channels: int


@dataclass(frozen=True, kw_only=True)
class StyleGAN3Config(_PictureConfig):
    """A StyleGAN3 generator (Karras et al. 2021). Raises ValueError for numbers that make none.

    The defaults are those of configuration T; R has `conv_kernel=1`, `use_radial_filters=True`
    and twice the channels.
    """

    architecture: ClassVar[Architecture] = "orig"
    """There is a picture at the last layer alone, as in StyleGAN2's "orig"."""

    c_dim: int = 0
    """Number of classes; 0 is unconditional."""
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 2
    w_avg_beta: float = 0.998
    """Decay of the running average of w, a call of the mapping network."""
    channel_base: int = 32768
    """Channels at a cutoff f are channel_base / (2 f), rounded, at most channel_max."""
    channel_max: int = 512
    num_layers: int = 14
    """Filtered layers between the input and ToRGB."""
    num_critical: int = 2
    """Of these, the last ones, whose cutoff is the Nyquist frequency of the picture."""
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband_rel: float = 2**0.3
    """The last stopband, by the last cutoff."""
    margin_size: int = 10
    """Samples beyond each side of the picture, so that padding stays out of sight."""
    conv_kernel: int = 3
    filter_size: int = 6
    """Taps of a filter at the lower of its two rates."""
    lrelu_upsampling: int = 2
    """By how much the rate is raised around the activation."""
    use_radial_filters: bool = False
    """Whether downsampling filters are radially symmetric, except in critical layers."""
    conv_clamp: float | None = 256.0
    """Largest magnitude after each activation; None leaves it free."""
    output_scale: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_mapping()
        self._check_width("channel_max")
        for name in ("num_layers", "conv_kernel", "filter_size"):
            self._check_positive(name)
        if self.c_dim < 0:
            raise ValueError(f"c_dim must be 0 or the number of classes, but is {self.c_dim}")
        bounds = {"num_layers": 64, "conv_kernel": 7, "filter_size": 32, "lrelu_upsampling": 8,
                  "margin_size": 64, "resolution": 4096}  # fmt: skip
        for name, most in bounds.items():
            if getattr(self, name) > most:
                raise ValueError(f"{name} must be at most {most}, but is {getattr(self, name)}")
        for name in ("output_scale", "first_cutoff", "first_stopband", "last_stopband_rel"):
            if not isinstance(getattr(self, name), int | float):
                raise ValueError(f"{name} must be a number")
        if not self.first_cutoff > 1e-3:
            raise ValueError(f"first_cutoff must exceed 0.001, but is {self.first_cutoff}")
        if not 0 <= self.num_critical < self.num_layers:
            raise ValueError(
                f"num_critical must be from 0 to {self.num_layers - 1}, one less than the layers, "
                f"but is {self.num_critical}"
            )
        if self.conv_kernel % 2 == 0:
            raise ValueError(f"conv_kernel must be odd, but is {self.conv_kernel}")
        if self.lrelu_upsampling < 2 or self.lrelu_upsampling % 2:
            raise ValueError(f"lrelu_upsampling must be even, but is {self.lrelu_upsampling}")
        if self.margin_size < 0:
            raise ValueError(f"margin_size must not be negative, but is {self.margin_size}")
        if self.channel_base < self.resolution:
            raise ValueError(
                f"channel_base must be at least the resolution, or its last layers have no "
                f"channel, but is {self.channel_base} at {self.resolution}"
            )
        if not 0 < self.first_cutoff < self.first_stopband <= self.resolution / 2:
            raise ValueError(
                f"first_cutoff and first_stopband must rise from 0 to {self.resolution // 2}, half "
                f"the resolution, but are {self.first_cutoff} and {self.first_stopband}"
            )
        if self.last_stopband_rel <= 1:
            raise ValueError(f"last_stopband_rel must exceed 1, but is {self.last_stopband_rel}")
        if self.conv_clamp is not None and self.conv_clamp <= 0:
            raise ValueError(
                f"conv_clamp must be positive, or None for no clamp, but is {self.conv_clamp}"
            )

    @property
    def num_ws(self) -> int:
        """Rows of W+: for the input, each layer, and ToRGB."""
        return self.num_layers + 2

    @property
    def bands(self) -> tuple[Band, ...]:
        """The signal after each layer and, last, after ToRGB (section 3.2 and figure 4a)."""
        return tuple(self._band(index) for index in range(self.num_layers + 1))

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The sampling rates that occur, rising to the picture's own."""
        return tuple(sorted({band.sampling_rate for band in self.bands}))

    def _band(self, index: int) -> Band:
        # Cutoff and stopband rise geometrically up to the first critical layer.
        share = min(index / (self.num_layers - self.num_critical), 1.0)
        nyquist = self.resolution / 2
        cutoff = self.first_cutoff * (nyquist / self.first_cutoff) ** share
        last_stopband = nyquist * self.last_stopband_rel
        stopband = self.first_stopband * (last_stopband / self.first_stopband) ** share
        rate = 2 ** math.ceil(math.log2(min(2 * stopband, self.resolution)))
        last = index == self.num_layers
        return Band(
            sampling_rate=rate,
            cutoff=cutoff,
            half_width=max(stopband, rate / 2) - cutoff,
            size=self.resolution if index >= self.num_layers - 1 else rate + 2 * self.margin_size,
            channels=self.img_channels
            if last
            else round(min(self.channel_base / 2 / cutoff, self.channel_max)),
        )


AnyGeneratorConfig = GeneratorConfig | StyleGAN1Config | StyleGAN3Config


@dataclass(frozen=True, kw_only=True)
class PyramidEncoderConfig(_PictureConfig):
    """An encoder of pSp or e4e. Raises ValueError for numbers that make none.

    `resolution` is that of the generator, which decides how many rows come out; `img_channels` is
    what the encoder reads: 3 of a photograph, 1 of a sketch, or the classes of a one-hot mask.
    """

    w_dim: int = 512
    base_channels: int = 64
    """Width of the backbone's first stage, a multiple of 16; each of four stages doubles it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_positive("w_dim")
        if self.base_channels < 16 or self.base_channels % 16:
            raise ValueError(
                f"base_channels must be a multiple of 16, by which squeeze-and-excitation "
                f"narrows, but is {self.base_channels}"
            )

    @property
    def num_ws(self) -> int:
        """Rows of W+ that come out: 2 log2(resolution) − 2."""
        return 2 * (self.resolution.bit_length() - 2)
