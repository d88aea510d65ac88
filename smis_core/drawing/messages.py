"""What a front end sends, judged before it is believed: records to operations and commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from smis_core.drawing.operations import (
    MAX_POINTS,
    Box,
    Bucket,
    Clear,
    CopyFrom,
    Ellipse,
    Landmark,
    Mirror,
    MoveRegion,
    Operation,
    Polygon,
    Rectangle,
    SmartFill,
    Stroke,
)

MAX_SEQUENCE = 1 << 53
"""Sequence numbers stay below what a browser counts exactly."""

Act = Literal["draw", "undo", "redo", "cancel"]
_ACTS = ("draw", "undo", "redo", "cancel")

_TOOLS: dict[str, type[Operation]] = {
    "stroke": Stroke,
    "polygon": Polygon,
    "rectangle": Rectangle,
    "ellipse": Ellipse,
    "landmark": Landmark,
    "bucket": Bucket,
    "smart_fill": SmartFill,
    "move": MoveRegion,
    "mirror": Mirror,
    "copy": CopyFrom,
    "clear": Clear,
}


@dataclass(frozen=True, eq=False)
class Command:
    """One message, found good."""

    view: str
    """The view of the pad that sent it."""
    sequence: int
    """Its number within the view, from 0."""
    act: Act
    """What is asked for."""
    operation: Operation | None = None
    """What to draw."""
    more: bool = False
    """The stroke goes on in this view's next message; both are undone together."""


def read_command(message: object) -> Command:
    """A command from one message.

    Args:
        message: ``{"view", "sequence", "act", "operation", "more"}``; the last two only to draw.

    Raises:
        TypeError, ValueError: what is wrong with it.
    """
    view, sequence = read_envelope(message)
    record = cast(Mapping[str, Any], message)
    act = record.get("act")
    if not isinstance(act, str) or act not in _ACTS:
        raise ValueError(f"message: an act of {', '.join(_ACTS)} was wanted, got {_shown(act)}")
    fields = {"view", "sequence", "act"} | ({"operation", "more"} if act == "draw" else set())
    _only_known(record, fields, "message")
    if act != "draw":
        return Command(view, sequence, cast(Act, act))
    more = record.get("more", False)
    if not isinstance(more, bool):
        raise TypeError(f"message: true or false was wanted for more, got {_shown(more)}")
    return Command(view, sequence, "draw", read_operation(record.get("operation")), more)


def read_envelope(message: object) -> tuple[str, int]:
    """The view and the sequence number of a message; ValueError or TypeError where it has none."""
    if not isinstance(message, Mapping):
        raise TypeError(f"message: an object was wanted, got {_shown(message)}")
    view, sequence = message.get("view"), message.get("sequence")
    if not isinstance(view, str) or not 1 <= len(view) <= 64:
        raise TypeError(
            f"message: a view's name of 1 to 64 characters was wanted, got {_shown(view)}"
        )
    if isinstance(sequence, bool) or not isinstance(sequence, int):
        raise TypeError(f"message: a whole sequence number was wanted, got {_shown(sequence)}")
    if not 0 <= sequence < MAX_SEQUENCE:
        raise ValueError("message: a sequence number of 0 to 2^53 - 1 was wanted, got another")
    return view, sequence


def read_operation(record: object) -> Operation:
    """An operation from its record, as docs/drawing.md describes it.

    Args:
        record: ``{"tool": "stroke", "index": 13, "points": [x, y, x, y, …], "sizes": 128, …}``.
            Lists of numbers may be bytes of little-endian int32 instead.

    Raises:
        TypeError, ValueError: what is wrong with it.
    """
    if not isinstance(record, Mapping):
        raise TypeError(f"operation: an object was wanted, got {_shown(record)}")
    tool = record.get("tool")
    if not isinstance(tool, str) or tool not in _TOOLS:
        raise ValueError(f"tool: one of {', '.join(_TOOLS)} was wanted, got {_shown(tool)}")
    kind = _TOOLS[tool]
    known = {name for name, each in kind.__dataclass_fields__.items() if each.init}
    _only_known(record, known | {"tool"}, tool)
    values: dict[str, Any] = {
        name: _READERS.get(name, _as_it_is)(value, name)
        for name, value in record.items()
        if name != "tool"
    }
    if tool == "stroke":
        values.setdefault("sizes", 16)
    try:
        return kind(**values)
    except TypeError as error:
        if "required keyword-only" in str(error):
            missing = sorted(known - {*values, "only", "protect"})
            raise ValueError(f"{tool}: something of {', '.join(missing)} is missing") from error
        raise


def _as_it_is(value: object, name: str) -> object:
    return value


def _numbers(value: object, name: str, most: int = 2 * MAX_POINTS) -> npt.NDArray[Any]:
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        if len(raw) % 4 or len(raw) > 4 * most:
            raise ValueError(
                f"{name}: int32 numbers, at most {most}, were wanted, got {len(raw)} bytes"
            )
        return np.frombuffer(raw, dtype="<i4")
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name}: a list of integers was wanted, got {_shown(value)}")
    if len(value) > most:
        raise ValueError(f"{name}: at most {most} numbers were wanted, got {len(value)}")
    # One by one: numpy would take [1, true] and [1, 2.0] for numbers of one kind.
    for each in value:
        if type(each) is not int:
            raise TypeError(f"{name}: integers alone were wanted, got also {_shown(each)}")
        if not -(1 << 31) <= each < 1 << 31:
            raise ValueError(f"{name}: 32-bit integers were wanted, got a larger number")
    return np.array(value, dtype=np.int64)


def _positions(value: object, name: str) -> npt.NDArray[Any]:
    numbers = _numbers(value, name)
    if len(numbers) % 2:
        raise ValueError(f"{name}: x and y in turn were wanted, got {len(numbers)} numbers")
    return numbers.reshape(-1, 2)


def _one_or_many(value: object, name: str) -> object:
    return value if isinstance(value, int) else _numbers(value, name, MAX_POINTS)


def _index_list(value: object, name: str) -> tuple[int, ...] | None:
    return None if value is None else tuple(_numbers(value, name, 256).tolist())


def _box(value: object, name: str) -> Box:
    sides = _numbers(value, name, 4).tolist()
    if len(sides) != 4:
        raise ValueError(f"{name}: top, left, bottom and right were wanted, got {len(sides)}")
    return Box(*sides)


def _pairs(value: object, name: str) -> tuple[tuple[int, int], ...]:
    numbers = _numbers(value, name, 256).tolist()
    if len(numbers) % 2:
        raise ValueError(f"{name}: indices two by two were wanted, got {len(numbers)}")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _protected(value: object, name: str) -> tuple[int, ...]:
    return _index_list(value, name) or ()


_READERS: dict[str, Callable[[object, str], object]] = {
    "points": _positions,
    "at": _numbers,
    "sizes": _one_or_many,
    "only": _index_list,
    "protect": _protected,
    "classes": _index_list,
    "target": _box,
    "pairs": _pairs,
}


def _only_known(record: Mapping[Any, Any], known: set[str], name: str) -> None:
    unknown = [each for each in record if each not in known]
    if unknown:
        wanted = ", ".join(sorted(known))
        raise ValueError(f"{name}: {wanted} are known, got also {_shown(unknown[0])}")


def _shown(value: object) -> str:
    """A stranger's value, cut short and on one line."""
    if value is None or isinstance(value, (bool, float)):
        return repr(value)
    if isinstance(value, str):
        return ascii(value[:40])
    return type(value).__name__
