"""A history that branches: what was tried is never lost by going back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Generic, TypeVar

State = TypeVar("State")
LIMIT = 200
"""States that are kept by default."""


@dataclass(frozen=True)
class Moment(Generic[State]):
    """One settled state."""

    number: int
    """of its own, counted from 0 in the order of arrival"""
    parent: int | None
    """the moment that it was made from"""
    state: State


@dataclass(frozen=True)
class History(Generic[State]):
    """An immutable tree of states with a current one; every method gives a new history.

    `History.start(state)` begins one. Raises ValueError for moments that make no tree.
    """

    moments: tuple[Moment[State], ...]
    """in the order of arrival, the root first"""
    current: int
    """the number of the state that is shown"""
    ahead: Mapping[int, int]
    """where redo leads: to the child that was last visited, by number"""
    limit: int = LIMIT
    """states that are kept; beyond it the oldest that nothing hangs on is forgotten"""

    def __post_init__(self) -> None:
        if not isinstance(self.limit, int) or self.limit < 2:
            raise ValueError(f"limit: wanted at least 2 states, got {self.limit!r:.40}")
        known: set[int] = set()
        for moment in self.moments:
            orphan = moment.parent is None if known else moment.parent is not None
            if orphan or moment.number in known or (known and moment.parent not in known):
                raise ValueError(f"moments: number {moment.number!r:.40} does not belong to a tree")
            known.add(moment.number)
        if self.current not in known:
            raise ValueError(f"current: wanted one of the moments, got {self.current!r:.40}")

    @classmethod
    def start(cls, state: State, *, limit: int = LIMIT) -> History[State]:
        """A history of one state."""
        return cls((Moment(0, None, state),), 0, {}, limit)

    @property
    def state(self) -> State:
        """The current one."""
        return self[self.current].state

    @property
    def can_undo(self) -> bool:
        """Whether something lies before the current state."""
        return self[self.current].parent is not None

    @property
    def can_redo(self) -> bool:
        """Whether something follows the current state."""
        return bool(self.children(self.current))

    def __len__(self) -> int:
        return len(self.moments)

    def __getitem__(self, number: int) -> Moment[State]:
        """A moment by its number.

        Raises:
            ValueError: there is none, or it was forgotten.
        """
        for moment in self.moments:
            if moment.number == number:
                return moment
        raise ValueError(f"the history has no state {number!r:.40}: it was perhaps forgotten")

    def children(self, number: int) -> tuple[int, ...]:
        """What was made from a moment: its branches, oldest first."""
        return tuple(moment.number for moment in self.moments if moment.parent == number)

    def path(self, number: int | None = None) -> tuple[int, ...]:
        """From the root to a moment; None is the current one."""
        at: int | None = self.current if number is None else number
        way = []
        while at is not None:
            way.append(at)
            at = self[at].parent
        return tuple(reversed(way))

    def add(self, state: State) -> History[State]:
        """A new state made from the current one; it becomes the current one."""
        number = max(moment.number for moment in self.moments) + 1
        moments = (*self.moments, Moment(number, self.current, state))
        grown = replace(
            self, moments=moments, current=number, ahead={**self.ahead, self.current: number}
        )
        return grown._trimmed()

    def undo(self) -> History[State]:
        """The state before; the same history where there is none."""
        parent = self[self.current].parent
        if parent is None:
            return self
        return replace(self, current=parent, ahead={**self.ahead, parent: self.current})

    def redo(self) -> History[State]:
        """The state after, on the branch that was last visited; the same where there is none."""
        children = self.children(self.current)
        if not children:
            return self
        following = self.ahead.get(self.current, children[-1])
        return replace(self, current=following if following in children else children[-1])

    def go(self, number: int) -> History[State]:
        """Another moment, on whichever branch.

        Raises:
            ValueError: there is none, or it was forgotten.
        """
        way = self.path(number)
        ahead = {**self.ahead, **dict(pairwise(way))}
        return replace(self, current=number, ahead=ahead)

    def to_dict(self, encode: Callable[[State], Any]) -> dict[str, Any]:
        """Plain values, ready for JSON.

        Args:
            encode: brings a state to plain values.
        """
        return {
            "moments": [
                {"number": m.number, "parent": m.parent, "state": encode(m.state)}
                for m in self.moments
            ],
            "current": self.current,
            "ahead": [[before, after] for before, after in self.ahead.items()],
            "limit": self.limit,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], decode: Callable[[Any], State]) -> History[State]:
        """The inverse of `to_dict`.

        Args:
            values: as `to_dict` gave them.
            decode: the inverse of its `encode`.

        Raises:
            ValueError: something is missing, or makes no tree.
        """
        try:
            moments = tuple(
                Moment(int(m["number"]), None if m["parent"] is None else int(m["parent"]),
                       decode(m["state"]))
                for m in values["moments"]
            )  # fmt: skip
            ahead = {int(before): int(after) for before, after in values["ahead"]}
            return cls(moments, int(values["current"]), ahead, int(values["limit"]))
        except (AttributeError, KeyError, TypeError) as problem:
            raise ValueError(f"wanted a history as `to_dict` gives it ({problem})") from problem

    def _trimmed(self) -> History[State]:
        history = self
        while len(history.moments) > history.limit:
            kept = set(history.path())
            parents = {moment.parent for moment in history.moments}
            gone = next((m.number for m in history.moments if m.number not in parents | kept), None)
            # A single line has no side branch to forget: its beginning goes.
            root = history.moments[0].number
            forgotten = root if gone is None else gone
            moments = tuple(
                replace(m, parent=None) if m.parent == forgotten else m
                for m in history.moments
                if m.number != forgotten
            )
            ahead = {a: b for a, b in history.ahead.items() if forgotten not in (a, b)}
            history = replace(history, moments=moments, ahead=ahead)
        return history
