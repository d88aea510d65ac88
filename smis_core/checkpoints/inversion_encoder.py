"""An encoder of pSp or e4e with the average latent that its codes are added to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ..networks.foreign_configs import PyramidEncoderConfig
from ..networks.psp_encoders import Encoder4Editing, GradualStyleEncoder

EncoderKind = Literal["gradual", "e4e"]


@dataclass(frozen=True, kw_only=True)
class InversionConfig(PyramidEncoderConfig):
    """An `InversionEncoder`. Raises ValueError for numbers that make none."""

    encoder: EncoderKind
    """"gradual": pSp's GradualStyleEncoder; "e4e": Encoder4Editing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder not in get_args(EncoderKind):
            raise ValueError(
                f"encoder must be one of {get_args(EncoderKind)}, but is {self.encoder!r}"
            )


class InversionEncoder(nn.Module):
    """Pictures, sketches or masks to codes that a generator takes as they are.

    Args:
        config: what it is.

    Attributes:
        encoder: GradualStyleEncoder or Encoder4Editing.
        latent_avg: [num_ws, w_dim], added to its codes; zero where a training did without.
    """

    latent_avg: Tensor

    def __init__(self, config: InversionConfig) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        inner = {f.name for f in fields(PyramidEncoderConfig)}
        kind = Encoder4Editing if config.encoder == "e4e" else GradualStyleEncoder
        self.encoder = kind(
            PyramidEncoderConfig(**{k: v for k, v in asdict(config).items() if k in inner})
        )
        self.register_buffer("latent_avg", torch.zeros(config.num_ws, config.w_dim))

    def forward(
        self,
        x: Tensor,  # [N, img_channels, 256, 256]
    ) -> Tensor:
        """Read (pSp, section 3.1: codes are differences from the average).

        Args:
            x: RGB in [-1, 1], a sketch in [0, 1], or a one-hot mask; e4e's encoder of cars reads
                192 × 256.

        Returns:
            W+, float32 `[N, num_ws, w_dim]`.

        Raises:
            ValueError: x has another shape.
        """
        codes: Tensor = self.encoder(x)
        return codes + self.latent_avg
