"""Undo and redo in bounded memory: what changed, compressed, never whole copies."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass

import numpy as np

from smis_core.drawing.operations import Box
from smis_core.images import UInt8Array
from smis_core.labels import Palette

MAX_STEPS = 1000
"""Steps that are kept at most."""

LEAST_BYTES = 1 << 20
"""Memory that a history may use however small the map is; otherwise three times the map."""


@dataclass(frozen=True, eq=False)
class Patch:
    """A rectangle of changed pixels: what they were XOR what they became, compressed."""

    box: Box
    """Where."""
    data: bytes
    """zlib of uint8 ``[rows, columns]``."""

    @classmethod
    def of(cls, box: Box, difference: UInt8Array) -> Patch:
        """Compress a difference of the box's size."""
        return cls(box, zlib.compress(np.ascontiguousarray(difference).data, 1))

    def difference(self) -> UInt8Array:
        """The pixels; ValueError if they are not as many as the box has."""
        shape = (self.box.bottom - self.box.top, self.box.right - self.box.left)
        return unpacked(self.data, shape)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A whole map, compressed: kept where its size changes."""

    shape: tuple[int, int]
    """Height and width."""
    data: bytes
    """zlib of uint8 ``[H, W]``."""

    @classmethod
    def of(cls, indices: UInt8Array) -> Sheet:
        """Compress a map."""
        height, width = indices.shape
        return cls((height, width), zlib.compress(np.ascontiguousarray(indices).data, 1))

    def indices(self) -> UInt8Array:
        """The map; ValueError if its pixels are not as many as its shape says."""
        return unpacked(self.data, self.shape)


class Sheets(MutableMapping[str, UInt8Array]):
    """Whole maps by name, compressed until one is asked for."""

    def __init__(self) -> None:
        self._sheets: dict[str, Sheet] = {}

    def __getitem__(self, name: str) -> UInt8Array:
        return self._sheets[name].indices()

    def __setitem__(self, name: str, indices: UInt8Array) -> None:
        self._sheets[name] = Sheet.of(indices)

    def __delitem__(self, name: str) -> None:
        del self._sheets[name]

    def __contains__(self, name: object) -> bool:
        return name in self._sheets

    def __iter__(self) -> Iterator[str]:
        return iter(self._sheets)

    def __len__(self) -> int:
        return len(self._sheets)


@dataclass(frozen=True, eq=False)
class Step:
    """One thing that is undone at once."""

    change: Patch | tuple[Sheet, Sheet] | None
    """What became of the pixels; None if only the palette or the origin changed."""
    palettes: tuple[Palette, Palette] | None = None
    """Before and after, if it changed."""
    origins: tuple[str, str] | None = None
    """Before and after, if it changed."""

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """The compressed pixels."""
        if isinstance(self.change, Patch):
            return (self.change.data,)
        return () if self.change is None else tuple(each.data for each in self.change)

    @property
    def nbytes(self) -> int:
        """Memory, in bytes, a little over rather than under."""
        texts = 0 if self.palettes is None else 40_000
        texts += sum(map(len, self.origins or ()))
        return sum(map(len, self.blobs)) + texts + 512


class History:
    """Steps behind and ahead of the present; the oldest go when there are too many.

    Args:
        limit_bytes: memory that the steps may use.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.done: list[Step] = []
        self.undone: list[Step] = []

    @property
    def nbytes(self) -> int:
        """Memory that the steps use, in bytes."""
        return sum(step.nbytes for step in (*self.done, *self.undone))

    def record(self, step: Step) -> None:
        """Remember a step; what was undone before it can no longer be redone."""
        self.undone.clear()
        self.done.append(step)
        del self.done[:-MAX_STEPS]
        excess = self.nbytes - self.limit_bytes
        while excess > 0 and self.done:
            excess -= self.done.pop(0).nbytes

    def back(self) -> Step | None:
        """The step to be undone, which is then ahead."""
        if not self.done:
            return None
        self.undone.append(self.done.pop())
        return self.undone[-1]

    def forth(self) -> Step | None:
        """The step to be done again, which is then behind."""
        if not self.undone:
            return None
        self.done.append(self.undone.pop())
        return self.done[-1]


def limit_for(shape: tuple[int, int]) -> int:
    """Bytes that the history of a map of this size may use."""
    return max(LEAST_BYTES, 3 * shape[0] * shape[1])


def unpacked(data: bytes, shape: tuple[int, int]) -> UInt8Array:
    """Compressed pixels as an array that can be written to; never more of them than the shape has.

    Raises:
        ValueError: the data is broken or of another size.
    """
    wanted = shape[0] * shape[1]
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(data, wanted + 1)
    except zlib.error as error:
        raise ValueError(f"history: a step is damaged ({error})") from error
    if len(raw) != wanted or not unpacker.eof:
        raise ValueError(f"history: a step of {wanted} pixels was wanted, got another number")
    return np.frombuffer(bytearray(raw), dtype=np.uint8).reshape(shape)
