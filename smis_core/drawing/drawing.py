"""A label map that is drawn on: operations in, label maps out, with undo and redo."""

from __future__ import annotations

import numpy as np

from smis_core.drawing.applying import change
from smis_core.drawing.floods import edge_strength
from smis_core.drawing.history import History, Patch, Sheet, Sheets, Step, limit_for
from smis_core.drawing.messages import Command
from smis_core.drawing.operations import (
    Box,
    CopyFrom,
    Mirror,
    MoveRegion,
    Operation,
    Painting,
    SmartFill,
)
from smis_core.images import UInt8Array
from smis_core.labels import UNPAINTED, LabelMap, Palette


class Drawing:
    """Class indices, their palette, and all that was done to them.

    Several operations may be one step: ``begin``, any number of ``apply``, then ``end`` or
    ``cancel``. Not safe on several threads at once: hold a lock.

    Args:
        labels: the map to start from, of any size.
        origin: what the drawing was made from, as a text that means something to the caller; undo
            brings the one back that belongs to the map.
        limit_bytes: memory for the history; None: three times the map, at least 1 MiB.
    """

    def __init__(
        self, labels: LabelMap, *, origin: str = "", limit_bytes: int | None = None
    ) -> None:
        self._indices = labels.indices.copy()
        self._palette = labels.palette
        self._origin = origin
        self._limit_bytes = limit_bytes
        self.history = History(limit_bytes or limit_for(self.shape))
        self.masks = Sheets()
        """Masks that ``CopyFrom`` may name, uint8 [H, W] in this palette."""
        self._picture: UInt8Array | None = None
        self._edges: UInt8Array | None = None
        self._open: UInt8Array | None = None
        self._open_box: Box | None = None
        self._holder: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self._indices.shape[0]), int(self._indices.shape[1])

    @property
    def whole(self) -> Box:
        """The box of the whole map."""
        return Box(0, 0, *self.shape)

    @property
    def palette(self) -> Palette:
        """What the indices mean."""
        return self._palette

    @property
    def origin(self) -> str:
        """What the present map was made from."""
        return self._origin

    @property
    def can_undo(self) -> bool:
        """Whether there is a finished step behind."""
        return bool(self.history.done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step ahead."""
        return bool(self.history.undone)

    @property
    def open(self) -> bool:
        """Whether a step has begun and not ended."""
        return self._open is not None

    def labels(self) -> LabelMap:
        """The map as it is now, an unfinished step included."""
        return LabelMap(self._indices, self._palette)

    def patch(self, box: Box) -> UInt8Array:
        """A copy of the indices within a box."""
        return self._indices[box.slices].copy()

    def look_at(self, picture: UInt8Array | None) -> None:
        """Lay a picture under the map for ``SmartFill``: uint8 [H, W, 3] of its size, or None.

        Raises:
            ValueError: the picture is no such array.
        """
        if picture is not None and picture.shape != (*self.shape, 3):
            raise ValueError(
                f"picture: {[*self.shape, 3]} was wanted, as the map, got {list(picture.shape)}"
            )
        if picture is not self._picture:
            self._picture, self._edges = picture, None

    def apply(self, operation: Operation) -> Box | None:
        """Carry an operation out: within the step that is open, or as a step of its own.

        Returns:
            The smallest box around what changed, None if nothing did.

        Raises:
            ValueError: the operation paints a class that the palette has not, or cannot be done
                (no picture for a ``SmartFill``, no such mask for a ``CopyFrom``).
        """
        self._refuse_unknown(operation)
        if isinstance(operation, SmartFill) and self._edges is None and self._picture is not None:
            self._edges = edge_strength(self._picture)
        changed = change(self._indices, operation, edges=self._edges, masks=self.masks)
        if changed is None:
            return None
        box, pixels = changed
        difference = self._indices[box.slices] ^ pixels
        self._indices[box.slices] = pixels
        if self._open is None:
            self.history.record(Step(Patch.of(box, difference)))
        else:
            self._open[box.slices] ^= difference
            self._open_box = box.union(self._open_box)
        return box

    def begin(self) -> None:
        """Begin a step of several operations; one that is open is ended first."""
        self.end()
        self._open = np.zeros_like(self._indices)

    def end(self) -> bool:
        """End the open step; returns whether it changed anything and so can be undone."""
        difference, box = self._open, self._open_box
        self._open = self._open_box = self._holder = None
        if difference is None or box is None or not difference[box.slices].any():
            return False
        self.history.record(Step(Patch.of(box, difference[box.slices])))
        return True

    def cancel(self) -> Box | None:
        """Take back what the open step did; returns the box that changed."""
        difference, box = self._open, self._open_box
        self._open = self._open_box = self._holder = None
        if difference is not None and box is not None:
            self._indices[box.slices] ^= difference[box.slices]
        return box

    def obey(self, command: Command) -> Box | None:
        """Do what a message from a view asks for.

        Pieces of a stroke (``more``) are one step. A view that draws while another's stroke is
        under way ends that step, so that each can be undone by itself.

        Returns:
            The box that changed, None if nothing did.

        Raises:
            ValueError: as ``apply``.
        """
        if command.act == "cancel":
            return self.cancel() if self._holder == command.view else None
        if command.act != "draw" or command.operation is None:
            self.end()
            return self.undo() if command.act == "undo" else self.redo()
        if self._holder != command.view:
            self.end()
            if command.more:
                self.begin()
                self._holder = command.view
        try:
            return self.apply(command.operation)
        finally:
            if not command.more:
                self.end()

    def replace(self, labels: LabelMap, *, origin: str = "") -> bool:
        """Take another map, of any size and palette. Undo brings the former one back.

        Returns:
            Whether anything changed.
        """
        return self._become(labels.indices, labels.palette, origin)

    def repaint(self, palette: Palette, mapping: UInt8Array) -> bool:
        """Take an edited palette.

        Args:
            palette: the new palette.
            mapping: uint8 ``[256]``: the new index of each old one.

        Returns:
            Whether anything changed.
        """
        indices = LabelMap(mapping[self._indices], palette).indices
        return self._become(indices, palette, self._origin)

    def undo(self) -> Box | None:
        """Take the last step back; returns the box that changed, None if there was no step.

        Where palette or size changed with it, that is the whole map.
        """
        self.end()
        step = self.history.back()
        return None if step is None else self._turn(step, 0)

    def redo(self) -> Box | None:
        """Do the step again that was undone last; returns as ``undo``."""
        self.end()
        step = self.history.forth()
        return None if step is None else self._turn(step, 1)

    def _turn(self, step: Step, side: int) -> Box:
        box = self.whole
        if step.palettes is not None:
            self._palette = step.palettes[side]
        if step.origins is not None:
            self._origin = step.origins[side]
        if isinstance(step.change, Patch):
            patch = step.change
            self._indices[patch.box.slices] ^= patch.difference()
            box = patch.box if step.palettes is None else box
        elif step.change is not None:
            self._resize(step.change[side].indices())
            box = self.whole
        return box

    def _become(self, indices: UInt8Array, palette: Palette, origin: str) -> bool:
        self.end()
        resized = indices.shape != self._indices.shape
        change: Patch | tuple[Sheet, Sheet] | None = None
        if resized:
            change = Sheet.of(self._indices), Sheet.of(indices)
        elif not np.array_equal(indices, self._indices):
            change = Patch.of(self.whole, self._indices ^ indices)
        palettes = (self._palette, palette) if palette != self._palette else None
        origins = (self._origin, origin) if origin != self._origin else None
        self._palette, self._origin = palette, origin
        if resized:
            self._resize(indices.copy())
        else:
            self._indices = indices.copy()
        if change is None and palettes is None:
            return False
        self.history.record(Step(change, palettes, origins))
        return True

    def _resize(self, indices: UInt8Array) -> None:
        self._indices = indices
        self._picture = self._edges = None
        self.history.limit_bytes = self._limit_bytes or limit_for(self.shape)

    def _refuse_unknown(self, operation: Operation) -> None:
        wanted: set[int] = set()
        if isinstance(operation, Painting):
            wanted = {operation.index}
        elif isinstance(operation, MoveRegion) and operation.beneath is not None:
            wanted = {operation.beneath}
        elif isinstance(operation, Mirror):
            wanted = {index for pair in operation.pairs for index in pair}
        elif isinstance(operation, CopyFrom) and operation.source in self.masks:
            wanted = set(np.unique(self.masks[operation.source]).tolist())
        unknown = wanted - {*self._palette.indices, UNPAINTED}
        if unknown:
            raise ValueError(
                f"class {min(unknown)}: palette {self._palette.name!r} has no such class; it has: "
                f"{', '.join(map(str, self._palette.indices))}"
            )
