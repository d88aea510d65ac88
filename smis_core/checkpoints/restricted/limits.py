"""What a file of weights may ask for, so that a small file cannot take much time or memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of the restricted reader. A 1024² network of any family stays far below each."""

    opcodes: int = 1_000_000
    """Steps of the interpreter over the whole file, nested storages included."""

    containers: int = 200_000
    """Lists, dicts, sets, tuples and records."""

    depth: int = 200
    """Containers within containers, and marks open at the same time."""

    tree: int = 10_000_000
    """Values that a reader meets who follows every reference, shared ones each time again."""

    memo: int = 1_000_000
    """The highest number under which a value may be remembered."""

    integer_bytes: int = 16
    """Length of one whole number."""

    name_bytes: int = 256
    """Length of a class's or a module's name, of a dict's key and of a zip member's name."""

    text_bytes: int = 16 * 2**20
    """Length of one text that is kept; embedded source code is dropped and may be longer."""

    dimensions: int = 32
    """Dimensions of a tensor or an array."""

    members: int = 50_000
    """Members of a zip container."""
