"""The two ways in: plain pickles, and files of torch.save."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from .limits import Limits
from .machine import Machine
from .resolve import resolve
from .source import Source, opened
from .torch_files import PLAIN, ZIP_START, read_legacy, read_zip

# The magic number of torch.save's legacy layout, as every pickle protocol from 2 on writes it.
_LEGACY_START = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."


def read_pickle(
    source: str | os.PathLike[str] | bytes | memoryview,
    *,
    only: Collection[str | int] | None = None,
    limits: Limits | None = None,
) -> Any:
    """What a plain pickle of weights holds, as NVIDIA publishes its networks.

    The pickle's opcodes are interpreted against a short list of what weights need. Nothing is
    imported, no code that came in the file is compiled or run, embedded source is not even
    decoded. Numbers are copied once, into memory of their own: the file may go afterwards.

    Args:
        source: a path, or the bytes of a file.
        only: where the file holds a dict (or a tuple), the keys (or positions) whose values are
            wanted. The others come as None and cost nothing, so that of NVIDIA's three networks
            one can be read alone.
        limits: bounds for what a file may ask; the default suits every published file.

    Returns:
        dict, list, tuple, set, str, int, float, bool, None and bytes; numpy arrays and scalars of
        numbers, truth values and plain text, in the machine's byte order; tensors on the CPU
        without gradient, which share storage where they did; `PersistentObject` and
        `TensorFlowNetwork`. OrderedDict and EasyDict come as dict, frozenset as set, torch.Size
        as tuple, devices and dtypes as text ("cuda:0", "torch.float32", "float32"); an
        argparse.Namespace as None.

    Raises:
        FileNotFoundError: no such file.
        TypeError: neither a path nor bytes.
        UnsafeCheckpointError: the file asks for anything else, or for too much.
        ValueError: a folder, or a file that is empty, damaged, cut off or of torch.save.
    """
    with opened(source, limits or Limits()) as content:
        if starts_as_zip(content) or starts_as_legacy(content):
            raise ValueError(
                f"{content.name} is a file of torch.save, but a plain pickle is wanted: open it "
                f"with read_torch"
            )
        machine = Machine(content, 0, len(content.view), table=PLAIN)
        value = machine.run()
        if machine.position != len(content.view):
            raise content.damaged(f"{len(content.view) - machine.position:,} bytes follow its end")
        # Opcodes lie between the weights: to read them has mapped nearly half of the file.
        content.forget_pages()
        return resolve(content, _reduced(value, only))


def read_torch(
    source: str | os.PathLike[str] | bytes | memoryview,
    *,
    only: Collection[str | int] | None = None,
    limits: Limits | None = None,
) -> Any:
    """What a file of torch.save holds: the zip container of torch 1.6 and later, or the legacy one.

    As careful as `read_pickle`, and with the same results. Members of the container are checked
    by name and read where they lie; compressed ones, TorchScript archives, whole modules, sparse,
    quantised and complex tensors and tensors without numbers are refused.

    Args:
        source: a path, or the bytes of a file.
        only: where the file holds a dict, the keys whose values are wanted, as in `read_pickle`;
            the optimiser states of a training file then cost nothing.
        limits: bounds for what a file may ask; the default suits every published file.

    Returns:
        As `read_pickle`, without NVIDIA's records.

    Raises:
        FileNotFoundError: no such file.
        TypeError: neither a path nor bytes.
        UnsafeCheckpointError: the file asks for anything that weights do not need, or too much.
        ValueError: a folder, or a file that is empty, damaged, cut off or not of torch.save.
    """
    with opened(source, limits or Limits()) as content:
        if starts_as_zip(content):
            value = read_zip(content)
        elif starts_as_legacy(content):
            value = read_legacy(content, 0, len(content.view))
        else:
            raise ValueError(
                f"{content.name} does not begin as a file of torch.save does: open a plain pickle "
                f"with read_pickle, or get the file again from where it came from"
            )
        # Opcodes lie between the weights: to read them has mapped nearly half of the file.
        content.forget_pages()
        return resolve(content, _reduced(value, only))


def starts_as_zip(source: Source) -> bool:
    return bytes(source.view[: len(ZIP_START)]) == ZIP_START


def starts_as_legacy(source: Source) -> bool:
    start = bytes(source.view[: 11 + len(_LEGACY_START)])
    # From protocol 4 on, a frame of eight bytes' length comes first.
    number = start[11:] if start[2:3] == b"\x95" else start[2 : 2 + len(_LEGACY_START)]
    return start[:1] == b"\x80" and number == _LEGACY_START


def _reduced(value: Any, only: Collection[str | int] | None) -> Any:
    """The outermost container with None for all that is not wanted."""
    if only is None:
        return value
    if isinstance(value, dict):
        return {name: part if name in only else None for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [part if index in only else None for index, part in enumerate(value)]
        return parts if isinstance(value, list) else tuple(parts)
    return value
