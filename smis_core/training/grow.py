"""Doubling the resolution of trained networks without losing what they know."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import overload

import torch
from torch import nn

from smis_core.networks.configs import StridedConfig
from smis_core.networks.discriminator import Discriminator
from smis_core.networks.strided import AnyDiscriminator, StridedDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.training.options import GanOptions
from smis_core.training.randomness import seeded
from smis_core.training.state import GanState, differences, set_moments

_SILENT: dict[type[nn.Module], str] = {
    Generator: "synthesis.b{new}.torgb",
    Discriminator: "b{new}.conv1",
    StridedDiscriminator: "halving.{old}",
}
"""The layer of a grown network through which what is new reaches what was there."""


@overload
def grow(network: Generator, resolution: int) -> Generator: ...
@overload
def grow(network: AnyDiscriminator, resolution: int) -> AnyDiscriminator: ...
def grow(network: Generator | AnyDiscriminator, resolution: int) -> Generator | AnyDiscriminator:
    """The same network with one more resolution, which at first changes nothing.

    The generator gives its former pictures, upsampled: the new ToRGB is zero, and what it reads
    is not, so that it learns at once and the new convolutions after it. The discriminator gives
    the logits of the pictures downsampled: what leaves its new layers is multiplied by zero, and
    what enters them is not.

    Args:
        network: strided, or of the skip architecture: one with a picture at every resolution.
        resolution: twice the network's.

    Returns:
        A new network; the argument is left as it was.

    Raises:
        ValueError: another architecture, or another resolution.
    """
    config = network.config
    if not isinstance(config, StridedConfig) and config.architecture != "skip":
        raise ValueError(
            f"only strided discriminators and networks of the 'skip' architecture can be grown; "
            f"this one is {config.architecture!r}"
        )
    if resolution != 2 * config.resolution:
        raise ValueError(
            f"a network grows by one resolution: from {config.resolution} to "
            f"{2 * config.resolution}, but {resolution} was asked for"
        )
    grown = type(network)(replace(network.config, resolution=resolution))  # type: ignore[arg-type]
    missing, unexpected = grown.load_state_dict(network.state_dict(), strict=False)
    silent = _SILENT[type(network)].format(new=resolution, old=network.config.resolution)
    fresh = (f"b{resolution}.", f"fromrgb.{resolution}.", f"{silent}.")
    strange = [name for name in missing if not any(mark in name for mark in fresh)] + unexpected
    if strange:
        raise ValueError(f"the grown network does not contain the former one: {strange}")
    with torch.no_grad():
        for parameter in grown.get_submodule(silent).parameters(recurse=False):
            parameter.zero_()
    return grown


def grown(state: GanState, options: GanOptions, device: torch.device) -> GanState:
    """The beginning of a training at twice the resolution from the end of a former one.

    What the optimisers know of the tensors that stay is carried over; counters start at 0.

    Args:
        state: the former training.
        options: of the new one.
        device: where the networks go.

    Raises:
        ValueError: the options describe other networks than the grown ones.
    """
    with seeded("grown", options.seed, device=torch.device("cpu")):
        generator = grow(state.generator, options.resolution)
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
        for key, parameter in network.named_parameters():
            if key in networks[name] and parameter in optimizer.state:
                set_moments(optimizers[name], networks[name][key], optimizer.state[parameter])
    return fresh
