"""A discriminator of strided convolutions: quick to compute, quick to learn.

StyleGAN2's own discriminator is made for trainings of millions of pictures: its equalised learning
rates move a weight by a quarter of a percent a step, and it takes over a hundred steps to tell
flat repetitions from pictures. This is DCGAN's (Radford et al. 2016): kernels of 4×4 that halve
the side, PyTorch's initial weights, no normalisation. It sees the same within ten steps, at a
seventh of the cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .discriminator import Discriminator, append_minibatch_std

SLOPE = 0.2


@dataclass(frozen=True, kw_only=True)
class StridedConfig:
    """A strided discriminator. Raises ValueError for numbers that make none."""

    resolution: int
    """Side of the square picture in pixels: a power of two, at least 8."""
    img_channels: int = 3
    channels: int = 96
    """Width at half the side; it doubles with every further halving."""
    channel_max: int = 192
    """Largest width."""
    mbstd_group_size: int = 4
    """Samples over which the minibatch standard deviation is taken; 1 switches it off."""

    def __post_init__(self) -> None:
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise ValueError(
                f"resolution must be a power of two, at least 8, but is {self.resolution}; "
                "resize the pictures to 64, 128, 256, …"
            )
        for name in ("img_channels", "channels", "channel_max", "mbstd_group_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, but is {getattr(self, name)}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at half the side, a quarter, … down to 4²."""
        halvings = self.resolution.bit_length() - 3
        return tuple(min(self.channels << k, self.channel_max) for k in range(halvings))

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StridedConfig:
        """The inverse of `to_dict`.

        Raises:
            ValueError: a field is unknown or missing, or a value is refused.
        """
        known = {field.name for field in fields(cls)}
        if (unknown := sorted(set(values) - known)) or "resolution" not in values:
            raise ValueError(
                f"StridedConfig needs a resolution and knows {', '.join(sorted(known))}, but came "
                f"with {unknown or sorted(values)}"
            )
        return cls(**values)


class StridedDiscriminator(nn.Module):
    """Real or generated: a logit for each picture. Used as `Discriminator` is."""

    def __init__(self, config: StridedConfig) -> None:
        super().__init__()
        self.config = config
        width = config.widths[-1]
        steps = pairwise((config.img_channels, *config.widths))
        self.halvings = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1) for i, o in steps)
        statistics = 1 if config.mbstd_group_size > 1 else 0
        self.conv = nn.Conv2d(width + statistics, width, 3, padding=1)
        self.fc = nn.Linear(width * 16, width)
        self.out = nn.Linear(width, 1)

    def forward(
        self,
        img: Tensor,  # [N, img_channels, R, R] in [-1, 1]
        *,
        features: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Judge pictures.

        Args:
            img: pictures; their number divides by min(4, N) (`mbstd_group_size`).
            features: also return what leaves each halving, finest first, and the last map at 4².

        Returns:
            float32 logits `[N, 1]`, higher is more real; with features, a pair with the maps.

        Raises:
            ValueError: shapes that do not fit.
        """
        config = self.config
        shape = (config.img_channels, config.resolution, config.resolution)
        if img.ndim != 4 or img.shape[1:] != shape:
            raise ValueError(
                f"img must be [N, {', '.join(map(str, shape))}] for this discriminator, but is "
                f"{[*img.shape]}"
            )
        x, maps = img.float().contiguous(memory_format=torch.channels_last), []
        for layer in self.halvings:
            x = F.leaky_relu(layer(x), SLOPE)
            maps.append(x)
        with torch.autocast(img.device.type, enabled=False):
            x = x.float()
            if config.mbstd_group_size > 1:
                x = append_minibatch_std(x, config.mbstd_group_size)
            last = F.leaky_relu(self.conv(x), SLOPE)
            logits: Tensor = self.out(F.leaky_relu(self.fc(last.flatten(1)), SLOPE))
        return (logits, [*maps, last]) if features else logits


AnyDiscriminator = Discriminator | StridedDiscriminator
"""Pictures to logits, and on request to the features in between."""
