"""The bytes of a file: looked at in place, and copied once where a tensor needs them."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from .errors import UnsafeCheckpointError, damaged, shown
from .limits import Limits


@dataclass
class _Costs:
    bytes_left: int
    opcodes: int = 0
    containers: int = 0


class Source:
    """A file or bytes, with what reading it has cost so far."""

    def __init__(
        self,
        name: str,
        view: memoryview,
        limits: Limits,
        *,
        file: BinaryIO | None = None,
        mapped: mmap.mmap | None = None,
    ) -> None:
        self.name = name
        self.view = view
        self.limits = limits
        self.legacy_head = b""
        """The last beginning of torch's legacy layout that was read and found good."""
        self._file = file
        self._mapped = mapped
        # Arrays of old pickles are unpacked from text, read, swapped to this machine's order and
        # read again; whatever copies more repeats itself.
        self._costs = _Costs(bytes_left=4 * len(view))

    def within(self, content: bytes) -> Source:
        """Bytes that were unpacked from this source; what they cost counts here."""
        self._charge_bytes(len(content))
        inner = Source(self.name, memoryview(content), self.limits)
        inner._costs = self._costs
        return inner

    def forget_pages(self) -> None:
        """Give back the memory that looking at a mapped file took; it can be looked at again."""
        if self._mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)

    def refused(self, reason: str) -> UnsafeCheckpointError:
        return UnsafeCheckpointError(self.name, reason)

    def damaged(self, what: str) -> ValueError:
        return damaged(self.name, what)

    def charge(self, opcodes: int) -> None:
        """Count work that copies or visits as many values."""
        self._costs.opcodes += opcodes
        if self._costs.opcodes > self.limits.opcodes:
            raise self.refused(f"more than {self.limits.opcodes:,} steps to build its contents")

    def charge_container(self) -> None:
        self._costs.containers += 1
        if self._costs.containers > self.limits.containers:
            raise self.refused(f"more than {self.limits.containers:,} containers")

    def _charge_bytes(self, size: int) -> None:
        self._costs.bytes_left -= size
        if self._costs.bytes_left < 0:
            raise self.refused("the same bytes are copied again and again")

    def read(self, start: int, size: int) -> Tensor:  # [size] uint8, owns its memory
        """Copy a part of the file, once, into memory aligned for any dtype."""
        self._charge_bytes(size)
        part = torch.empty(size, dtype=torch.uint8)
        target = part.numpy().data
        if self._file is None:
            target[:] = self.view[start : start + size]
            return part
        # Reading, unlike copying from the mapped pages, does not count them as memory in use.
        self._file.seek(start)
        done = 0
        while done < size:
            count = self._file.readinto(target[done:])  # type: ignore[attr-defined]
            if not count:
                raise self.damaged("it became shorter while it was read")
            done += count
        return part


class Span:
    """Bytes or long text somewhere in a file, not looked at until they are wanted."""

    __slots__ = ("_bytes", "_tensor", "_text", "size", "source", "start", "text")

    def __init__(self, source: Source, start: int, size: int, *, text: bool = False) -> None:
        self.source = source
        self.start = start
        self.size = size
        self.text = text
        self._tensor: Tensor | None = None
        self._bytes: bytes | None = None
        self._text: str | None = None

    def tensor(self) -> Tensor:  # [size] uint8
        """The bytes as memory that may be written; the same at every call."""
        if self._tensor is None:
            self._tensor = self.source.read(self.start, self.size)
        return self._tensor

    def tobytes(self) -> bytes:
        if self._bytes is None:
            self._bytes = bytes(self.source.view[self.start : self.start + self.size])
        return self._bytes

    def decode(self) -> str:
        if self._text is None:
            if self.size > self.source.limits.text_bytes:
                raise self.source.refused(f"a text of {self.size:,} bytes")
            self._text = decoded(self.source, self.tobytes())
            self._bytes = None
        return self._text


def decoded(source: Source, raw: bytes) -> str:
    """Text as pickles hold it: UTF-8 in which lone surrogates may stand."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise source.damaged(f"the text {shown(repr(raw[:20]))} is not UTF-8") from None


@contextlib.contextmanager
def opened(source: str | os.PathLike[str] | bytes | memoryview, limits: Limits) -> Iterator[Source]:
    """The source to read from; a file is mapped while it is open.

    Raises:
        TypeError: neither a path nor bytes.
        FileNotFoundError: no such file.
        ValueError: a folder, or empty.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        view = memoryview(source).cast("B").toreadonly()
        if not view:
            raise damaged("the data", "it is empty")
        yield Source("the data", view, limits)
        return
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"a path or bytes are wanted, but came {type(source).__name__}")
    path = Path(source)
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder, but a file of weights is wanted: name the file in it"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path}: check the path")
    with path.open("rb", buffering=0) as file:
        if not os.fstat(file.fileno()).st_size:
            raise damaged(str(path), "it is empty")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        view = memoryview(mapped)
        try:
            yield Source(str(path), view, limits, file=file, mapped=mapped)
        finally:
            # A traceback may still hold a part of the view: the mapping then ends with it.
            with contextlib.suppress(BufferError):
                view.release()
                mapped.close()
