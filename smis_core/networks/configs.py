"""What a generator or a discriminator is, as plain numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

Architecture = Literal["skip", "resnet", "orig"]
LARGEST_WIDTH = 8192
"""Of codes and features: sixteen times that of any published network."""


@dataclass(frozen=True, kw_only=True)
class _PictureConfig:
    resolution: int
    """Side of the square picture in pixels: a power of two, at least 8."""
    img_channels: int = 3

    def __post_init__(self) -> None:
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise ValueError(
                f"resolution must be a power of two, at least 8, but is {self.resolution}; "
                "resize the pictures to 64, 128, 256, …"
            )
        self._check_positive("img_channels")

    def _check_positive(self, name: str) -> None:
        if getattr(self, name) < 1:
            raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}")

    def _check_width(self, *names: str) -> None:
        for name in names:
            self._check_positive(name)
            if getattr(self, name) > LARGEST_WIDTH:
                raise ValueError(
                    f"{name} must be at most {LARGEST_WIDTH}, but is {getattr(self, name)}"
                )

    def _check_mapping(self) -> None:
        self._check_positive("mapping_layers")
        self._check_width("z_dim", "w_dim")
        if self.mapping_layers > 64:  # type: ignore[attr-defined]
            raise ValueError("mapping_layers must be at most 64")
        beta: float = getattr(self, "w_avg_beta")  # noqa: B009
        if not 0 <= beta < 1:
            raise ValueError(f"w_avg_beta must be in [0, 1), but is {beta}")

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: a field is unknown or missing, or a value is refused.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(
                f"{cls.__name__} knows {', '.join(sorted(known))}, but came with {unknown}"
            )
        if "resolution" not in values:
            raise ValueError(f"{cls.__name__} needs a resolution, but came with {[*values]}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class _LevelsConfig(_PictureConfig):
    c_dim: int = 0
    """Number of classes; 0 is unconditional."""
    channel_base: int = 4096
    """Channels at resolution r are min(channel_base // r, channel_max)."""
    channel_max: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.c_dim < 0:
            raise ValueError(f"c_dim must be 0 or the number of classes, but is {self.c_dim}")
        self._check_positive("channel_base")
        self._check_width("channel_max")
        if self.channel_base < self.resolution:
            raise ValueError(
                f"channel_base must be at least the resolution, or its blocks have no channel, "
                f"but is {self.channel_base} at {self.resolution}"
            )

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, … up to the picture's own."""
        return tuple(2**k for k in range(2, self.resolution.bit_length()))

    def channels(self, resolution: int) -> int:
        """Width of the features at a resolution."""
        return min(self.channel_base // resolution, self.channel_max)


@dataclass(frozen=True, kw_only=True)
class _PyramidConfig(_LevelsConfig):
    architecture: Architecture = "skip"
    """How pictures join the features (StyleGAN2, figure 7)."""
    conv_clamp: float | None = None
    """Largest magnitude after each activation; None leaves it free."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.architecture not in get_args(Architecture):
            raise ValueError(
                f"architecture must be one of {get_args(Architecture)}, but is "
                f"{self.architecture!r}"
            )
        if self.conv_clamp is not None and self.conv_clamp <= 0:
            raise ValueError(
                f"conv_clamp must be positive, or None for no clamp, but is {self.conv_clamp}"
            )


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig(_PyramidConfig):
    """A StyleGAN2 generator. Raises ValueError for numbers that make none."""

    z_dim: int = 128
    w_dim: int = 128
    mapping_layers: int = 4
    w_avg_beta: float = 0.998
    """Decay of the running average of w, a call of the mapping network."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_mapping()

    @property
    def num_ws(self) -> int:
        """Rows of W+: one a convolution, and one for the last ToRGB."""
        return 2 * len(self.resolutions)


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig(_PyramidConfig):
    """A StyleGAN2 discriminator. Raises ValueError for numbers that make none."""

    mbstd_group_size: int = 4
    """Samples over which the minibatch standard deviation is taken; 1 switches it off."""
    mbstd_channels: int = 1
    cmap_dim: int | None = None
    """Width of the projected class; None takes the channels at 4²."""
    mapping_layers: int = 8
    """Of the class's mapping network."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("mbstd_group_size", "mbstd_channels", "mapping_layers"):
            self._check_positive(name)
        if self.channels(4) % self.mbstd_channels:
            raise ValueError(
                f"mbstd_channels must divide the {self.channels(4)} channels at 4², but is "
                f"{self.mbstd_channels}"
            )
        if self.cmap_dim is not None:
            self._check_positive("cmap_dim")


@dataclass(frozen=True, kw_only=True)
class StridedConfig(_PictureConfig):
    """A strided discriminator. Raises ValueError for numbers that make none."""

    channel_base: int = 3072
    """Channels of maps of r² are min(channel_base // r, channel_max)."""
    channel_max: int = 192
    mbstd_group_size: int = 4
    """Samples over which the minibatch standard deviation is taken; 1 switches it off."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channel_base", "mbstd_group_size"):
            self._check_positive(name)
        self._check_width("channel_max")
        if self.channel_base < self.resolution // 2:
            raise ValueError(
                f"channel_base must be at least half the resolution, or its finest maps have no "
                f"channel, but is {self.channel_base} at {self.resolution}"
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """Of what is halved: the resolution, half of it, … down to 8."""
        return tuple(2**k for k in range(self.resolution.bit_length() - 1, 2, -1))

    def channels(self, side: int) -> int:
        """Width of the maps of a side."""
        return min(self.channel_base // side, self.channel_max)
