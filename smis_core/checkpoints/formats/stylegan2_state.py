"""A StyleGAN2's configuration, read off the shapes of its state (Karras et al. 2020, figure 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from ...networks.configs import Architecture, DiscriminatorConfig, GeneratorConfig
from ...networks.discriminator import Discriminator
from ...networks.stylegan2 import Generator
from .assemble import Unfit, assemble, fill_average, pyramid

Config = TypeVar("Config", GeneratorConfig, DiscriminatorConfig)

GENERATOR = "StyleGAN2 generator"
DISCRIMINATOR = "StyleGAN2 discriminator"


def is_generator(state: Mapping[str, Any]) -> bool:
    """Whether names are those of a generator of the published PyTorch networks."""
    return any(name.startswith("synthesis.b4.") for name in state)


def is_discriminator(state: Mapping[str, Any]) -> bool:
    """Whether names are those of a discriminator of the published PyTorch networks."""
    return any(name.startswith(("b4.fc.", "b4.out.")) for name in state)


def load_generator_state(
    state: dict[str, Tensor],
    *,
    conv_clamp: float | None = None,
    channel_base: int | None = None,
    w_avg_beta: float | None = None,
    notes: list[str],
) -> Generator:
    """A generator from its state under the published names.

    Args:
        state: tensors; what is missing without harm is added.
        conv_clamp: which no shape shows.
        channel_base: as stated by the file, taken where it fits the widths.
        w_avg_beta: of the mapping network, where known.
        notes: receives what had to be made up.

    Raises:
        Unfit: a layer is missing, or shapes contradict each other.
    """
    config = generator_config(
        state, conv_clamp=conv_clamp, channel_base=channel_base, w_avg_beta=w_avg_beta
    )
    _add_noises(state, config, notes)
    has_average = "mapping.w_avg" in state
    if not has_average:
        state["mapping.w_avg"] = torch.zeros(config.w_dim)
    generator = assemble(lambda: Generator(config), state, what=GENERATOR)
    if not has_average:
        fill_average(generator, notes)
    return generator


def generator_config(
    state: Mapping[str, Tensor],
    *,
    conv_clamp: float | None = None,
    channel_base: int | None = None,
    w_avg_beta: float | None = None,
) -> GeneratorConfig:
    """The configuration behind a generator's state; arguments as in `load_generator_state`.

    Raises:
        Unfit: as there.
    """
    resolutions = _resolutions(state, r"synthesis\.b(\d+)\.", GENERATOR)
    resolution = resolutions[-1]
    widths = {
        r: _shape(state, f"synthesis.b{r}.conv1.weight", 4, GENERATOR)[0] for r in resolutions
    }
    base, widest = pyramid(widths, base=channel_base, what=GENERATOR)
    w_dim = _shape(state, "synthesis.b4.conv1.affine.weight", 2, GENERATOR)[1]
    layers = _mapping_layers(state, GENERATOR)
    c_dim = state["mapping.embed.weight"].shape[1] if "mapping.embed.weight" in state else 0
    width = _shape(state, "mapping.fc0.weight", 2, GENERATOR)[1]
    architecture: Architecture = "orig"
    if any(f"synthesis.b{r}.skip.weight" in state for r in resolutions):
        architecture = "resnet"
    elif any(f"synthesis.b{r}.torgb.weight" in state for r in resolutions[:-1]):
        architecture = "skip"
    torgb = _shape(state, f"synthesis.b{resolution}.torgb.weight", 4, GENERATOR)
    return _made(
        GeneratorConfig,
        resolution=resolution,
        img_channels=torgb[0],
        z_dim=width - (w_dim if c_dim else 0),
        w_dim=w_dim,
        c_dim=c_dim,
        mapping_layers=layers,
        channel_base=base,
        channel_max=widest,
        architecture=architecture,
        conv_clamp=conv_clamp,
        **({} if w_avg_beta is None else {"w_avg_beta": w_avg_beta}),
    )


def load_discriminator_state(
    state: dict[str, Tensor],
    *,
    conv_clamp: float | None = None,
    channel_base: int | None = None,
    group_size: int | None = None,
) -> Discriminator:
    """A discriminator from its state under the published names.

    Args:
        state: tensors.
        conv_clamp: which no shape shows.
        channel_base: as stated by the file, taken where it fits the widths.
        group_size: of the minibatch standard deviation; None is 4.

    Raises:
        Unfit: a layer is missing, or shapes contradict each other.
    """
    what = DISCRIMINATOR
    resolutions = _resolutions(state, r"b(\d+)\.", what)
    widths = {4: _shape(state, "b4.fc.weight", 2, what)[0]}
    widths |= {r: _shape(state, f"b{r}.conv0.weight", 4, what)[0] for r in resolutions[1:]}
    base, widest = pyramid(widths, base=channel_base, what=what)
    architecture: Architecture = "orig"
    if any(f"b{r}.skip.weight" in state for r in resolutions):
        architecture = "resnet"
    elif "b4.fromrgb.weight" in state:
        architecture = "skip"
    c_dim = state["mapping.embed.weight"].shape[1] if "mapping.embed.weight" in state else 0
    statistics = _shape(state, "b4.conv.weight", 4, what)[1] - widths[4]
    fromrgb = _shape(state, f"b{resolutions[-1]}.fromrgb.weight", 4, what)
    config = _made(
        DiscriminatorConfig,
        resolution=resolutions[-1],
        img_channels=fromrgb[1],
        c_dim=c_dim,
        channel_base=base,
        channel_max=widest,
        architecture=architecture,
        conv_clamp=conv_clamp,
        mbstd_group_size=(group_size or 4) if statistics else 1,
        mbstd_channels=max(statistics, 1),
        cmap_dim=_shape(state, "b4.out.weight", 2, what)[0] if c_dim else None,
        **({"mapping_layers": _mapping_layers(state, what)} if c_dim else {}),
    )
    return assemble(lambda: Discriminator(config), state, what=what)


def _add_noises(state: dict[str, Tensor], config: GeneratorConfig, notes: list[str]) -> None:
    """Trainings without noise leave its maps and strengths out: a strength of 0 is the same."""
    absent = False
    for resolution in config.resolutions:
        for conv in ("conv0", "conv1")[resolution == 4 :]:
            name = f"synthesis.b{resolution}.{conv}"
            if f"{name}.noise_strength" not in state and f"{name}.noise_const" not in state:
                absent = True
                state[f"{name}.noise_strength"] = torch.zeros([])
                state[f"{name}.noise_const"] = torch.zeros(resolution, resolution)
    if absent:
        notes.append("the network was trained without noise in some layers: it stays off there")


def _resolutions(state: Mapping[str, Tensor], pattern: str, what: str) -> list[int]:
    found = sorted({int(match[1]) for name in state if (match := re.match(pattern, name))})
    whole = [2**k for k in range(2, 2 + len(found))]
    if len(found) < 2 or found != whole:
        missing = sorted({2**k for k in range(2, (found or [8])[-1].bit_length())} - {*found})
        raise Unfit(
            f"this {what} lacks its layers at {', '.join(f'{r}²' for r in missing) or '8²'} (there "
            f"are {', '.join(f'{r}²' for r in found) or 'none'}): the file was cut down; get a "
            "whole one from where it came from"
        )
    return found


def _mapping_layers(state: Mapping[str, Tensor], what: str) -> int:
    found = sorted(
        int(match[1])
        for name in state
        if (match := re.fullmatch(r"mapping\.fc(\d+)\.weight", name))
    )
    if not found or found != [*range(len(found))]:
        absent = next(i for i in range(len(found) + 1) if i not in found)
        raise Unfit(
            f"this {what} lacks mapping.fc{absent}.weight: the file was cut down; get a whole one "
            "from where it came from"
        )
    return len(found)


def _shape(state: Mapping[str, Tensor], name: str, ndim: int, what: str) -> tuple[int, ...]:
    if name not in state:
        raise Unfit(
            f"this {what} lacks {name}: the file was cut down or is of a variant that SMIS does "
            "not know; get a whole one from where it came from"
        )
    if state[name].ndim != ndim:
        raise Unfit(
            f"{name} of this {what} has {state[name].ndim} dimensions, {ndim} were wanted: the "
            "file is damaged or of a variant that SMIS does not know"
        )
    return tuple(state[name].shape)


def _made(config: type[Config], **values: Any) -> Config:
    try:
        return config(**values)
    except ValueError as problem:
        raise Unfit(f"the shapes in this file contradict each other: {problem}") from None
