"""What opcodes work on: the place in the file, the stack with its marks, and the memo."""

from __future__ import annotations

import struct
from typing import Any

from .source import Source, Span, decoded
from .stubs import OpenDict, fill, key

_INLINE_TEXT = 4096

BYTE, SHORT, INT = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<i")
WORD, QUAD, DOUBLE = struct.Struct("<I"), struct.Struct("<Q"), struct.Struct(">d")


class Stack:
    """One pickle in the midst of being read; `position` is where the next opcode is.

    Args:
        source: the file.
        start: where the pickle begins.
        end: where what may belong to it ends.
    """

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.position = start
        self._source = source
        self._view = source.view
        self._end = end
        self._stack: list[Any] = []
        self._marks: list[int] = []
        # What lies below the last mark is out of reach.
        self._floor = 0
        self._memo: dict[int, Any] = {}

    # The file

    def _take(self, size: int) -> int:
        """Where the next `size` bytes begin, which are then behind us."""
        start = self.position
        if size > self._end - start:
            raise self._source.damaged(
                f"{size:,} bytes are announced at {start:,}, but {self._end - start:,} are left"
            )
        self.position = start + size
        return start

    def _number(self, layout: struct.Struct) -> Any:
        return layout.unpack_from(self._view, self._take(layout.size))[0]

    def _line(self) -> str:
        limit = min(self._end, self.position + self._source.limits.name_bytes + 1)
        raw = bytes(self._view[self.position : limit])
        length = raw.find(b"\n")
        if length < 0:
            raise self._source.damaged("a name has no end")
        self.position += length + 1
        return decoded(self._source, raw[:length])

    def _protocol(self) -> None:
        version = self._number(BYTE)
        if version > 5:
            raise self._source.damaged(f"pickle protocol {version} is not known")

    def _frame(self) -> None:
        size = self._number(QUAD)
        start = self._take(size)
        self.position = start

    # The stack

    def _pop(self) -> Any:
        if len(self._stack) <= self._floor:
            raise self._source.damaged("a pickle takes more values than it made")
        return self._stack.pop()

    def _top(self) -> Any:
        if len(self._stack) <= self._floor:
            raise self._source.damaged("a pickle takes more values than it made")
        return self._stack[-1]

    def _mark(self) -> None:
        if len(self._marks) >= self._source.limits.depth:
            raise self._source.refused(f"more than {self._source.limits.depth} open marks")
        self._marks.append(len(self._stack))
        self._floor = len(self._stack)

    def _since_mark(self) -> list[Any]:
        if not self._marks:
            raise self._source.damaged("a mark is missing")
        position = self._marks.pop()
        self._floor = self._marks[-1] if self._marks else 0
        values = self._stack[position:]
        del self._stack[position:]
        return values

    def _push_container(self, value: Any) -> None:
        self._source.charge_container()
        self._stack.append(value)

    def _discard(self) -> None:
        # At a mark with nothing above it, POP takes the mark.
        if self._marks and len(self._stack) == self._floor:
            self._since_mark()
        else:
            self._pop()

    # Values

    def _integer(self, size: int) -> None:
        if size < 0:
            raise self._source.damaged("a number of negative length")
        start = self._take(size)
        if size > self._source.limits.integer_bytes:
            raise self._source.refused(f"a whole number of {size:,} bytes")
        raw = self._view[start : start + size]
        self._stack.append(int.from_bytes(raw, "little", signed=True))

    def _text(self, size: int) -> None:
        start = self._take(size)
        if size > _INLINE_TEXT:
            self._stack.append(Span(self._source, start, size, text=True))
        else:
            self._stack.append(decoded(self._source, bytes(self._view[start : start + size])))

    def _data(self, size: int) -> None:
        if size < 0:
            raise self._source.damaged("bytes of negative length")
        self._stack.append(Span(self._source, self._take(size), size))

    def _old_text(self, size: int) -> None:
        """Python 2's `str`: text where it is ASCII, bytes otherwise."""
        if size < 0:
            raise self._source.damaged("a text of negative length")
        start = self._take(size)
        raw = bytes(self._view[start : start + min(size, _INLINE_TEXT)])
        if size <= _INLINE_TEXT and raw.isascii():
            self._stack.append(raw.decode("ascii"))
        else:
            self._stack.append(Span(self._source, start, size))

    def _tuple(self, size: int) -> None:
        values = [self._pop() for _ in range(size)]
        self._push_container(tuple(reversed(values)))

    # Containers

    def _append(self, values: list[Any]) -> None:
        target = self._top()
        if type(target) is not list:
            raise self._source.damaged("values are appended to what is no list")
        target.extend(values)

    def _add(self) -> None:
        values = self._since_mark()
        target = self._top()
        if type(target) is not set:
            raise self._source.damaged("values are added to what is no set")
        target.update(key(self._source, value) for value in values)

    def _set_items(self, values: list[Any]) -> None:
        target = self._top()
        if type(target) not in (dict, OpenDict):
            raise self._source.refused("entries are set in what is no dict")
        fill(self._source, target, values)

    def _set_item(self) -> None:
        value, name = self._pop(), self._pop()
        self._set_items([name, value])

    def _new_set(self) -> None:
        self._push_container({key(self._source, value) for value in self._since_mark()})

    def _new_dict(self) -> None:
        made: dict[Any, Any] = {}
        fill(self._source, made, self._since_mark())
        self._push_container(made)

    # The memo

    def _remember(self, index: int) -> None:
        if index > self._source.limits.memo:
            raise self._source.refused(f"a value is remembered under the number {index:,}")
        self._memo[index] = self._top()

    def _recall(self, index: int) -> None:
        if index not in self._memo:
            raise self._source.damaged(f"no value was remembered under the number {index:,}")
        self._stack.append(self._memo[index])
