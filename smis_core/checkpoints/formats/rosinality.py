"""The popular PyTorch port of StyleGAN2: a dict with `g_ema` and perhaps `latent_avg`.

Its networks compute what NVIDIA's do under other names; kernels need no turning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...networks.stylegan2 import Generator
from ..restricted.errors import shown
from .assemble import LARGEST_SIDE, Loaded, Unfit, tensors_of
from .stylegan2_state import load_generator_state

GENERATOR = "StyleGAN2 generator of the PyTorch port"
_MARK = "conv1.conv.modulation.weight"
_GENERATORS = ("g_ema", "g")
_PARTS = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "conv.blur.kernel": "resample_filter",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
    "bias": "bias",
}
_SCALE = 4  # the port keeps the gain of upsampling, 2², in its kernels


def is_state(state: object) -> bool:
    """Whether something is a state dict of the port's generator."""
    return isinstance(state, Mapping) and _MARK in state


def holds(content: object) -> bool:
    """Whether the content of a torch file is of this format."""
    return isinstance(content, Mapping) and (
        is_state(content) or any(is_state(content.get(name)) for name in _GENERATORS)
    )


def holds_discriminator(content: Mapping[Any, Any]) -> bool:
    """Whether the content of a torch file is the port's discriminator, or has one."""
    return any(
        isinstance(name, str) and name.startswith("final_linear.")
        for state in (content, content.get("d"))
        if isinstance(state, Mapping)
        for name in state
    )


def load(content: Mapping[str, Any]) -> Loaded:
    """The averaged generator in the content of a file.

    Args:
        content: with `g_ema` (or only `g`) and perhaps `latent_avg`; or the state dict itself.
            Optimisers, discriminator and arguments are not looked at.

    Raises:
        Unfit: a layer is missing or unknown, or shapes contradict each other.
    """
    notes: list[str] = []
    bare = is_state(content)
    name = "g_ema" if is_state(content.get("g_ema")) else "g"
    if not bare and name == "g":
        notes.append(
            "the file has no averaged generator (g_ema), so the one in training (g) is used"
        )
    state = content if bare else content[name]
    average = None if bare else content.get("latent_avg")
    generator = load_state(dict(state), average, notes)
    return Loaded(
        format="rosinality",
        generator=generator,
        latent_avg=generator.mapping.w_avg if average is None else average,
        notes=tuple(notes),
    )


def load_state(state: Mapping[str, Any], average: Any, notes: list[str]) -> Generator:
    """A generator from the port's state dict.

    Args:
        state: tensors by the port's names.
        average: `latent_avg`: [w_dim], [1, w_dim] or [num_ws, w_dim]; None computes it.
        notes: receives what had to be made up.

    Raises:
        Unfit: a layer is missing or unknown, or shapes contradict each other.
    """
    tensors = tensors_of(state, what=GENERATOR)
    ours: dict[str, Tensor] = {}
    for name, value in tensors.items():
        ours |= _translated(name, value)
    _add_noises(ours, notes)
    _add_filters(ours)
    if average is not None:
        ours["mapping.w_avg"] = _average_row(average)
    return load_generator_state(ours, notes=notes)


def _translated(name: str, value: Tensor) -> dict[str, Tensor]:
    if match := re.fullmatch(r"style\.(\d{1,2})\.(weight|bias)", name):
        return {f"mapping.fc{int(match[1]) - 1}.{match[2]}": value}
    if name == "input.input":
        return {"synthesis.b4.const": value.flatten(0, 1)}
    if match := re.fullmatch(r"noises\.noise_(\d{1,2})", name):
        return {f"{_conv(int(match[1]))}.noise_const": value.flatten(0, 2)}
    if match := re.fullmatch(r"(conv1|convs\.\d{1,2}|to_rgb1|to_rgbs\.\d{1,2})\.(.+)", name):
        path, part = match[1], match[2]
        if part == "upsample.kernel":
            block = 2 ** (int(path.split(".")[1]) + 3)
            return {f"synthesis.b{block}.resample_filter": value / _SCALE}
        if part in _PARTS:
            ours = _PARTS[part]
            return {f"{_path(path)}.{ours}": _reshaped(part, value)}
    raise Unfit(
        f"{shown(name)} belongs to no {GENERATOR} that SMIS knows: the network is of a variant "
        "whose pictures would come out wrong, so it is not opened"
    )


def _reshaped(part: str, value: Tensor) -> Tensor:
    if part == "conv.weight":
        return value.flatten(0, 1) if value.ndim == 5 else value
    if part == "conv.blur.kernel":
        return value / _SCALE
    if part == "noise.weight":
        return value.reshape(()) if value.numel() == 1 else value
    return value.flatten() if part == "bias" else value


def _path(path: str) -> str:
    if path == "conv1":
        return _conv(0)
    if path == "to_rgb1":
        return "synthesis.b4.torgb"
    kind, index = path.split(".")
    return _conv(int(index) + 1) if kind == "convs" else f"synthesis.b{2 ** (int(index) + 3)}.torgb"


def _conv(index: int) -> str:
    """The path of the convolution that reads the noise of an index."""
    return f"synthesis.b{2 ** ((index + 5) // 2)}.conv{1 - index % 2}"


def _add_noises(ours: dict[str, Tensor], notes: list[str]) -> None:
    missing = [
        name.removesuffix(".noise_strength")
        for name in ours
        if name.endswith(".noise_strength")
        and f"{name.removesuffix('.noise_strength')}.noise_const" not in ours
    ]
    source = torch.Generator().manual_seed(0)
    for path in sorted(missing):
        side = int(path.split(".b")[1].split(".")[0])
        if side > LARGEST_SIDE:
            raise Unfit(f"{path} of this {GENERATOR} draws {side}², but no StyleGAN is so large")
        ours[f"{path}.noise_const"] = torch.randn(side, side, generator=source)
    if missing:
        notes.append(
            f"the file has no noise maps for {len(missing)} layers, as older ones have none: "
            "random ones are kept, the same at every opening"
        )


def _add_filters(ours: dict[str, Tensor]) -> None:
    """Our layers hold a filter each; the port holds those that it uses."""
    given = next((v for k, v in ours.items() if k.endswith(".conv0.resample_filter")), None)
    if given is None:
        line = torch.tensor([1.0, 3.0, 3.0, 1.0])
        given = torch.outer(line, line) / 64
    for block in {k.split(".")[1] for k in ours if k.startswith("synthesis.b")}:
        for path in ("", ".conv0", ".conv1"):
            if path != ".conv0" or block != "b4":
                ours.setdefault(f"synthesis.{block}{path}.resample_filter", given.clone())


def _average_row(average: Any) -> Tensor:
    if not isinstance(average, Tensor) or average.ndim not in (1, 2):
        came = [*average.shape] if isinstance(average, Tensor) else type(average).__name__
        raise Unfit(f"latent_avg is {came}, but [w_dim] or [num_ws, w_dim] is wanted")
    return average if average.ndim == 1 else average[0].clone()
