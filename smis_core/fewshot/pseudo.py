"""Endless training data from nothing but noise: pictures that the generator draws, named by the
labeller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..labelling import Labeller, convolution_layers, sample_ws, shallow_synthesis
from ..networks.generator_base import GeneratorBase, SynthesisBase

PictureLabeller = Callable[[Tensor], Tensor]
"""images [N, 3, R, R] → uint8 labels [N, R, R]"""

FEATURE_SIDE = 64
"""Layout is read from layers up to this size, as in the paper; what is finer is colour."""


@dataclass(frozen=True, eq=False)
class PseudoSamples:
    """A batch of drawn pictures."""

    ws: Tensor
    """[N, L, w]"""
    labels: Tensor
    """uint8 [N, R, R]"""
    image: Tensor
    """[N, 3, r, r], r as large as the layers that are read"""
    features: Mapping[str, Tensor]
    """of the labeller's layers"""


class PseudoSampler:
    """Draws pseudo-labelled samples.

    Args:
        generator: what draws.
        labeller: what names; also says which layers are read.
        picture_labeller: names the finished pictures instead (to measure how far a perfect labeller
            would come).
        truncation_psi: 1 draws everything that the generator knows.
        style_mixing: share of samples whose later rows, from a random one on, come from another
            sample.
        autocast: bfloat16 for the generator's convolutions.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        labeller: Labeller,
        *,
        picture_labeller: PictureLabeller | None = None,
        truncation_psi: float = 1.0,
        style_mixing: float = 0.0,
        autocast: bool = False,
    ) -> None:
        self.generator = generator
        self.labeller = labeller
        self.picture_labeller = picture_labeller
        self.truncation_psi = truncation_psi
        self.style_mixing = style_mixing
        self.autocast = autocast
        infos = convolution_layers(generator)
        self.side = max(info.resolution for info in infos if info.name in labeller.layers)
        self.synthesis: SynthesisBase = shallow_synthesis(generator, self.side)

    @torch.no_grad()
    def draw(self, count: int, *, rng: torch.Generator) -> PseudoSamples:
        """The next samples.

        Args:
            rng: a CPU generator; the same state draws the same samples.
        """
        generator = self.generator
        ws = sample_ws(generator, count, rng=rng, truncation_psi=self.truncation_psi)
        others = ws.roll(1, dims=0)
        rows = generator.num_ws
        start = torch.randint(1, rows, (count, 1), generator=rng)
        start[torch.rand(count, generator=rng) >= self.style_mixing] = rows
        mixed = (torch.arange(rows)[None] >= start).to(ws.device)
        ws = torch.where(mixed[..., None], others, ws)
        size = generator.config.resolution
        with torch.autocast(ws.device.type, torch.bfloat16, enabled=self.autocast):
            synthesis = self.synthesis if self.picture_labeller is None else generator.synthesis
            image, features = synthesis(ws[:, : synthesis.num_ws], features=self.labeller.layers)
            if self.picture_labeller is None:
                labels = self.labeller.sketched(features, size)
        if self.picture_labeller is not None:
            labels = self.picture_labeller(image)
            image = torch.nn.functional.interpolate(image, size=(self.side, self.side), mode="area")
        return PseudoSamples(ws, labels, image, features)
