"""A bare state dict under NVIDIA's published names, as torch.save or safetensors hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import stylegan3_state
from .assemble import Loaded, Unfit, tensors_of
from .stylegan2_state import (
    is_discriminator,
    is_generator,
    load_discriminator_state,
    load_generator_state,
)

_GENERATORS = ("G_ema", "g_ema", "G", "state_dict", "generator")


def holds(content: object) -> bool:
    """Whether something is, or holds under a usual key, such a state dict."""
    return isinstance(content, Mapping) and _found(content) is not None


def load(content: Mapping[str, Any]) -> Loaded:
    """The network whose state it is.

    Args:
        content: tensors by name, or a dict with such a dict under "G_ema" or "state_dict".

    Raises:
        Unfit: a layer is missing or unknown, shapes contradict each other, or it is a StyleGAN3,
            whose shapes do not tell everything.
    """
    state = _found(content)
    assert state is not None
    if stylegan3_state.is_generator(state):
        raise Unfit(
            "it holds the bare state of a StyleGAN3, which does not say how its filters are to be "
            "used; open NVIDIA's .pkl instead"
        )
    tensors = tensors_of(state, what="state dict")
    note = "a bare state dict does not say at which magnitude activations are cut; none is assumed"
    if is_discriminator(state):
        network = load_discriminator_state(tensors)
        return Loaded(format="state-dict", discriminator=network, notes=(note,))
    notes = [note]
    generator = load_generator_state(tensors, notes=notes)
    return Loaded(format="state-dict", generator=generator, notes=tuple(notes))


def _found(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    candidates = (content, *(content.get(name) for name in (*_GENERATORS, "D")))
    return next((each for each in candidates if _is_state(each)), None)


def _is_state(candidate: object) -> bool:
    if not isinstance(candidate, Mapping):
        return False
    state = {name: None for name in candidate if isinstance(name, str)}
    checks = (is_generator, is_discriminator, stylegan3_state.is_generator)
    return any(check(state) for check in checks)
