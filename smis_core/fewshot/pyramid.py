"""pSp's encoder for masks, beside the small one: the paper's choice, for those with a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..networks.encoders import MaskEncoder, MaskEncoderConfig, small_config
from ..networks.foreign_configs import PyramidEncoderConfig
from ..networks.generator_base import GeneratorBase
from ..networks.psp_encoders import GradualStyleEncoder

Architecture = Literal["small", "psp"]
_INPUT_SIDE = 256


@dataclass(frozen=True)
class PyramidMaskConfig:
    """The shape of a `PyramidMaskEncoder`.

    Raises:
        ValueError: a generator whose rows of W+ are not two a resolution, as StyleGAN3's.
    """

    num_classes: int
    """channels of the one-hot mask"""
    resolution: int
    """side of the mask, that of the generator's picture"""
    num_ws: int
    """rows of W+ that come out"""
    w_dim: int
    """length of a row"""
    base_channels: int = 64
    """width of the first of four stages, each of which doubles it"""

    def __post_init__(self) -> None:
        rows = self.pyramid().num_ws
        if rows != self.num_ws:
            raise ValueError(
                f"num_ws: pSp's encoder gives {rows} rows at {self.resolution}², but the generator"
                f" has {self.num_ws}; choose the small encoder"
            )

    def pyramid(self) -> PyramidEncoderConfig:
        """In pSp's own terms."""
        return PyramidEncoderConfig(
            resolution=self.resolution,
            img_channels=self.num_classes,
            w_dim=self.w_dim,
            base_channels=self.base_channels,
        )

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PyramidMaskConfig:
        """The inverse of `to_dict`."""
        return cls(**values)


class PyramidMaskEncoder(nn.Module):
    """One-hot mask → offsets from the average latent, by pSp's network (Richardson et al. 2021).

    Args:
        config: its shape.
    """

    code_scale: Tensor

    def __init__(self, config: PyramidMaskConfig) -> None:
        super().__init__()
        self.config = config
        self.network = GradualStyleEncoder(config.pyramid())
        self.register_buffer("code_scale", torch.ones(config.w_dim))

    def set_code_scale(self, scale: Tensor) -> None:
        """Sets the unit in which codes are predicted: [w_dim], positive."""
        self.code_scale.copy_(scale.to(self.code_scale))

    def forward(
        self,
        one_hot: Tensor,  # [N, C, S, S]
    ) -> Tensor:
        """Codes [N, num_ws, w_dim] to be added to the generator's average latent."""
        size = (_INPUT_SIDE, _INPUT_SIDE)
        # By area: nearest drops three in four single pixels of 512², and every second thin line.
        codes: Tensor = self.network(F.interpolate(one_hot, size=size, mode="area"))
        return codes.float() * self.code_scale


EncoderConfig = MaskEncoderConfig | PyramidMaskConfig
AnyMaskEncoder = MaskEncoder | PyramidMaskEncoder


def check_unconditional(generator: GeneratorBase) -> None:
    """ValueError where a generator wants a class with every code: masks do not say which."""
    if generator.config.c_dim:
        raise ValueError(
            f"generator: wanted an unconditional one, got one with {generator.config.c_dim} classes"
            " of pictures, and a sketch does not say which is meant; choose a generator that was"
            " trained without labels"
        )


def encoder_config(
    generator: GeneratorBase, num_classes: int, architecture: Architecture = "small"
) -> EncoderConfig:
    """An encoder's shape for a generator and so many classes.

    Raises:
        ValueError: an unknown architecture, or a generator that it does not suit.
    """
    check_unconditional(generator)
    if architecture not in get_args(Architecture):
        choices = ", ".join(get_args(Architecture))
        raise ValueError(f"architecture: wanted one of {choices}, got {architecture!r}")
    build = small_config if architecture == "small" else PyramidMaskConfig
    return build(
        num_classes=num_classes,
        resolution=generator.config.resolution,
        num_ws=generator.num_ws,
        w_dim=generator.config.w_dim,
    )


def build_encoder(config: EncoderConfig) -> AnyMaskEncoder:
    """An untrained encoder of a shape."""
    if isinstance(config, PyramidMaskConfig):
        return PyramidMaskEncoder(config)
    return MaskEncoder(config)
