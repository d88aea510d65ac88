"""Taking turns: a lock that is handed over in the order in which it was asked for."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from types import TracebackType


class Turns:
    """A fair lock, used as ``with turns:``; the thread that has the turn may ask again.

    Python's own lock goes to whoever comes first when it is free: a loop that lets go of it and
    takes it again at once, as a job does between two steps, would starve everybody else.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._owner: int | None = None
        self._depth = 0

    def __enter__(self) -> Turns:
        me = threading.get_ident()
        with self._changed:
            if self._owner != me:
                ticket = object()
                self._waiting.append(ticket)
                try:
                    self._changed.wait_for(
                        lambda: self._owner is None and self._waiting[0] is ticket
                    )
                finally:
                    # Also when an interrupt ends the waiting: who stands behind must not wait on.
                    self._waiting.remove(ticket)
                    self._changed.notify_all()
                self._owner = me
            self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._depth -= 1
            if self._depth == 0:
                self._owner = None
                self._changed.notify_all()


_TURNS: dict[int, Turns] = {}
_TURNS_LOCK = threading.Lock()


def turns_of(thing: object) -> Turns:
    """The one lock of a network (or whatever several jobs and widgets compute with).

    Args:
        thing: anything that can be weakly referenced, such as a generator; it is not kept alive.

    Returns:
        The same lock each time, for as long as ``thing`` lives.

    Raises:
        TypeError: ``thing`` cannot be weakly referenced.
    """
    key = id(thing)
    with _TURNS_LOCK:
        if key not in _TURNS:
            weakref.finalize(thing, _TURNS.pop, key, None)
            _TURNS[key] = Turns()
        return _TURNS[key]
