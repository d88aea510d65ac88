"""The generator of the first StyleGAN (Karras et al. 2019), as it is when fully grown.

Parameters, by name:

- `mapping.fc{i}.weight`, `mapping.fc{i}.bias`, `mapping.w_avg`, and `mapping.label_weight` of
  conditional networks;
- `synthesis.b4.const` (input), `synthesis.b4.conv1`, then `synthesis.b{r}.conv0` (twice the side)
  and `synthesis.b{r}.conv1`. Each has `noise_const`, `noise_strength`, `bias` and `affine`, which
  gives scales (less 1) and then shifts; all but a learned constant have a `weight`;
- `synthesis.torgb`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .foreign_configs import StyleGAN1Config
from .generator_base import GeneratorBase, Stage, SynthesisBase
from .layers import NoiseMap
from .stylegan1_layers import ConvLayer, InputLayer, ToRGB, UpConvLayer
from .stylegan2 import Group, LayerInfo, MappingNetwork


class JointMappingNetwork(MappingNetwork):
    """z and class to w, where both are concatenated first and then normalised together.

    Conditional networks of StyleGAN and of StyleGAN2 in its first form read their class in this
    way: one bias-free row a class, as long as z. Without classes it is a `MappingNetwork`.

    Args:
        z_dim: width of z.
        c_dim: number of classes; 0 for none.
        w_dim, num_ws, num_layers, w_avg_beta: as in `MappingNetwork`.
    """

    def __init__(
        self,
        *,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        num_ws: int,
        num_layers: int,
        w_avg_beta: float,
    ) -> None:
        super().__init__(
            z_dim=2 * z_dim if c_dim else z_dim, c_dim=0, w_dim=w_dim, num_ws=num_ws,
            num_layers=num_layers, w_avg_beta=w_avg_beta,
        )  # fmt: skip
        self.label_weight = nn.Parameter(torch.randn(c_dim, z_dim)) if c_dim else None

    def forward(
        self,
        z: Tensor | None,  # [N, z_dim]
        c: Tensor | None = None,  # [N, c_dim]
        **options: Any,
    ) -> Tensor:
        """As `MappingNetwork.forward`."""
        if self.label_weight is None:
            return super().forward(z, **options)
        c_dim, z_dim = self.label_weight.shape
        for name, given, width in (("z", z, z_dim), ("c", c, c_dim)):
            if given is None or given.ndim != 2 or given.shape[1] != width:
                came = "nothing" if given is None else f"{[*given.shape]}"
                raise ValueError(f"{name} must be [N, {width}] for this network, but {came} came")
        assert z is not None
        assert c is not None
        with torch.autocast(z.device.type, enabled=False):
            joint = torch.cat([z.float(), c.float() @ self.label_weight], dim=1)
        return super().forward(joint, **options)


class StyleGAN1Synthesis(SynthesisBase):
    """W+ to a picture, one row a layer."""

    config: StyleGAN1Config

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        layers: list[LayerInfo] = []
        for resolution in config.resolutions:
            channels = config.channels(resolution)
            block = nn.Module()
            if resolution == 4:
                first = "const"
                block.const = InputLayer(channels, w_dim=config.w_dim, learned=config.const_input)
            else:
                first = "conv0"
                block.conv0 = UpConvLayer(
                    config.channels(resolution // 2), channels,
                    w_dim=config.w_dim, resolution=resolution,
                )  # fmt: skip
            block.conv1 = ConvLayer(channels, channels, w_dim=config.w_dim, resolution=resolution)
            self.add_module(f"b{resolution}", block)
            group: Group = "coarse" if resolution <= 8 else "middle" if resolution <= 32 else "fine"
            for name in (first, "conv1"):
                path = f"b{resolution}.{name}"
                layers.append(LayerInfo(path, resolution, channels, len(layers), group))
        self.layers = tuple(layers)
        self.torgb = ToRGB(config.channels(config.resolution), config.img_channels)

        names = [layer.name for layer in layers]
        self.stages = (
            Stage(names[0], (), 0, 0),
            *(Stage(name, (names[i],), i + 1, i + 1) for i, name in enumerate(names[1:])),
            Stage("torgb", (names[-1],)),
        )
        self.pictures = {config.resolution: "torgb"}
        blocks = {f"b{resolution}": f"b{resolution}.conv1" for resolution in config.resolutions}
        self.taps = {name: name for name in names} | blocks

    def _stage(self, stage: Stage, inputs: list[Tensor], w: Tensor, noise: NoiseMap) -> Tensor:
        output: Tensor
        if stage.name == "torgb":
            output = self.torgb(*inputs)
        else:
            output = self.get_submodule(stage.name)(inputs[0] if inputs else None, w, noise)
        return output


class StyleGAN1Generator(GeneratorBase):
    """Mapping and synthesis together.

    Called as `smis_core.networks.Generator` is; noise has one map a layer, the input's first.

    Args:
        config: what it is.
    """

    config: StyleGAN1Config
    synthesis: StyleGAN1Synthesis

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        self.synthesis = StyleGAN1Synthesis(config)
        self.mapping = JointMappingNetwork(
            z_dim=config.z_dim, c_dim=config.c_dim, w_dim=config.w_dim, num_ws=config.num_ws,
            num_layers=config.mapping_layers, w_avg_beta=config.w_avg_beta,
        )  # fmt: skip
