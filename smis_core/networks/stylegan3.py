"""The alias-free generator, StyleGAN3, in configurations T and R (Karras et al. 2021).

Parameters and buffers are named as in the published PyTorch networks, so that their state loads
as it is, filters included.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from .foreign_configs import StyleGAN3Config
from .generator_base import GeneratorBase, Stage, SynthesisBase
from .layers import NoiseMap
from .stylegan2 import Group, LayerInfo, MappingNetwork, NoiseChoice
from .stylegan3_layers import FilteredLayer, FilteredToRGB, FourierInput


class StyleGAN3Synthesis(SynthesisBase):
    """W+ to a picture: a row for the input, each layer, and ToRGB.

    Layers draw beyond the picture on each side. Their features come without that margin, so that
    all of them show the same part of the scene: `LayerInfo.resolution` is the sampling rate.

    There is no noise: 'const', 'random' and 'none' draw the same.
    """

    takes_noise = False
    config: StyleGAN3Config

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        bands = config.bands
        self.input = FourierInput(bands[0], w_dim=config.w_dim)
        layers = [LayerInfo("input", bands[0].sampling_rate, bands[0].channels, 0, "coarse")]
        for index, after in enumerate(bands):
            before = bands[max(index - 1, 0)]
            name = f"L{index}_{after.size}_{after.channels}"
            if index == config.num_layers:
                self.last = name
                self.add_module(name, FilteredToRGB(config, before=before, after=after))
                break
            critical = index >= config.num_layers - config.num_critical
            layer = FilteredLayer(config, before=before, after=after, critical=critical)
            self.add_module(name, layer)
            rate = after.sampling_rate
            layers.append(LayerInfo(name, rate, after.channels, index + 1, _group(rate)))
        self.layers = tuple(layers)
        names = [layer.name for layer in layers]
        self.stages = (
            Stage("input", (), 0),
            *(Stage(name, (names[i],), i + 1) for i, name in enumerate([*names[1:], self.last])),
        )
        self.pictures = {config.resolution: self.last}
        self.taps = {name: name for name in names}

    def noise_maps(self, noise: NoiseChoice | Sequence[Tensor], ws: Tensor) -> list[NoiseMap]:
        if isinstance(noise, str) and noise in ("const", "random", "none"):
            return []
        came = repr(noise) if isinstance(noise, str) else f"{len(noise)} maps"
        raise ValueError(
            f"StyleGAN3 has no noise, so noise must be 'const', 'random' or 'none', but {came} "
            "came; leave the argument out"
        )

    def _stage(self, stage: Stage, inputs: list[Tensor], w: Tensor, noise: NoiseMap) -> Tensor:
        output: Tensor = self.get_submodule(stage.name)(*inputs, w)
        return output * self.config.output_scale if stage.name == self.last else output

    def _feature(self, name: str, output: Tensor) -> Tensor:
        """Without the margin."""
        rate = next(layer.resolution for layer in self.layers if layer.name == name)
        margin = (output.shape[-1] - rate) // 2
        return output[..., margin : margin + rate, margin : margin + rate]


class StyleGAN3Generator(GeneratorBase):
    """Mapping and synthesis together, called as `smis_core.networks.Generator` is.

    `synthesis.input.transform` `[3, 3]` turns and moves the picture.

    Args:
        config: what it is.
    """

    config: StyleGAN3Config
    synthesis: StyleGAN3Synthesis

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        self.synthesis = StyleGAN3Synthesis(config)
        self.mapping = MappingNetwork(
            z_dim=config.z_dim, c_dim=config.c_dim, w_dim=config.w_dim, num_ws=config.num_ws,
            num_layers=config.mapping_layers, w_avg_beta=config.w_avg_beta,
        )  # fmt: skip


def _group(sampling_rate: int) -> Group:
    # Half of a rate is room for the filters' transition: 16 holds about what 8² holds elsewhere.
    return "coarse" if sampling_rate <= 16 else "middle" if sampling_rate <= 64 else "fine"
