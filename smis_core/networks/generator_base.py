"""What generators of every family share: how they are called and what they say of their layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from .foreign_configs import AnyGeneratorConfig
    from .layers import NoiseMap
    from .stylegan2 import LayerInfo, MappingNetwork, NoiseChoice

Keep = Callable[[str, Tensor], None]
"""Takes the name and the output of a layer."""


class SynthesisBase(nn.Module):
    """W+ to a picture.

    A family sets the attributes and defines `_draw`.

    Attributes:
        config: the generator's.
        num_ws: rows of W+.
        layers: the layers that rows of W+ modulate, coarsest first, without ToRGB.
        takes_noise: whether its layers add noise maps.
    """

    takes_noise = True
    config: AnyGeneratorConfig
    num_ws: int
    layers: tuple[LayerInfo, ...]

    def forward(
        self,
        ws: Tensor,  # [N, num_ws, w_dim]
        *,
        noise: NoiseChoice | Sequence[Tensor] = "const",
        features: Sequence[str] = (),
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """Draw.

        Args:
            ws: a row for each layer, and for ToRGB where the family has such a row.
            noise: the maps stored with the weights, fresh ones, none, or one map a layer in
                the order of `layers` (anything that broadcasts to `[N, 1, H, W]`).
            features: names of layers whose outputs are wanted, or of blocks ("b8") in families
                that have such.

        Returns:
            The picture, float32 `[N, img_channels, R, R]`; with features, also a dict from name
            to output `[N, channels, H, W]`.

        Raises:
            ValueError: ws has another shape, the noise does not fit, or a feature is unknown.
        """
        config = self.config
        if ws.ndim != 3 or ws.shape[1:] != (self.num_ws, config.w_dim):
            raise ValueError(
                f"ws must be [N, {self.num_ws}, {config.w_dim}] for this generator of "
                f"{config.resolution}², but is {[*ws.shape]}"
            )
        known = self._feature_names()
        if unknown := sorted(set(features) - set(known)):
            raise ValueError(f"features must be among {', '.join(known)}, but came with {unknown}")
        noises = self._noise_maps(noise, ws)
        taps: dict[str, Tensor] = {}

        def keep(name: str, output: Tensor) -> None:
            if name in features:
                taps[name] = output

        img = self._draw(ws, noises, keep).float().contiguous()
        return (img, {name: taps[name] for name in features}) if features else img

    def _draw(self, ws: Tensor, noises: list[NoiseMap], keep: Keep) -> Tensor:
        raise NotImplementedError("a family of generators defines _draw")

    def _feature_names(self) -> list[str]:
        return [layer.name for layer in self.layers]

    def _noise_maps(self, noise: NoiseChoice | Sequence[Tensor], ws: Tensor) -> list[NoiseMap]:
        if noise == "none":
            return [None] * len(self.layers)
        if noise == "const":
            return [self.get_buffer(f"{layer.name}.noise_const") for layer in self.layers]
        if noise == "random":
            shapes = [(len(ws), 1, layer.resolution, layer.resolution) for layer in self.layers]
            return [torch.randn(shape, device=ws.device) for shape in shapes]
        if isinstance(noise, str) or len(noise) != len(self.layers):
            raise ValueError(
                "noise must be 'const', 'random', 'none' or a list of "
                f"{len(self.layers)} maps, one a layer, but is "
                f"{repr(noise) if isinstance(noise, str) else f'a list of {len(noise)}'}"
            )
        for layer, given in zip(self.layers, noise, strict=True):
            if given.shape[-2:] != (layer.resolution, layer.resolution):
                raise ValueError(
                    f"the noise of {layer.name} must be {layer.resolution}² but is {[*given.shape]}"
                )
        return list(noise)


class GeneratorBase(nn.Module):
    """Mapping and synthesis together. A family sets the attributes."""

    config: AnyGeneratorConfig
    num_ws: int
    mapping: MappingNetwork
    synthesis: SynthesisBase

    def forward(
        self,
        z: Tensor,  # [N, z_dim]
        c: Tensor | None = None,  # [N, c_dim]
        *,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise: NoiseChoice | Sequence[Tensor] = "const",
    ) -> Tensor:
        """From z to the picture, float32 `[N, img_channels, R, R]`; arguments as in
        `MappingNetwork.forward` and `SynthesisBase.forward`."""
        ws = self.mapping(z, c, truncation_psi=truncation_psi, truncation_cutoff=truncation_cutoff)
        image: Tensor = self.synthesis(ws, noise=noise)
        return image
