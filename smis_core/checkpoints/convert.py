"""Any checkpoint to our own format, exact to the bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, get_args

from torch import nn

from ..images import check_writable
from .load import find, load_checkpoint
from .native import save_network

Part = Literal["generator", "encoder", "discriminator"]


def convert(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    part: Part | None = None,
) -> tuple[Path, ...]:
    """Write the networks of a checkpoint as safetensors of ours, in float32, unchanged.

    Args:
        source: a file or a name, as in `load_generator`.
        out: the file to write, ending in `.safetensors`. An encoder that came with its generator
            goes beside it, with "-encoder" before the ending.
        part: write only this network, to `out` itself; None is the generator, and the encoder
            where there is one.

    Returns:
        The files written; opening the first with `load_generator` gives the same pictures.

    Raises:
        FileNotFoundError, UnsafeCheckpointError, ValueError, OSError: as in `load_checkpoint`, or
            `out` cannot be written, or has another ending, or is the source, or the part is not
            there.
    """
    out = Path(out)
    if part not in (None, *get_args(Part)):
        raise ValueError(f"part must be one of {get_args(Part)} or None, but is {part!r}")
    if out.suffix != ".safetensors":
        raise ValueError(f"{out}: a name ending in .safetensors was wanted, the format written")
    check_writable(out)
    path = find(source)
    if out.exists() and path.exists() and out.samefile(path):
        raise ValueError(f"{out}: this is the file to convert; choose another name for the result")
    checkpoint = load_checkpoint(path, device="cpu")
    chosen: dict[Path, nn.Module] = {}
    if part is not None:
        network: nn.Module | None = getattr(checkpoint, part)
        if network is None:
            raise ValueError(
                f"{path}: its {part} was asked for, but it holds {checkpoint.network}; leave the "
                "part out to write what there is"
            )
        chosen[out] = network
    elif checkpoint.generator is not None:
        chosen[out] = checkpoint.generator
        if checkpoint.encoder is not None:
            chosen[out.with_name(f"{out.stem}-encoder.safetensors")] = checkpoint.encoder
    else:
        chosen[out] = checkpoint.main
    for place in chosen:
        check_writable(place)
        if place != out and place.exists():
            raise ValueError(
                f"{place}: the encoder would be written here, but there is a file of this name "
                "that nobody named; move it away, or choose another name for the result"
            )
    card: dict[str, Any] = {
        **checkpoint.card,
        "converted_from": path.name,
        "source_format": checkpoint.format,
        **({"licence": checkpoint.licence} if checkpoint.licence else {}),
        **({"notes": [*checkpoint.notes]} if checkpoint.notes else {}),
    }
    for place, network in chosen.items():
        save_network(place, network, card=card)
    return tuple(chosen)
