"""In order, none lost, none twice: messages from several views of one pad."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smis_core.drawing.messages import Command, read_command, read_envelope
from smis_core.drawing.operations import CopyFrom, MoveRegion, Polygon, Stroke

WINDOW = 64
"""Messages that may come too early and are kept; later ones are asked for again."""

MAX_HELD_POINTS = 1 << 18
"""Points in kept messages of all views together (3 MB)."""

MAX_VIEWS = 32
"""Views that are open at once; another one closes the one that was silent for longest."""


@dataclass(frozen=True)
class Receipt:
    """What came of a message; ``acknowledgement`` goes back to the front end."""

    commands: tuple[Command, ...] = ()
    """To be carried out now, in this order."""
    view: str | None = None
    """The view to answer; None where the message did not name an open one."""
    through: int = -1
    """All messages up to this number have come; the front end may forget them."""
    missing: tuple[int, ...] = ()
    """Numbers that are wanted again, because later ones are here."""
    refusals: tuple[str, ...] = ()
    """What was wrong with messages, each a sentence for the pad."""

    @property
    def acknowledgement(self) -> dict[str, Any] | None:
        """``{"view", "through", "missing"}`` as JSON takes it."""
        if self.view is None:
            return None
        return {"view": self.view, "through": self.through, "missing": list(self.missing)}


@dataclass
class _View:
    expected: int = 0
    held: dict[int, Command | str] = field(default_factory=dict)


class Inbox:
    """Puts the messages of each view into their order and lets each through once.

    A message that is refused for what it says uses up its number all the same, so that the
    stroke after it is not held up. Not safe on several threads at once: hold a lock.
    """

    def __init__(self) -> None:
        self._views: dict[str, _View] = {}

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the open views, the one that was silent for longest first."""
        return tuple(self._views)

    def open(self, view: str) -> None:
        """Begin to listen to a view, from its message 0. A reloaded page is another view.

        Raises:
            TypeError: its name is no text of 1 to 64 characters.
        """
        read_envelope({"view": view, "sequence": 0})
        self._views.pop(view, None)
        while len(self._views) >= MAX_VIEWS:
            del self._views[next(iter(self._views))]
        self._views[view] = _View()

    def close(self, view: str) -> None:
        """Listen to a view no longer; what it sends from now on is refused."""
        self._views.pop(view, None)

    def receive(self, message: object) -> Receipt:
        """Take a message in, whatever it is; nothing is raised.

        Args:
            message: what came from the browser, see ``read_command``.

        Returns:
            The commands whose turn has come, none of them for the second time.
        """
        try:
            name, sequence = read_envelope(message)
        except (TypeError, ValueError) as error:
            return Receipt(refusals=(str(error),))
        view = self._views.pop(name, None)
        if view is None:
            sentence = "message: from a view that is not open (an old page?); reload the pad"
            return Receipt(refusals=(sentence,))
        # Back in as the last: the order of the views says which was silent for longest.
        self._views[name] = view
        if view.expected <= sequence < view.expected + WINDOW and sequence not in view.held:
            content = _judged(message)
            if sequence == view.expected or self._room(content):
                view.held[sequence] = content
        commands, refusals = [], []
        while view.expected in view.held:
            content = view.held.pop(view.expected)
            view.expected += 1
            if isinstance(content, str):
                refusals.append(content)
            else:
                commands.append(content)
        return Receipt(
            tuple(commands), name, view.expected - 1, _gaps(view, sequence), tuple(refusals)
        )

    def _room(self, content: Command | str) -> bool:
        held = sum(_weight(each) for view in self._views.values() for each in view.held.values())
        return held + _weight(content) <= MAX_HELD_POINTS


def _judged(message: object) -> Command | str:
    try:
        return read_command(message)
    except (TypeError, ValueError) as error:
        return str(error)


def _weight(content: Command | str) -> int:
    operation = None if isinstance(content, str) else content.operation
    if isinstance(operation, (Stroke, Polygon, MoveRegion, CopyFrom)):
        return len(operation.points)
    return 1


def _gaps(view: _View, sequence: int) -> tuple[int, ...]:
    last = min(max([sequence, *view.held]), view.expected + WINDOW - 1)
    return tuple(each for each in range(view.expected, last + 1) if each not in view.held)
