"""What the interpreter works with: stand-ins for classes, and the rules of dicts and sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .source import Source, Span


class Stub(NamedTuple):
    """What stands in a table for a class or a function."""

    call: Callable[[Source, tuple[Any, ...]], Any] | None = None
    """Makes a value of the arguments; None where it is only a name to hand to others."""

    verbs: frozenset[str] = frozenset({"REDUCE"})
    """The opcodes that may call it."""

    value: Any = None
    """What remains of it where it is not called."""


class Name(NamedTuple):
    """A stub with the name that it was found by."""

    name: str
    stub: Stub


class OpenDict(dict[Any, Any]):
    """A dict of a class of its own, as OrderedDict; attributes that are set on it are dropped."""


class Buildable:
    """Of what BUILD may set the state; one kind of foreign object each."""

    def build(self, source: Source, state: Any) -> None:
        """Take the state, at most once."""
        raise NotImplementedError


def fill(source: Source, target: dict[Any, Any], values: list[Any]) -> None:
    """Put keys and values, in turn, into a dict."""
    if len(values) % 2:
        raise source.damaged("a key of a dict has no value")
    for index in range(0, len(values), 2):
        target[key(source, values[index])] = values[index + 1]


def key(source: Source, value: Any) -> Any:
    """What may be a key, or an element of a set.

    Hashing a tuple goes as deep as the tuple does, and long whole numbers can be chosen so that
    all have one hash: both are ways to hang a reader.
    """
    if type(value) is str and len(value) <= source.limits.name_bytes:
        return value
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    if value is None or type(value) in (bool, float):
        return value
    what = "text" if type(value) in (str, Span) else type(value).__name__
    raise source.refused(f"a long {what} or one of no plain kind is the key of a dict or in a set")
