"""Reading what a generator knew while it painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..latents import WPlus
from ..networks.generator_base import GeneratorBase, SynthesisBase
from ..networks.stylegan2 import LayerInfo, NoiseChoice, SynthesisNetwork


@dataclass(frozen=True, eq=False)
class Reading:
    """A picture and the features that led to it."""

    image: Tensor
    """[N, 3, H, W] in about [-1, 1]"""
    features: Mapping[str, Tensor]
    """layer name → [N, C, h, w]"""


def convolution_layers(
    generator: GeneratorBase, *, max_resolution: int | None = None
) -> tuple[LayerInfo, ...]:
    """A generator's convolutions in order, up to a resolution (all by default)."""
    limit = max_resolution or generator.config.resolution
    return tuple(layer for layer in generator.synthesis.layers if layer.resolution <= limit)


def chosen_layers(
    generator: GeneratorBase,
    layers: Sequence[str] | None,
    *,
    max_resolution: int | None = None,
) -> tuple[LayerInfo, ...]:
    """Layers by their names, in the network's order.

    Args:
        layers: names such as "b4.conv1"; None: the convolutions up to `max_resolution`.

    Raises:
        ValueError: no name, or one that the generator does not have.
    """
    if layers is None:
        return convolution_layers(generator, max_resolution=max_resolution)
    there = [layer.name for layer in generator.synthesis.layers]
    if not layers or not set(layers) <= set(there):
        raise ValueError(
            f"layers: wanted some of {', '.join(there)}, got {', '.join(layers) or 'none'}"
        )
    return tuple(layer for layer in generator.synthesis.layers if layer.name in layers)


def synthesis_to(generator: GeneratorBase, layers: Sequence[str]) -> SynthesisBase:
    """The part of a generator's synthesis that leads to layers; see `shallow_synthesis`."""
    finest = max(each.resolution for each in generator.synthesis.layers if each.name in layers)
    sizes = [each for each in generator.config.resolutions[1:] if each >= finest]
    return shallow_synthesis(generator, min(sizes, default=generator.config.resolution))


def shallow_synthesis(generator: GeneratorBase, resolution: int) -> SynthesisBase:
    """A generator's synthesis up to a resolution, sharing its weights.

    Layout is decided long before the last block, which costs as much as all others together: what
    reads features up to 64² need not paint the rest. Only a skip generator has a picture at every
    resolution, so others come back
    whole.

    Args:
        resolution: the last block to run.

    Returns:
        A network whose pictures have that size and that takes the first `num_ws` rows of W+.

    Raises:
        ValueError: the generator has no such block.
    """
    synthesis = generator.synthesis
    config = synthesis.config
    if resolution not in config.resolutions[1:]:
        raise ValueError(
            f"resolution: wanted one of {', '.join(map(str, config.resolutions[1:]))}, got"
            f" {resolution}"
        )
    if (
        resolution == config.resolution
        or not isinstance(synthesis, SynthesisNetwork)
        or synthesis.config.architecture != "skip"
    ):
        return synthesis
    shallow = SynthesisNetwork(replace(synthesis.config, resolution=resolution))
    for block in shallow.config.resolutions:
        shallow.add_module(f"b{block}", synthesis.get_submodule(f"b{block}"))
    return shallow.train(synthesis.training)


def read_features(
    generator: GeneratorBase | SynthesisBase,
    wplus: WPlus | Tensor,  # [N, L, w]; a shallow network takes its first rows
    layers: Sequence[str],
    *,
    noise: NoiseChoice | Sequence[Tensor] = "const",
) -> Reading:
    """Synthesises, and keeps what left the named layers.

    Args:
        generator: a generator, or its synthesis (see `shallow_synthesis`).
        layers: names such as "b4.conv1"; `convolution_layers` lists them.
        noise: as `SynthesisNetwork.forward` takes it.

    Raises:
        ValueError: a layer that the generator does not have, or no layer.
    """
    if not layers:
        raise ValueError("layers: wanted at least one layer name, got none")
    synthesis: SynthesisBase = (
        generator.synthesis if isinstance(generator, GeneratorBase) else generator
    )
    ws = wplus.tensor if isinstance(wplus, WPlus) else wplus
    drawn = synthesis(ws[:, : synthesis.num_ws], noise=noise, features=tuple(layers))
    return Reading(*drawn)


def sample_ws(
    generator: GeneratorBase,
    count: int,
    *,
    rng: torch.Generator,
    truncation_psi: float = 1.0,
) -> Tensor:
    """Rows of W+ of pictures drawn from noise.

    Args:
        rng: a CPU generator; the same state gives the same latents on every device.

    Returns:
        [count, num_ws, w_dim] on the generator's device.
    """
    z = torch.randn(count, generator.config.z_dim, generator=rng)
    device = generator.mapping.w_avg.device
    ws: Tensor = generator.mapping(z.to(device), truncation_psi=truncation_psi)
    return ws


def restyle(
    generator: GeneratorBase,
    ws: Tensor,  # [N, L, w]
    *,
    mix_from: int,
    rng: torch.Generator,
    keep: float = 0.25,
) -> Tensor:
    """Another random style from a random row on, `mix_from` or later; a share `keep` stays as it
    was.

    Returns:
        [N, L, w], a new tensor.
    """
    count, rows = ws.shape[:2]
    others = sample_ws(generator, count, rng=rng).to(ws.dtype)
    start = torch.randint(mix_from, rows, (count, 1), generator=rng)
    start = torch.where(torch.rand(count, 1, generator=rng) < keep, rows, start)
    swapped = (torch.arange(rows)[None] >= start).to(ws.device)
    return torch.where(swapped[..., None], others, ws)


def seeded_noise(
    synthesis: SynthesisBase, count: int, rng: torch.Generator
) -> NoiseChoice | list[Tensor]:
    """Fresh noise for `read_features`, which depends on the random state alone.

    Returns:
        A map for each layer; "const" for a network that takes none (StyleGAN3).
    """
    if not synthesis.takes_noise:
        return "const"
    device = next(synthesis.parameters()).device
    return [
        torch.randn(count, 1, layer.resolution, layer.resolution, generator=rng).to(device)
        for layer in synthesis.layers
    ]


def first_fine_row(generator: GeneratorBase) -> int:
    """The first row of W+ whose layers only change colours and texture.

    A generator too small to have fine layers gives its last row.
    """
    rows = [layer.w_row for layer in generator.synthesis.layers if layer.group == "fine"]
    return min(rows, default=generator.num_ws - 1)
