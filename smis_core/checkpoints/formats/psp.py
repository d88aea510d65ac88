"""Checkpoints of pSp, e4e and Fewshot-SMIS: an encoder and its generator in one `state_dict`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...networks.stylegan2 import Generator
from ..inversion_encoder import EncoderKind, InversionConfig, InversionEncoder
from . import rosinality
from .assemble import Loaded, Unfit, assemble, average_latent, below, plainly, tensors_of

_ENCODER, _DECODER = "encoder.", "decoder."
_KINDS: dict[str, EncoderKind] = {"GradualStyleEncoder": "gradual", "Encoder4Editing": "e4e"}
_SIZES = ("output_size", "stylegan_size")


def holds(content: object) -> bool:
    """Whether the content of a torch file is of this format."""
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    return isinstance(state, Mapping) and any(
        isinstance(name, str) and name.startswith((f"{_ENCODER}body.", f"{_DECODER}convs."))
        for name in state
    )


def load(content: Mapping[str, Any]) -> Loaded:
    """Encoder and generator in the content of a file.

    Args:
        content: with `state_dict`, and perhaps `opts` and `latent_avg`.

    Raises:
        Unfit: a layer is missing or unknown, or the two do not fit each other.
    """
    notes: list[str] = []
    state = content["state_dict"]
    given = content.get("opts")
    opts: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    average = content.get("latent_avg")
    if average is not None and not (isinstance(average, Tensor) and average.ndim in (1, 2)):
        raise Unfit("latent_avg is no tensor of [w_dim] or [num_ws, w_dim]; the file is damaged")
    generator = None
    if decoder := below(state, _DECODER):
        generator = rosinality.load_state(decoder, average, notes)
    encoder = None
    if encoding := below(state, _ENCODER):
        encoder = _encoder(encoding, opts, average, generator, notes)
    if encoder is not None and generator is not None:
        _check_together(encoder, generator, opts)
    kind = encoder.config.encoder if encoder is not None else "gradual"
    return Loaded(
        format="e4e" if kind == "e4e" else "psp",
        generator=generator,
        encoder=encoder,
        latent_avg=average,
        options=opts,
        notes=tuple(notes),
    )


def _encoder(
    state: Mapping[str, Any],
    opts: Mapping[str, Any],
    average: Tensor | None,
    generator: Generator | None,
    notes: list[str],
) -> InversionEncoder:
    what = "encoder"
    stated = opts.get("encoder_type")
    if stated is None:
        notes.append("the file does not say which encoder it has, so it is taken for one of pSp")
    kind = _KINDS.get(stated if isinstance(stated, str) and stated else "GradualStyleEncoder")
    if kind is None:
        raise Unfit(
            f"its encoder is a {plainly(stated)}; SMIS opens {' and '.join(_KINDS)} "
            "(the generator alone can be had from the checkpoint that the encoder was trained for)"
        )
    tensors = tensors_of(state, what=what)
    rows = {int(m[1]) for name in tensors if (m := re.match(r"styles\.(\d+)\.", name))}
    stem = tensors.get("input_layer.0.weight")
    head = tensors.get("styles.0.linear.weight")
    if not rows or stem is None or head is None or len(rows) % 2 or rows != {*range(len(rows))}:
        raise Unfit(
            f"this {what} lacks layers of its stem or heads (heads there are: {sorted(rows)}); get "
            "a whole file from where it came from"
        )
    if stem.ndim != 4 or head.ndim != 2:
        raise Unfit(f"the shapes in this {what} contradict each other; the file is damaged")
    try:
        config = InversionConfig(
            encoder=kind,
            resolution=2 ** (len(rows) // 2 + 1),
            img_channels=stem.shape[1],
            w_dim=head.shape[0],
            base_channels=stem.shape[0],
        )
    except ValueError as problem:
        raise Unfit(f"the shapes in this {what} contradict each other: {problem}") from None
    ours = {f"encoder.{name}": value for name, value in tensors.items()}
    _add_counters(ours)
    ours["latent_avg"] = _start(config, opts, average, generator, notes)
    return assemble(lambda: InversionEncoder(config), ours, what=what)


def _start(
    config: InversionConfig,
    opts: Mapping[str, Any],
    average: Tensor | None,
    generator: Generator | None,
    notes: list[str],
) -> Tensor:
    """What is added to the codes, a row for each of W+."""
    shape = (config.num_ws, config.w_dim)
    if not opts.get("start_from_latent_avg", average is not None):
        return torch.zeros(shape)
    if average is None:
        if generator is None:
            raise Unfit(
                "its codes start from the average latent, but the file has neither latent_avg nor "
                "a generator to compute it from; get the whole checkpoint"
            )
        notes.append("codes are added to the computed average latent")
        average = average_latent(generator)
    try:
        return average.expand(shape).clone()
    except RuntimeError:
        raise Unfit(
            f"latent_avg is {[*average.shape]}, but this encoder needs {[*shape]}: the shapes "
            "contradict each other; get the file again from where it came from"
        ) from None


def _add_counters(state: dict[str, Tensor]) -> None:
    """Batch norms count batches, which nothing reads and older files leave out."""
    for name in [name for name in state if name.endswith(".running_mean")]:
        counter = name.removesuffix("running_mean") + "num_batches_tracked"
        state.setdefault(counter, torch.zeros([], dtype=torch.int64))


def _check_together(
    encoder: InversionEncoder, generator: Generator, opts: Mapping[str, Any]
) -> None:
    ours, theirs = encoder.config, generator.config
    if (ours.num_ws, ours.w_dim) != (theirs.num_ws, theirs.w_dim):
        raise Unfit(
            f"its encoder gives codes of {ours.num_ws} × {ours.w_dim}, but its generator of "
            f"{theirs.resolution}² takes {theirs.num_ws} × {theirs.w_dim}: the shapes contradict "
            "each other; the file was put together from two"
        )
    for name in _SIZES:
        if isinstance(opts.get(name), int) and opts[name] != theirs.resolution:
            raise Unfit(
                f"its options state {name} {opts[name]}, but its generator draws "
                f"{theirs.resolution}²: the file was put together from two"
            )
