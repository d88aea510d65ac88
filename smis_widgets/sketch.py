"""The drawing under the pad: one `Drawing` behind a lock, and what its views have sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from smis_core.drawing import (
    UNIT,
    Box,
    Clear,
    Command,
    Drawing,
    Inbox,
    Landmark,
    Mirror,
    Operation,
    Receipt,
)
from smis_core.labels import UNPAINTED, LabelMap, Palette

MANY_ORIGINS = 64
"""From so many on, those that history has forgotten are let go."""


@dataclass(frozen=True)
class Change:
    """What a command did."""

    box: Box | None
    """Where the map changed; None if it did not."""
    whole: bool = False
    """Whether size or palette changed with it: then nothing of the former map holds."""
    refusal: str = ""
    """Why the command was not carried out."""


@dataclass(frozen=True)
class Point:
    """A landmark."""

    number: int
    """In the order in which the classes were first placed, from 1."""
    index: int
    """Its class."""
    x: int
    """Position in sixteenths of a pixel, to the right."""
    y: int
    """Position in sixteenths of a pixel, down."""


class Sketch:
    """A square map of class indices that is drawn on. Calls may come from several threads.

    Args:
        labels: the map to start from.
    """

    def __init__(self, labels: LabelMap) -> None:
        self.lock = threading.RLock()
        """Held by whoever needs several calls to belong together."""
        self._drawing = Drawing(labels)
        self._inbox = Inbox()
        self._origins: dict[str, Any] = {"": None}
        self._placed: dict[int, list[tuple[int, int]]] = {}
        self._picture: np.ndarray | None = None
        self._fitted: np.ndarray | None = None

    @property
    def palette(self) -> Palette:
        return self._drawing.palette

    @property
    def side(self) -> int:
        return self._drawing.shape[0]

    @property
    def origin(self) -> Any:
        """What the drawing was opened from, see `replace`; None if it began as nothing known."""
        return self._origins[self._drawing.origin]

    @property
    def can_undo(self) -> bool:
        return self._drawing.can_undo or self._drawing.open

    @property
    def can_redo(self) -> bool:
        return self._drawing.can_redo

    @property
    def has_previous(self) -> bool:
        """Whether there is a mask before this one to copy from."""
        return "previous" in self._drawing.masks

    @property
    def drawing(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._drawing.open

    def labels(self) -> LabelMap:
        """The map as it is now, an unfinished stroke included."""
        with self.lock:
            return self._drawing.labels()

    def patch(self, box: Box) -> np.ndarray:
        """A copy of the indices within a box, uint8."""
        with self.lock:
            return self._drawing.patch(box)

    def whole(self) -> Box:
        return self._drawing.whole

    def look_at(self, picture: np.ndarray | None) -> None:
        """Take the picture, uint8 [H, W, 3], whose edges hold a smart fill."""
        with self.lock:
            self._picture, self._fitted = picture, None
            self._see()

    def open(self, view: str) -> None:
        """Begin to listen to a view; once more changes nothing."""
        with self.lock:
            if view not in self._inbox.views:
                self._inbox.open(view)

    def receive(self, message: object) -> tuple[Receipt, Iterator[Change]]:
        """Take in what a view sent.

        Returns:
            Its receipt, and its commands' changes: each is made when it is asked for.
        """
        with self.lock:
            receipt = self._inbox.receive(message)
        return receipt, (self._obey(command) for command in receipt.commands)

    def draw(self, operation: Operation, *, more: bool = False) -> Change:
        """Carry an operation out as a program's own view; with `more` the step goes on."""
        return self._obey(Command("", 0, "draw", operation, more))

    def replace(self, labels: LabelMap, *, origin: Any = None) -> bool:
        """Take another map, of any square size, and remember what it comes from.

        Undo brings the former one back. Returns whether anything changed.
        """
        with self.lock:
            before = self._drawing.labels()
            name = "" if origin is None else f"{id(origin)}"
            self._origins[name] = origin
            self._forget()
            changed = self._drawing.replace(labels, origin=name)
            if changed:
                self._remember(before)
            return changed

    def repaint(self, palette: Palette, mapping: np.ndarray) -> bool:
        """Take an edited palette; `mapping` gives the new index of each old one."""
        with self.lock:
            self._drawing.masks.clear()
            return self._drawing.repaint(palette, mapping)

    def undo(self) -> Change:
        return self._obey(Command("", 0, "undo"))

    def redo(self) -> Change:
        return self._obey(Command("", 0, "redo"))

    def clear(self) -> bool:
        """Make the whole map unpainted; it then comes from nothing."""
        size = (self.side, self.side)
        return self.replace(LabelMap(np.full(size, UNPAINTED, np.uint8), self.palette))

    def points(self) -> list[Point]:
        """The landmarks that are on the map now."""
        with self.lock:
            found = []
            for number, (index, places) in enumerate(self._placed.items(), 1):
                for x, y in reversed(places):
                    if self._at(x // UNIT, y // UNIT) == index:
                        found.append(Point(number, index, x, y))
                        break
            return found

    def _at(self, column: int, row: int) -> int:
        inside = 0 <= column < self.side and 0 <= row < self.side
        if not inside:
            return -1
        return int(self._drawing.patch(Box(row, column, row + 1, column + 1)).item())

    def _obey(self, command: Command) -> Change:
        with self.lock:
            operation = command.operation
            shape, palette = self._drawing.shape, self._drawing.palette
            if isinstance(operation, Clear) and operation.only is None and not operation.protect:
                return Change(self.whole() if self.clear() else None)
            if isinstance(operation, Mirror) and not operation.pairs:
                pairs = palette.left_right_pairs()
                command = replace(command, operation=replace(operation, pairs=pairs))
            try:
                box = self._drawing.obey(command)
            except ValueError as error:
                return Change(None, refusal=str(error))
            if isinstance(operation, Landmark) and box is not None:
                x, y = operation.at.tolist()
                self._placed.setdefault(operation.index, []).append((x, y))
            whole = self._drawing.shape != shape or self._drawing.palette != palette
            if whole:
                self._see()
            return Change(box, whole)

    def _forget(self) -> None:
        """Let go of origins that no step leads back to."""
        if len(self._origins) < MANY_ORIGINS:
            return
        history = self._drawing.history
        steps = (*history.done, *history.undone)
        kept = {name for step in steps for name in step.origins or ()}
        kept |= {"", self._drawing.origin, list(self._origins)[-1]}
        self._origins = {name: each for name, each in self._origins.items() if name in kept}

    def _remember(self, labels: LabelMap) -> None:
        masks = self._drawing.masks
        if labels.palette == self.palette and labels.height == self.side and labels.present():
            masks["previous"] = labels.indices
        elif "previous" in masks:
            del masks["previous"]
        self._see()

    def _see(self) -> None:
        size = (self.side, self.side)
        if self._picture is None:
            self._fitted = None
        elif self._picture.shape[:2] == size:
            self._fitted = self._picture
        elif self._fitted is None or self._fitted.shape[:2] != size:
            self._fitted = np.array(Image.fromarray(self._picture).resize(size))
        self._drawing.look_at(self._fitted)
