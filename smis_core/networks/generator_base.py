"""What generators of every family share: how they are called and what they say of their layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..ops.graphs import run_graphed

if TYPE_CHECKING:
    from .foreign_configs import AnyGeneratorConfig
    from .layers import NoiseMap
    from .stylegan2 import LayerInfo, MappingNetwork, NoiseChoice

Keep = Callable[[str, Tensor], None]
"""Takes the name and the output of a stage."""


@dataclass(frozen=True)
class Stage:
    """A step of a synthesis. What it reads decides when it has to be run again."""

    name: str
    inputs: tuple[str, ...] = ()
    """Stages whose outputs it takes, in the order of its arguments."""
    w_row: int | None = None
    """The row of W+ that it reads."""
    noise: int | None = None
    """Which of the noise maps it adds."""


class SynthesisBase(nn.Module):
    """W+ to a picture, in stages.

    A family sets the attributes and defines `_stage`. Stages say what they read, so that one
    evaluator serves the full pass and whoever already holds the outputs of some of them.

    Attributes:
        config: the generator's.
        num_ws: rows of W+.
        layers: the layers that rows of W+ modulate, coarsest first, without ToRGB.
        stages: all that is computed; each comes after those whose outputs it takes.
        pictures: stages that give a picture, by its side in pixels, the whole one last.
        taps: names of features, and the stages whose outputs they are.
        takes_noise: whether its layers add noise maps.
    """

    takes_noise = True
    config: AnyGeneratorConfig
    num_ws: int
    layers: tuple[LayerInfo, ...]
    stages: tuple[Stage, ...]
    pictures: Mapping[int, str]
    taps: Mapping[str, str]

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
        self.check_ws(ws)
        if unknown := sorted(set(features) - set(self.taps)):
            known = ", ".join(sorted(self.taps))
            raise ValueError(f"features must be among {known}, but came with {unknown}")
        noises = self.noise_maps(noise, ws)
        picture = self.stages[-1].name
        if not features:

            def draw(ws: Tensor, *maps: Tensor) -> Tensor:
                output = self.run([picture], ws, maps or noises)[picture]
                return output.float().contiguous()

            # Stored maps are weights; others are inputs.
            maps = [] if noise in ("const", "none") else [*noises]
            key = noise if isinstance(noise, str) else "maps"
            return run_graphed(self, draw, [ws, *(each for each in maps if each is not None)],
                               key=key)  # fmt: skip
        outputs = self.run([picture, *(self.taps[name] for name in features)], ws, noises)
        taps = {name: self._feature(name, outputs[self.taps[name]]) for name in features}
        return outputs[picture].float().contiguous(), taps

    def run(
        self,
        wanted: Sequence[str],
        ws: Tensor,  # [N, num_ws, w_dim]
        noises: Sequence[NoiseMap],
        *,
        held: Mapping[str, Tensor] | None = None,
        keep: Keep | None = None,
    ) -> dict[str, Tensor]:
        """Run the stages that what is wanted depends on, except those that are held.

        Args:
            wanted: names of stages.
            ws: codes, as `check_ws` wants them.
            noises: what `noise_maps` gives.
            held: outputs of stages from the same codes and noise; they are not written to.
            keep: is given the output of every stage that runs.

        Returns:
            The wanted outputs by name. Others are let go as soon as nothing reads them any more.
        """
        held = held or {}
        due = self._due(wanted, held)
        readers = Counter([*wanted, *(name for stage in due for name in stage.inputs)])
        rows = ws.unbind(dim=1)
        outputs: dict[str, Tensor] = {}
        for stage, follower in zip(due, [*due[1:], None], strict=False):
            if stage.name in outputs:
                continue  # drawn together with the one before it
            inputs = [outputs[name] if name in outputs else held[name] for name in stage.inputs]
            both, alone = None, readers[stage.name] == 1 and not keep
            if follower and alone and stage.name in follower.inputs:
                both = self._pair(stage, follower, inputs, rows, noises)
            if follower and both is not None:
                outputs[follower.name] = both
            else:
                w = rows[0 if stage.w_row is None else stage.w_row]
                noise = None if stage.noise is None else noises[stage.noise]
                outputs[stage.name] = self._stage(stage, inputs, w, noise)
                if keep:
                    keep(stage.name, outputs[stage.name])
            readers.subtract(stage.inputs)
            for name in stage.inputs:
                if not readers[name]:
                    outputs.pop(name, None)
        return {name: outputs[name] if name in outputs else held[name] for name in wanted}

    def check_ws(self, ws: Tensor) -> None:
        """Raise ValueError for codes of another shape than `[N, num_ws, w_dim]`."""
        config = self.config
        if ws.ndim != 3 or ws.shape[1:] != (self.num_ws, config.w_dim):
            raise ValueError(
                f"ws must be [N, {self.num_ws}, {config.w_dim}] for this generator of "
                f"{config.resolution}², but is {[*ws.shape]}"
            )

    def _due(self, wanted: Sequence[str], held: Mapping[str, Tensor]) -> list[Stage]:
        missing = set(wanted) - held.keys()
        due = []
        for stage in reversed(self.stages):
            if stage.name in missing:
                due.append(stage)
                missing.update(set(stage.inputs) - held.keys())
        return due[::-1]

    def _stage(
        self,
        stage: Stage,
        inputs: list[Tensor],
        w: Tensor,  # [N, w_dim]; the first row where the stage reads none
        noise: NoiseMap,
    ) -> Tensor:
        raise NotImplementedError("a family of generators defines _stage")

    def _pair(
        self,
        stage: Stage,
        follower: Stage,
        inputs: list[Tensor],
        rows: Sequence[Tensor],
        noises: Sequence[NoiseMap],
    ) -> Tensor | None:
        """The output of a stage that alone reads another one's, both drawn together where that is
        faster; None where it is not."""
        return None

    def _feature(self, name: str, output: Tensor) -> Tensor:
        """What a stage's output is as a feature."""
        return output

    def noise_maps(self, noise: NoiseChoice | Sequence[Tensor], ws: Tensor) -> list[NoiseMap]:
        """One map a layer, or None; arguments and errors as in `forward`."""
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
            side = layer.resolution
            if given.shape[-2:] != (side, side):
                raise ValueError(
                    f"the noise of {layer.name} must be {side}² but is {[*given.shape]}"
                )
            if given.shape[:-2] not in ((), (1,), (1, 1), (len(ws), 1)):
                raise ValueError(
                    f"the noise of {layer.name} must broadcast to {[len(ws), 1, side, side]}, but "
                    f"is {[*given.shape]}"
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
