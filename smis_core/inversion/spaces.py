"""The spaces in which a code is searched, and how a code of any of them is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..latents import Noise, StyleSpace, W, WPlus, Z
from ..networks.generator_base import GeneratorBase, SynthesisBase
from ..networks.stylegan2 import NoiseChoice
from .statistics import WStatistics
from .step import Latent

Space = Literal["z", "w", "wplus", "s"]
Unit = Literal["w", "spread"]

_STYLE_SAMPLES = 256


def draw(
    generator: GeneratorBase,
    latent: Latent,
    *,
    noise: Noise | None = None,
    labels: Tensor | None = None,  # [N, c_dim]
) -> Tensor:
    """The picture of a code in any space, float32 [N, 3, R, R].

    Args:
        generator: of the code's network.
        latent: the code.
        noise: one map a layer; None takes those stored with the weights.
        labels: classes, which a code in Z of a conditional generator needs, see `class_labels`.

    Raises:
        ValueError: the code is of another generator.
    """
    maps: NoiseChoice | Sequence[Tensor] = "const" if noise is None else noise.maps
    if isinstance(latent, StyleSpace):
        return draw_styles(generator.synthesis, latent.styles, maps)
    image: Tensor = generator.synthesis(to_wplus(generator, latent, labels), noise=maps)
    return image


def to_wplus(
    generator: GeneratorBase, latent: Z | W | WPlus, labels: Tensor | None = None
) -> Tensor:
    """[N, L, w]."""
    if isinstance(latent, Z):
        mapped: Tensor = generator.mapping(latent.tensor, labels)
        return mapped
    if isinstance(latent, W):
        return latent.tensor[:, None].expand(-1, generator.num_ws, -1)
    return latent.tensor


def styles_of(
    generator: GeneratorBase,
    ws: Tensor,  # [N, L, w]
) -> StyleSpace:
    """The styles that a code gives each layer (Wu et al. 2021, section 3)."""
    found: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        found.append(output.detach())

    handles = [each.register_forward_hook(keep) for each in _affines(generator.synthesis)]
    try:
        with torch.no_grad():
            generator.synthesis(ws)
    finally:
        for handle in handles:
            handle.remove()
    return StyleSpace(tuple(found))


def draw_styles(
    synthesis: SynthesisBase,
    styles: Sequence[Tensor],  # one [N, C] a modulated layer; a shallow network takes the first
    noise: NoiseChoice | Sequence[Tensor] = "const",
) -> Tensor:
    """The picture that styles give, whatever w they come from."""
    affines = _affines(synthesis)
    if len(styles) < len(affines):
        raise ValueError(
            f"latent: wanted styles of {len(affines)} layers for this generator, got {len(styles)}"
        )
    with _replaced(affines, styles):
        config = synthesis.config
        nothing = styles[0].new_zeros(len(styles[0]), synthesis.num_ws, config.w_dim)
        image: Tensor = synthesis(nothing, noise=noise)
    return image


def _affines(synthesis: SynthesisBase) -> list[nn.Module]:
    """What makes styles of rows of W+, in the order of drawing."""
    return [module for name, module in synthesis.named_modules() if name.endswith("affine")]


@contextmanager
def _replaced(affines: list[nn.Module], styles: Sequence[Tensor]) -> Iterator[None]:
    def giving(style: Tensor) -> Any:
        return lambda _module, _inputs, _output: style

    handles = [
        each.register_forward_hook(giving(style))
        for each, style in zip(affines, styles, strict=False)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Search:
    """Codes in a space as offsets from a beginning: what an optimiser moves.

    Args:
        generator: draws.
        space: where.
        begin: [N, z] in "z", else [N, L, w]; "w" takes the mean of the rows.
        unit: of offsets in W and W+: as they are, or in w's spread.
        statistics: of w.
        shared: in W+, let the rows also move together; codes close to W are found sooner.
        labels: [N, c_dim] of conditional generators.
        rng: for the spread of styles.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        space: Space,
        begin: Tensor,
        *,
        unit: Unit,
        statistics: WStatistics,
        labels: Tensor | None = None,
        rng: torch.Generator | None = None,
        shared: bool = False,
    ) -> None:
        self.generator, self.space, self.labels = generator, space, labels
        self.unit, self.statistics = unit, statistics
        self.count = len(begin)
        if space == "s":
            self.begin = list(styles_of(generator, begin).styles)
            self.scales = self._style_spreads(rng)
        elif space == "w":
            self.begin = [begin.mean(dim=1, keepdim=True)]
        else:
            self.begin = [begin]
        self.offsets = [torch.zeros_like(each) for each in self.begin]
        if shared and space == "wplus":
            self.offsets.append(torch.zeros_like(begin[:, :1]))
        for each in self.offsets:
            each.requires_grad_(True)

    def codes(self, shake: float = 0.0, rng: torch.Generator | None = None) -> list[Tensor]:
        """Where the search is; with `shake`, a normal step of that size away."""
        if self.space == "s":
            moved = [
                begin + offset * scale
                for begin, offset, scale in zip(self.begin, self.offsets, self.scales, strict=True)
            ]
        else:
            spread = self.statistics.spread if self.unit == "spread" else 1.0
            offset = self.offsets[0]
            if len(self.offsets) > 1:
                offset = offset + self.offsets[1]
            moved = [self.begin[0] + offset * (1.0 if self.space == "z" else spread)]
        if not shake or self.space == "s":
            return moved
        return [each + shake * torch.randn(each.shape, generator=rng).to(each) for each in moved]

    def ws(self, codes: list[Tensor]) -> Tensor | None:
        """[N, L, w] of codes; None in style space."""
        if self.space == "s":
            return None
        if self.space == "z":
            mapped: Tensor = self.generator.mapping(codes[0], self.labels)
            return mapped
        return codes[0].expand(-1, self.generator.num_ws, -1)

    def draw(
        self,
        codes: list[Tensor],
        ws: Tensor | None,
        maps: list[Tensor],
        synthesis: SynthesisBase | None = None,
    ) -> Tensor:
        """Pictures, by another synthesis where one is named, which takes the first rows."""
        synthesis = synthesis or self.generator.synthesis
        noise: NoiseChoice | Sequence[Tensor] = maps[: len(synthesis.layers)] or "const"
        if ws is None:
            return draw_styles(synthesis, codes, noise)
        image: Tensor = synthesis(ws[:, : synthesis.num_ws], noise=noise)
        return image

    @torch.no_grad()
    def constrain(self) -> None:
        """Keeps z on its sphere, where the mapping network puts it anyway."""
        if self.space == "z":
            z = self.begin[0] + self.offsets[0]
            length = z.square().mean(dim=1, keepdim=True).clamp_min(1e-8).sqrt()
            self.offsets[0].copy_(z / length - self.begin[0])

    def latent(self, codes: list[Tensor]) -> Latent:
        """The codes as their type, detached."""
        kept = [each.detach().clone() for each in codes]
        if self.space == "s":
            return StyleSpace(tuple(kept))
        if self.space == "z":
            return Z(kept[0])
        return W(kept[0][:, 0]) if self.space == "w" else WPlus(kept[0])

    def _style_spreads(self, rng: torch.Generator | None) -> list[Tensor]:
        device = self.begin[0].device
        z = torch.randn(_STYLE_SAMPLES, self.generator.config.z_dim, generator=rng).to(device)
        labels = self.labels
        if labels is not None:
            labels = labels[torch.arange(len(z), device=device) % len(labels)]
        parts: list[tuple[Tensor, ...]] = []
        with torch.no_grad():
            for row in self.generator.mapping(z, labels).split(16):
                parts.append(styles_of(self.generator, row).styles)
        return [torch.cat(styles).std(dim=0).clamp_min(1e-3) for styles in zip(*parts, strict=True)]
