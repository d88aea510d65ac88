"""Doubling the resolution of trained networks without losing what they know."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import overload

import torch
from torch import nn

from smis_core.networks.discriminator import Discriminator
from smis_core.networks.strided import AnyDiscriminator, StridedDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.training.options import GanOptions
from smis_core.training.randomness import seeded
from smis_core.training.state import GanState, differences, set_moments


@overload
def grow(network: Generator, resolution: int) -> Generator: ...
@overload
def grow(network: Discriminator, resolution: int) -> Discriminator: ...
def grow(network: Generator | Discriminator, resolution: int) -> Generator | Discriminator:
    """The same network with one more resolution, which at first changes nothing.

    The generator gives its former pictures, upsampled: the new ToRGB is zero, and what it reads
    is not, so that it learns at once and the new convolutions after it. The discriminator gives
    the logits of the pictures downsampled: the new block's last convolution is zero, and what
    enters it is not.

    Args:
        network: of the skip architecture, the one with a picture at every resolution.
        resolution: twice the network's.

    Returns:
        A new network; the argument is left as it was.

    Raises:
        ValueError: another architecture, or another resolution.
    """
    config = network.config
    if config.architecture != "skip":
        raise ValueError(
            f"only networks of the 'skip' architecture can be grown; this one is "
            f"{config.architecture!r}"
        )
    if resolution != 2 * config.resolution:
        raise ValueError(
            f"a network grows by one resolution: from {config.resolution} to "
            f"{2 * config.resolution}, but {resolution} was asked for"
        )
    grown: Generator | Discriminator
    if isinstance(network, Generator):
        grown = Generator(replace(network.config, resolution=resolution))
    else:
        grown = Discriminator(replace(network.config, resolution=resolution))
    missing, unexpected = grown.load_state_dict(network.state_dict(), strict=False)
    block = f"b{resolution}."
    strange = [name for name in (*missing, *unexpected) if block not in name]
    if strange:
        raise ValueError(f"the grown network does not contain the former one: {strange}")
    top: nn.Module = getattr(
        grown.synthesis if isinstance(grown, Generator) else grown, f"b{resolution}"
    )
    silent = top.torgb if isinstance(grown, Generator) else top.conv1
    with torch.no_grad():
        for name in ("weight", "bias"):
            getattr(silent, name).zero_()
    return grown


def grown(state: GanState, options: GanOptions, device: torch.device) -> GanState:
    """The beginning of a training at twice the resolution from the end of a former one.

    What the optimisers know of the tensors that stay is carried over; counters start at 0. A
    strided discriminator starts afresh: its first layers see other pictures, and it learns in
    less time than it would take to forget.

    Args:
        state: the former training.
        options: of the new one.
        device: where the networks go.

    Raises:
        ValueError: the options describe other networks than the grown ones.
    """
    generator = grow(state.generator, options.resolution)
    if isinstance(state.discriminator, StridedDiscriminator):
        with seeded("grown", options.seed, device=torch.device("cpu")):
            config = replace(state.discriminator.config, resolution=options.resolution)
            discriminator: AnyDiscriminator = StridedDiscriminator(config)
    else:
        discriminator = grow(state.discriminator, options.resolution)
    if found := differences((generator.config, discriminator.config), options):
        raise ValueError(
            f"the options describe other networks than the grown ones: {found}; give the sizes "
            f"of the former training"
        )
    encoder = copy.deepcopy(state.encoder)
    fresh = GanState.around(options, generator, discriminator, encoder, device)
    fresh.average.load_state_dict(grow(state.average, options.resolution).state_dict())
    fresh.path_length = state.path_length
    fresh.grown_from = f"{state.options.resolution}², {state.pictures} pictures of {state.data}" + (
        f"; before that {state.grown_from}" if state.grown_from else ""
    )
    optimizers = {name: optimizer for name, _, optimizer in fresh.optimized()}
    networks = {name: dict(network.named_parameters()) for name, network, _ in fresh.optimized()}
    for name, network, optimizer in state.optimized():
        if isinstance(network, StridedDiscriminator):
            continue
        for key, parameter in network.named_parameters():
            if key in networks[name] and parameter in optimizer.state:
                set_moments(optimizers[name], networks[name][key], optimizer.state[parameter])
    return fresh
