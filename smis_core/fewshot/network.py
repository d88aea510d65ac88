"""What few-shot training leaves behind: an encoder and the labeller that taught it, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ..checkpoints.native import register_kind
from ..labelling import Labeller, LabellerConfig, build_labeller
from ..labels import Palette
from ..networks.encoders import MaskEncoder, MaskEncoderConfig
from .pyramid import AnyMaskEncoder, EncoderConfig, PyramidMaskConfig, build_encoder


@dataclass(frozen=True)
class FewshotConfig:
    """The parts of a `FewshotNetwork`."""

    encoder: EncoderConfig
    """mask → W+"""
    labeller: LabellerConfig
    """features → mask"""
    palette: Palette
    """what the classes mean"""
    folded: tuple[int, ...] = ()
    """classes that the domain never shows (jewellery, say): folded into their surroundings in a
    mask"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", tuple(self.folded))
        if not self.palette.num_classes == self.encoder.num_classes == self.labeller.num_classes:
            raise ValueError(
                f"palette, encoder and labeller: wanted the same number of classes, got"
                f" {self.palette.num_classes}, {self.encoder.num_classes},"
                f" {self.labeller.num_classes}"
            )

    def to_dict(self) -> dict[str, Any]:
        """The configuration, ready for JSON."""
        kind = {"architecture": "psp"} if isinstance(self.encoder, PyramidMaskConfig) else {}
        return {
            **kind,
            "encoder": self.encoder.to_dict(),
            "labeller": self.labeller.to_dict(),
            "palette": self.palette.to_json(),
            "folded": list(self.folded),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FewshotConfig:
        """The inverse of `to_dict`."""
        psp = values.get("architecture") == "psp"
        encoder = PyramidMaskConfig if psp else MaskEncoderConfig
        return cls(
            encoder=encoder.from_dict(values["encoder"]),
            labeller=LabellerConfig.from_dict(values["labeller"]),
            palette=Palette.from_json(values["palette"]),
            folded=tuple(values["folded"]),
        )


class FewshotNetwork(nn.Module):
    """An encoder with its labeller."""

    kind = "fewshot"

    def __init__(self, config: FewshotConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder: AnyMaskEncoder = build_encoder(config.encoder)
        self.labeller: Labeller = build_labeller(config.labeller)

    def forward(self, one_hot: Tensor) -> Tensor:
        """[N, C, S, S] one-hot masks → [N, L, w] offsets from the average latent."""
        codes: Tensor = self.encoder(one_hot)
        return codes


register_kind(FewshotNetwork.kind, FewshotNetwork, FewshotConfig)
register_kind(MaskEncoder.kind, MaskEncoder, MaskEncoderConfig)
