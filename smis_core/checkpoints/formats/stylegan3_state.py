"""A StyleGAN3's configuration, from its state and its modules' attributes (Karras et al. 2021)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...networks.foreign_configs import StyleGAN3Config
from ...networks.stylegan3 import StyleGAN3Generator
from .assemble import Unfit, assemble

GENERATOR = "StyleGAN3 generator"
_LAYER = re.compile(r"synthesis\.(L(\d+)_(\d+)_(\d+))\.weight")
_STATED = (
    "first_cutoff", "first_stopband", "last_stopband_rel", "margin_size", "num_critical",
    "filter_size", "lrelu_upsampling", "output_scale",
)  # fmt: skip


def is_generator(state: Mapping[str, Any]) -> bool:
    """Whether names are those of a StyleGAN3 generator."""
    return any(name.startswith("synthesis.input.") for name in state)


def load_generator_state(
    state: dict[str, Tensor], attributes: Mapping[str, Mapping[str, Any]]
) -> StyleGAN3Generator:
    """A generator from its state under the published names.

    Args:
        state: tensors.
        attributes: of each module by its path; "" is the whole network.

    Raises:
        Unfit: a layer is missing, or shapes contradict each other.
    """
    config = generator_config(state, attributes)
    if "mapping.w_avg" not in state:
        raise Unfit(f"this {GENERATOR} lacks mapping.w_avg: the file was cut down")
    state.setdefault("synthesis.input.transform", torch.eye(3))
    return assemble(lambda: StyleGAN3Generator(config), state, what=GENERATOR)


def generator_config(
    state: Mapping[str, Tensor], attributes: Mapping[str, Mapping[str, Any]]
) -> StyleGAN3Config:
    """The configuration behind a generator; arguments as in `load_generator_state`.

    Raises:
        Unfit: layers are missing, or do not widen as StyleGAN3's do.
    """
    layers = sorted(
        (int(match[2]), match[1], int(match[3]), int(match[4]))
        for name in state
        if (match := _LAYER.fullmatch(name))
    )
    if len(layers) < 3 or [layer[0] for layer in layers] != [*range(len(layers))]:
        listed = ", ".join(layer[1] for layer in layers) or "none"
        raise Unfit(
            f"this {GENERATOR} lacks layers (there are {listed}): the file was cut down; get a "
            "whole one from where it came from"
        )
    needed = ("mapping.fc0.weight", "synthesis.input.weight", "synthesis.input.affine.weight")
    if absent := [name for name in needed if name not in state]:
        raise Unfit(f"this {GENERATOR} lacks {absent[0]}: the file was cut down")
    c_dim = state["mapping.embed.weight"].shape[1] if "mapping.embed.weight" in state else 0
    w_dim = state["synthesis.input.affine.weight"].shape[1]
    stated = _stated(attributes)
    first = attributes.get(f"synthesis.{layers[0][1]}", {})
    values: dict[str, Any] = {
        "resolution": layers[-1][2],
        "img_channels": layers[-1][3],
        "z_dim": state["mapping.fc0.weight"].shape[1] - (w_dim if c_dim else 0),
        "w_dim": w_dim,
        "c_dim": c_dim,
        "mapping_layers": sum(
            bool(re.fullmatch(r"mapping\.fc\d+\.weight", name)) for name in state
        ),
        "num_layers": len(layers) - 1,
        "conv_kernel": state[f"synthesis.{layers[0][1]}.weight"].shape[-1],
        "use_radial_filters": any(
            name.endswith(".down_filter") and value.ndim == 2 for name, value in state.items()
        ),
        "conv_clamp": first["conv_clamp"] if "conv_clamp" in first else stated.get("conv_clamp"),
        "channel_max": max(layer[3] for layer in layers),
        **{name: stated[name] for name in _STATED if name in stated},
    }
    beta = attributes.get("mapping", {}).get("w_avg_beta")
    if isinstance(beta, int | float):
        values["w_avg_beta"] = float(beta)
    try:
        draft = StyleGAN3Config(**values)
        values["channel_max"] = max(layer[3] for layer in layers[:-1])
        base = _channel_base(draft, [layer[3] for layer in layers[:-1]], stated)
        return StyleGAN3Config(**{**values, "channel_base": base})
    except (ValueError, TypeError) as problem:
        raise Unfit(f"the shapes in this file contradict each other: {problem}") from None


def _stated(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Settings as the network and, before it, its synthesis state them."""
    found: dict[str, Any] = {}
    for path in ("", "synthesis"):
        own = attributes.get(path, {})
        given = own.get("_init_kwargs")
        given = given if isinstance(given, Mapping) else {}
        nested = given.get("synthesis_kwargs")
        found |= {**given, **(nested if isinstance(nested, Mapping) else {})}
        found |= {name: own[name] for name in _STATED if name in own}
    return found


def _channel_base(draft: StyleGAN3Config, widths: list[int], stated: Mapping[str, Any]) -> int:
    """A base that gives these widths: the stated one, else a power of two, else any."""
    cutoffs = [band.cutoff for band in draft.bands]
    widest = max(widths)
    narrow = [(w, 2 * f) for w, f in zip(widths, cutoffs, strict=False) if w < widest]
    low = max([(w - 0.5) * f for w, f in narrow] + [
        (w - 0.5) * 2 * f for w, f in zip(widths, cutoffs, strict=False) if w == widest
    ])  # fmt: skip
    high = min([(w + 0.5) * f for w, f in narrow], default=float("inf"))
    base = stated.get("channel_base")
    if isinstance(base, int) and low <= base <= high:
        return base
    power: int = 2 ** max(int(low) - 1, 1).bit_length()
    if low <= power <= high:
        return power
    if low > high:
        raise Unfit(
            f"the shapes in this {GENERATOR} contradict each other: widths of {widths} do not "
            "follow from the resolution; the file is damaged or of a variant that SMIS does not "
            "know"
        )
    return int(low) + 1 if high == float("inf") else round((low + high) / 2)
