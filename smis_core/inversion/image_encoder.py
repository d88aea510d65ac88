"""A small encoder from pictures to W+, which looks again at what its answer draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.native import register_kind
from ..networks.encoders import CodeEncoder, ResidualBlock, check_code_shape


@dataclass(frozen=True)
class ImageEncoderConfig:
    """The shape of an `ImageEncoder`.

    Raises:
        ValueError: a size is not positive, the resolution is no power of two from 8 on, or a width
            is no multiple of 8.
    """

    resolution: int
    """side of the generator's pictures; larger ones than 128² are averaged down to it"""
    num_ws: int
    """rows of W+ that come out"""
    w_dim: int
    """length of a row"""
    widths: tuple[int, int, int] = (64, 128, 192)
    """channels at a half, a quarter and an eighth of a 64² picture's side"""
    bottleneck: int = 48
    """channels of the last map before it is flattened"""
    hidden: int = 512
    """length of the vector from which all rows are read"""
    rank: int = 192
    """dimensions in which the rows may differ from each other"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        check_code_shape(self, least=8)

    def to_dict(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ImageEncoderConfig:
        """The inverse of `to_dict`."""
        return cls(**values)


class ImageEncoder(CodeEncoder):
    """A picture, and what the code so far draws → a step of the code towards the picture.

    The iterative refinement is ReStyle's (Alaluf et al. 2021, section 3). Codes are predicted in
    coordinates in which w is white (`basis`), so that no direction is out of reach.
    """

    kind = "image-encoder"

    mean: Tensor
    basis: Tensor

    def __init__(self, config: ImageEncoderConfig) -> None:
        first, middle, last = config.widths
        super().__init__(
            config,
            6,  # the picture, and what is missing of it
            ResidualBlock(first),
            ResidualBlock(middle, inputs=first),
            ResidualBlock(middle),
            ResidualBlock(last, inputs=middle),
            ResidualBlock(last),
        )
        self.config = config
        self.register_buffer("mean", torch.zeros(config.w_dim))
        self.register_buffer("basis", torch.eye(config.w_dim))

    def set_statistics(
        self,
        mean: Tensor,  # [w]
        basis: Tensor,  # [w, w]
    ) -> None:
        """Sets where codes start and in which coordinates they move: white numbers times `basis`
        have w's covariance."""
        self.mean.copy_(mean)
        self.basis.copy_(basis)

    def start(self, count: int) -> Tensor:
        """The average code, [count, num_ws, w_dim]."""
        return self.mean.expand(count, self.config.num_ws, -1).clone()

    def forward(
        self,
        target: Tensor,  # [N, 3, R, R] in [-1, 1]
        drawn: Tensor,  # [N, 3, R, R], what the code so far draws
    ) -> Tensor:
        """What to add to the code so far.

        Returns:
            [N, num_ws, w_dim].

        Raises:
            ValueError: pictures of another size than the encoder was made for.
        """
        config = self.config
        wanted = (3, config.resolution, config.resolution)
        for name, each in (("target", target), ("drawn", drawn)):
            if each.ndim != 4 or tuple(each.shape[1:]) != wanted:
                raise ValueError(
                    f"{name}: wanted [N, 3, {wanted[1]}, {wanted[2]}], got {list(each.shape)};"
                    " bring it to the generator's size with smis_core.inversion.prepare_target"
                )
        # The difference is what a first layer would have to learn to compute.
        white = self._read(torch.cat([target, drawn - target], dim=1))
        with torch.autocast(white.device.type, enabled=False):
            return white @ self.basis


register_kind(ImageEncoder.kind, ImageEncoder, ImageEncoderConfig)
