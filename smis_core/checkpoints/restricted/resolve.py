"""From what the interpreter built to plain values: the only step that reads numbers."""

from __future__ import annotations

from typing import Any

from .arrays import Array, DType, Scalar
from .objects import Dropped, Network, Record
from .source import Source, Span
from .stubs import Name, OpenDict
from .tensors import Storage, View

_PLAIN = frozenset({int, float, str, bool, type(None), set})
_LEAVES = (Array, Scalar, Storage, View)


def resolve(source: Source, root: Any) -> Any:
    """Replace spans, arrays, tensors and records by what they stand for.

    The structure may share parts but not contain itself, so that whoever walks it comes to an
    end; its depth and its size with shared parts counted each time are bounded.
    """
    return _Resolver(source).run(root)


class _Resolver:
    def __init__(self, source: Source) -> None:
        self._source = source
        # Results by the identity of what they replace, with height and number of values below.
        # All that is looked up was made before the first result, so identities are unique.
        self._done: dict[int, tuple[Any, int, int]] = {}
        self._open: set[int] = set()

    def run(self, root: Any) -> Any:
        """The value for a root; no recursion, since the file decides how deep it goes."""
        pending: list[tuple[Any, list[Any] | None]] = [(root, None)]
        while pending:
            node, parts = pending.pop()
            if type(node) in _PLAIN or id(node) in self._done:
                continue
            if parts is not None:
                self._close(node, parts)
                continue
            parts = _parts(node)
            if parts is None:
                self._done[id(node)] = (self._leaf(node), 0, 1)
                continue
            if id(node) in self._open:
                raise self._source.refused("a structure that contains itself")
            self._open.add(id(node))
            pending.append((node, parts))
            pending.extend((part, None) for part in parts if type(part) not in _PLAIN)
        return self._result(root)[0]

    def _result(self, node: Any) -> tuple[Any, int, int]:
        return (node, 0, 1) if type(node) in _PLAIN else self._done[id(node)]

    def _close(self, node: Any, parts: list[Any]) -> None:
        """Make a container's result of its parts' results."""
        limits = self._source.limits
        values, height, count = [], 1, 1
        for part in parts:
            value, below, size = self._result(part)
            values.append(value)
            height = max(height, below + 1)
            count += size
        if height > limits.depth:
            raise self._source.refused(f"more than {limits.depth} containers in each other")
        if count > limits.tree:
            raise self._source.refused(
                f"more than {limits.tree:,} values if shared ones are repeated"
            )
        self._open.discard(id(node))
        self._done[id(node)] = (_rebuilt(self._source, node, values), height, count)

    def _leaf(self, node: Any) -> Any:
        if isinstance(node, _LEAVES):
            return node.value(self._source)
        if type(node) is Span:
            return node.decode() if node.text else node.tobytes()
        if type(node) is Dropped:
            return None
        if type(node) is DType:
            return str(node.dtype)
        if type(node) is Name:
            if type(node.stub.value) is not str:
                raise self._source.refused(f"{node.name} itself, not a value of it")
            return node.stub.value
        return node


def _parts(node: Any) -> list[Any] | None:
    """The values in a container; None for what is none."""
    if type(node) in (list, tuple):
        return list(node)
    if isinstance(node, dict):
        return list(node.values())
    if type(node) in (Record, Network):
        parts: list[Any] = node.parts
        return parts
    return None


def _rebuilt(source: Source, node: Any, parts: list[Any]) -> Any:
    if type(node) is list:
        node[:] = parts
        return node
    if type(node) is tuple:
        return tuple(parts)
    if type(node) is dict:
        node.update(zip(node, parts, strict=True))
        return node
    if type(node) is OpenDict:
        return dict(zip(node, parts, strict=True))
    return node.value(source, parts)
