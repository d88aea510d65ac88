"""The StyleGAN2 generator (Karras et al. 2020).

Parameters are named as in the published PyTorch networks, so that their state loads as it is.
Everything runs in the dtype of the weights, or in bfloat16 under `torch.autocast`; pictures,
dense layers and demodulation stay in float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..ops import folds_styles, setup_filter, upsample2d
from .configs import Architecture, GeneratorConfig
from .generator_base import GeneratorBase, Stage, SynthesisBase
from .layers import Conv2dLayer, FullyConnectedLayer, NoiseMap, SynthesisLayer, ToRGBLayer

NoiseChoice = Literal["const", "random", "none"]
Group = Literal["coarse", "middle", "fine"]


@dataclass(frozen=True)
class LayerInfo:
    """A convolution of the synthesis network."""

    name: str
    """Its path and the name of its feature: "b8.conv0"."""
    resolution: int
    channels: int
    w_row: int
    """The row of W+ that modulates it. The ToRGB of a resolution reads the row after its conv1."""
    group: Group
    """"coarse" up to 8², "middle" up to 32², "fine" above."""


class MappingNetwork(nn.Module):
    """z and class to w (StyleGAN, section 2), or a class alone to its projection.

    Args:
        z_dim: width of z; 0 for none.
        c_dim: number of classes; 0 for none.
        w_dim: width of the result and of what lies between.
        num_ws: how often w is repeated; None leaves `[N, w_dim]` and has no truncation.
        num_layers: dense layers.
        w_avg_beta: decay of the running average of w.
    """

    w_avg: Tensor

    def __init__(
        self,
        *,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        num_ws: int | None,
        num_layers: int,
        w_avg_beta: float = 0.998,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.num_ws = z_dim, c_dim, num_ws
        self.num_layers, self.w_avg_beta = num_layers, w_avg_beta
        if c_dim:
            self.embed = FullyConnectedLayer(c_dim, w_dim)
        for i in range(num_layers):
            width = w_dim if i else z_dim + (w_dim if c_dim else 0)
            layer = FullyConnectedLayer(width, w_dim, activation="lrelu", lr_multiplier=0.01)
            self.add_module(f"fc{i}", layer)
        if num_ws is not None:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(
        self,
        z: Tensor | None,  # [N, z_dim]
        c: Tensor | None = None,  # [N, c_dim]
        *,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_w_avg: bool = False,
    ) -> Tensor:
        """Map.

        Args:
            z: standard normal; None where the network has no z.
            c: one-hot classes; None where the network has none.
            truncation_psi: 1 keeps w, 0 gives the average.
            truncation_cutoff: rows that are truncated, counted from the coarsest; None is all.
            update_w_avg: move the running average towards this batch first (training).

        Returns:
            `[N, num_ws, w_dim]`, or `[N, w_dim]` where num_ws is None.

        Raises:
            ValueError: z or c is missing or has another shape.
        """
        parts = []
        if self.z_dim:
            parts.append(_normalise(_checked("z", z, self.z_dim)))
        if self.c_dim:
            parts.append(_normalise(self.embed(_checked("c", c, self.c_dim))))
        w = torch.cat(parts, dim=1)
        for i in range(self.num_layers):
            w = self.get_submodule(f"fc{i}")(w)
        if self.num_ws is None:
            return w
        if update_w_avg:
            self.w_avg.copy_(w.detach().mean(dim=0).lerp(self.w_avg, self.w_avg_beta))
        ws = w[:, None].repeat(1, self.num_ws, 1)
        if truncation_psi == 1:
            return ws
        near = self.w_avg.lerp(ws[:, :truncation_cutoff], truncation_psi)
        return torch.cat([near, ws[:, near.shape[1] :]], dim=1)


class SynthesisBlock(nn.Module):
    """The layers of one resolution: conv0 on the way up (not at 4²), conv1, ToRGB."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,  # 0 at 4²
        out_channels: int,
        *,
        w_dim: int,
        resolution: int,
        img_channels: int,
        is_last: bool,
        architecture: Architecture,
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        self.resolution, self.architecture, self.in_channels = resolution, architecture, in_channels
        self.has_rgb = is_last or architecture == "skip"
        self.has_skip = bool(in_channels) and architecture == "resnet"
        self.gain = 0.5**0.5 if self.has_skip else 1.0
        self.register_buffer("resample_filter", setup_filter())
        if not in_channels:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(
                in_channels, out_channels, w_dim=w_dim, resolution=resolution, up=2,
                conv_clamp=conv_clamp,
            )  # fmt: skip
        self.conv1 = SynthesisLayer(
            out_channels, out_channels, w_dim=w_dim, resolution=resolution, conv_clamp=conv_clamp
        )
        if self.has_rgb:
            self.torgb = ToRGBLayer(out_channels, img_channels, w_dim=w_dim, conv_clamp=conv_clamp)
        if self.has_skip:
            self.skip = Conv2dLayer(in_channels, out_channels, 1, bias=False, up=2)

    def stages(self, x: str | None, img: str | None, *, row: int) -> list[Stage]:
        """Its steps, by what comes in and by the first row of W+ and noise map that it reads."""
        name = f"b{self.resolution}"
        convs = ("conv1",) if x is None else ("conv0", "conv1")
        steps = []
        last = x
        for conv in convs:
            steps.append(Stage(f"{name}.{conv}", (last,) if last else (), row, row))
            last = f"{name}.{conv}"
            row += 1
        assert last is not None
        if self.has_skip and x is not None:
            steps += [Stage(f"{name}.skip", (x,)), Stage(name, (f"{name}.skip", last))]
            last = name
        if self.has_rgb:
            steps.append(Stage(f"{name}.torgb", (last, img) if img else (last,), row))
        return steps

    def forward(self, part: str, inputs: list[Tensor], w: Tensor, noise: NoiseMap) -> Tensor:
        """One of its `stages`."""
        output: Tensor
        if part == "torgb":
            output = self.torgb(inputs[0], w)
            return upsample2d(inputs[1], self.resample_filter) + output if inputs[1:] else output
        if part == "conv0":
            output = self.conv0(inputs[0], w, noise)
        elif part == "conv1":
            output = self.conv1(
                inputs[0] if inputs else self._input(len(w)), w, noise, gain=self.gain
            )
        elif part == "skip":
            output = self.skip(inputs[0], gain=self.gain)
        else:
            output = inputs[0] + inputs[1]
        return output

    def convolutions(
        self,
        x: Tensor,
        ws: Sequence[Tensor],  # of conv0 and of conv1
        noises: Sequence[NoiseMap],
    ) -> Tensor:
        """conv1 after conv0, whose epilogue puts on conv1's styles."""
        styles = self.conv1.affine(ws[1])
        x = self.conv0(x, ws[0], noises[0], next_styles=styles)
        y: Tensor = self.conv1(x, ws[1], noises[1], gain=self.gain, styled_by=styles)
        return y

    def _input(self, count: int) -> Tensor:
        x = self.const.expand(count, -1, -1, -1)
        return x.contiguous(memory_format=torch.channels_last)


class SynthesisNetwork(SynthesisBase):
    """W+ to a picture: a row for each convolution and the last ToRGB, a noise map for each
    convolution; features are named by layer ("b8.conv0") or block ("b8")."""

    config: GeneratorConfig

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        stages: list[Stage] = []
        self.pictures, self.taps = {}, {}
        x: str | None = None
        for resolution in config.resolutions:
            name = f"b{resolution}"
            block = SynthesisBlock(
                config.channels(resolution // 2) if resolution > 4 else 0,
                config.channels(resolution),
                w_dim=config.w_dim,
                resolution=resolution,
                img_channels=config.img_channels,
                is_last=resolution == config.resolution,
                architecture=config.architecture,
                conv_clamp=config.conv_clamp,
            )
            self.add_module(name, block)
            img = self.pictures.get(resolution // 2)
            stages += block.stages(x, img, row=2 * resolution.bit_length() - 7 if x else 0)
            x = name if block.has_skip else f"{name}.conv1"
            self.taps |= {s.name: s.name for s in stages if s.noise is not None} | {name: x}
            if block.has_rgb:
                self.pictures[resolution] = stages[-1].name
        self.stages = tuple(stages)
        convs = [stage for stage in stages if stage.noise is not None]
        self.layers = tuple(self._describe(stage.name, row) for row, stage in enumerate(convs))

    def _describe(self, name: str, row: int) -> LayerInfo:
        resolution = int(name[1:].split(".")[0])
        group: Group = "coarse" if resolution <= 8 else "middle" if resolution <= 32 else "fine"
        return LayerInfo(name, resolution, self.config.channels(resolution), row, group)

    def _stage(self, stage: Stage, inputs: list[Tensor], w: Tensor, noise: NoiseMap) -> Tensor:
        name, _, part = stage.name.partition(".")
        output: Tensor = self.get_submodule(name)(part, inputs, w, noise)
        return output

    def _pair(
        self,
        stage: Stage,
        follower: Stage,
        inputs: list[Tensor],
        rows: Sequence[Tensor],
        noises: Sequence[NoiseMap],
    ) -> Tensor | None:
        name, _, part = stage.name.partition(".")
        if part != "conv0" or follower.name != f"{name}.conv1" or not folds_styles(inputs[0]):
            return None
        ws = [rows[each.w_row] for each in (stage, follower) if each.w_row is not None]
        maps = [noises[each.noise] for each in (stage, follower) if each.noise is not None]
        block = self.get_submodule(name)
        assert isinstance(block, SynthesisBlock)
        return block.convolutions(inputs[0], ws, maps)


class Generator(GeneratorBase):
    """Mapping and synthesis together."""

    config: GeneratorConfig
    synthesis: SynthesisNetwork

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.num_ws = config.num_ws
        self.synthesis = SynthesisNetwork(config)
        self.mapping = MappingNetwork(
            z_dim=config.z_dim, c_dim=config.c_dim, w_dim=config.w_dim, num_ws=config.num_ws,
            num_layers=config.mapping_layers, w_avg_beta=config.w_avg_beta,
        )  # fmt: skip


def _normalise(x: Tensor) -> Tensor:
    x = x.float()
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


def _checked(name: str, given: Tensor | None, width: int) -> Tensor:
    if given is None or given.ndim != 2 or given.shape[1] != width:
        came = "nothing" if given is None else f"{[*given.shape]}"
        raise ValueError(f"{name} must be [N, {width}] for this network, but {came} came")
    return given
