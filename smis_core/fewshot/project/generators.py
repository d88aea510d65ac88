"""Which generator a project belongs to, and how it is found again."""

from __future__ import annotations

from pathlib import Path

import torch

from ...checkpoints import load_generator, source_of
from ...networks.generator_base import GeneratorBase
from .record import RECORD, Record, read_record

_CURE = "open the project with generator= (on the command line: --generator) the one it belongs to"


def recorded_source(generator: GeneratorBase) -> str:
    """What a record says of a generator: what `load_generator` opened it from, a name or a path
    that holds from any folder; "" for one that came another way."""
    source = source_of(generator) or ""
    return str(Path(source).resolve()) if source and Path(source).exists() else source


def load_recorded(
    folder: Path, record: Record, *, device: str | torch.device = "auto"
) -> GeneratorBase:
    """The generator that a record names.

    Raises:
        FileNotFoundError: it is no longer there.
        ValueError: none is named, because the project was made with a generator in memory.
    """
    if not record.source:
        raise ValueError(
            f"{folder}: was made with a generator that was handed over, not named, so it cannot be"
            f" found again; {_CURE}"
        )
    try:
        return load_generator(record.source, device=device)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{folder}: its generator {record.source} is not there ({error}); bring it back, or"
            f" {_CURE}"
        ) from error


def project_generator(folder: str | Path, *, device: str | torch.device = "auto") -> GeneratorBase:
    """The generator of the project in a folder, on a device.

    Raises:
        FileNotFoundError: it is no longer there.
        ValueError: the folder holds no readable record, or the record names none.
    """
    path = Path(folder) / RECORD
    if not path.is_file():
        raise ValueError(f"{folder}: wanted the folder of a project, but it has no {RECORD}")
    return load_recorded(Path(folder), read_record(path), device=device)


def check_belongs(folder: Path, record: Record, own: str) -> None:
    """ValueError where a record is of another generator than the one of this fingerprint."""
    if record.fingerprint not in ("", own):
        raise ValueError(
            f"{folder}: belongs to another generator than {record.source or 'the given one'} is"
            f" now (the fingerprint differs); {_CURE}"
        )
