"""NVIDIA's PyTorch pickles: StyleGAN2-ADA, and StyleGAN2 and 3 of the StyleGAN3 repository.

A pickle of a dict with G, D and G_ema. Each network is a tree of records with the attributes of
its modules; they are read, the source code beside them is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ..restricted import PersistentObject
from ..restricted.errors import shown
from . import stylegan3_state
from .assemble import Loaded, Unfit, plainly, tensors_of
from .stylegan2_state import (
    is_discriminator,
    is_generator,
    load_discriminator_state,
    load_generator_state,
)

MAPPING_LR = 0.01
_CLAMPED = re.compile(r"(^|\.)b\d+\.(conv|conv0|conv1|torgb|fromrgb)$")
_GENERATORS = ("G_ema", "G")
_NAMES = (*_GENERATORS, "D")


def holds(content: object) -> bool:
    """Whether the content of a pickle is of this format."""
    if isinstance(content, PersistentObject):
        return True
    return isinstance(content, Mapping) and any(
        isinstance(content.get(name), PersistentObject) for name in _NAMES
    )


def load(content: Any) -> Loaded:
    """The networks in the content of a pickle.

    Args:
        content: a dict of records, or one record. The generator is `G_ema`, or where it is
            missing `G`.

    Raises:
        Unfit: a layer is missing or unknown, or shapes contradict each other.
    """
    notes: list[str] = []
    records = {"G_ema": content} if isinstance(content, PersistentObject) else dict(content)
    if isinstance(content, PersistentObject) and is_discriminator(flatten(content)[0]):
        records = {"D": content}
    records = {name: records.get(name) for name in _NAMES}
    name = next((n for n in _GENERATORS if isinstance(records[n], PersistentObject)), None)
    if name == "G":
        notes.append(
            "the file has no averaged generator (G_ema), so the one in training (G) is used"
        )
    generator = _generator(records[name], notes) if name else None
    discriminator = None
    if isinstance(records["D"], PersistentObject):
        discriminator = _discriminator(records["D"], notes, alone=generator is None)
    options: dict[str, Any] = {}
    if isinstance(content, Mapping) and isinstance(content.get("training_set_kwargs"), Mapping):
        options["training_set_kwargs"] = dict(content["training_set_kwargs"])
    return Loaded(
        format="nvidia-torch",
        generator=generator,
        discriminator=discriminator,
        options=options,
        notes=tuple(notes),
    )


def flatten(record: PersistentObject) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The state dict of a tree of records, and each module's other attributes by its path."""
    state: dict[str, Any] = {}
    attributes: dict[str, dict[str, Any]] = {}
    pending = [("", record)]
    while pending:
        path, module = pending.pop()
        inside = module.state
        stem = f"{path}." if path else ""
        for kind in ("_parameters", "_buffers"):
            entries = _dict_of(inside, kind, path)
            state |= {f"{stem}{k}": v for k, v in entries.items() if v is not None}
        for child, value in _dict_of(inside, "_modules", path).items():
            if isinstance(value, PersistentObject):
                pending.append((f"{stem}{child}", value))
            elif value is not None:
                raise Unfit(
                    f"{shown(stem + str(child))} was expected to be a network's part, but is a "
                    f"{type(value).__name__}: the file is damaged or of another program"
                )
        attributes[path] = {k: v for k, v in inside.items() if k[:1] != "_" or k == "_init_kwargs"}
    return state, attributes


def _dict_of(inside: Mapping[str, Any], kind: str, path: str) -> Mapping[str, Any]:
    entries = inside.get(kind, {})
    if not isinstance(entries, Mapping):
        raise Unfit(
            f"{kind} of {path or 'the network'} was expected to be a dict, but is a "
            f"{type(entries).__name__}: the file is damaged"
        )
    return entries


def _generator(record: Any, notes: list[str]) -> nn.Module:
    state, attributes = flatten(record)
    if stylegan3_state.is_generator(state):
        tensors = tensors_of(state, what="StyleGAN3 generator")
        return stylegan3_state.load_generator_state(tensors, attributes)
    what = "StyleGAN2 generator"
    if not is_generator(state):
        raise Unfit(
            f"its network is of the class {record.class_name!r} and has neither StyleGAN2's nor "
            "StyleGAN3's layers; SMIS opens generators of StyleGAN 1, 2 and 3"
        )
    tensors = tensors_of(state, what=what)
    _check_activations(attributes, what)
    _fold_learning_rates(tensors, attributes, notes)
    beta = attributes.get("mapping", {}).get("w_avg_beta")
    return load_generator_state(
        tensors,
        conv_clamp=_conv_clamp(attributes, what),
        channel_base=_channel_base(attributes),
        w_avg_beta=float(beta) if isinstance(beta, int | float) else None,
        notes=notes,
    )


def _discriminator(record: PersistentObject, notes: list[str], *, alone: bool) -> nn.Module | None:
    state, attributes = flatten(record)
    what = "discriminator"
    try:
        if not is_discriminator(state):
            raise Unfit(f"its discriminator, a {record.class_name!r}, is of another architecture")
        _check_activations(attributes, what)
        tensors = tensors_of(state, what=what)
        _fold_learning_rates(tensors, attributes, notes)
        group = attributes.get("b4.mbstd", {}).get("group_size")
        return load_discriminator_state(
            tensors,
            conv_clamp=_conv_clamp(attributes, what),
            channel_base=_channel_base(attributes),
            group_size=group if isinstance(group, int) else None,
        )
    except Unfit as problem:
        if alone:
            raise
        # A generator is what people come for; projected and other discriminators may stay behind.
        notes.append(f"the discriminator was left out: {problem}")
        return None


def _conv_clamp(attributes: Mapping[str, dict[str, Any]], what: str) -> float | None:
    # The 4² ending of a discriminator reads its picture without a clamp, as bias-free skips do.
    layers = {
        path: own["conv_clamp"]
        for path, own in attributes.items()
        if "conv_clamp" in own and _CLAMPED.search(path) and path != "b4.fromrgb"
    }
    found = {None if value is None else float(value) for value in layers.values()}
    if len(found) > 1:
        raise Unfit(
            f"the layers of this {what} have different clamps ({sorted(map(str, found))}): it is "
            "of a variant that SMIS does not know"
        )
    return found.pop() if found else None


def _channel_base(attributes: Mapping[str, dict[str, Any]]) -> int | None:
    given = attributes[""].get("_init_kwargs")
    given = given if isinstance(given, Mapping) else {}
    nested = given.get("synthesis_kwargs")
    base = (nested if isinstance(nested, Mapping) else given).get("channel_base")
    return base if isinstance(base, int) else None


def _check_activations(attributes: Mapping[str, dict[str, Any]], what: str) -> None:
    for path, own in attributes.items():
        if own.get("activation", "linear") not in ("linear", "lrelu"):
            raise Unfit(
                f"{shown(path)} of this {what} has the activation {plainly(own['activation'])}, "
                "but SMIS knows leaky ReLU here: the network is of a variant whose pictures would "
                "come out wrong"
            )


def _fold_learning_rates(
    tensors: dict[str, Tensor], attributes: Mapping[str, dict[str, Any]], notes: list[str]
) -> None:
    """Mapping layers are used times 0.01; weights stored for another factor are rescaled."""
    for path, own in attributes.items():
        rate = own.get("bias_gain")
        if not re.fullmatch(r"mapping\.fc\d+", path) or not isinstance(rate, float):
            continue
        if not math.isfinite(rate):
            raise Unfit(f"{path} was trained at {rate} times the learning rate: it is damaged")
        if abs(rate - MAPPING_LR) > 1e-9:
            for name in (f"{path}.weight", f"{path}.bias"):
                tensors[name] = tensors[name] * (rate / MAPPING_LR)
            notes.append(f"{path} was trained at {rate:g} times the learning rate; it was rescaled")
