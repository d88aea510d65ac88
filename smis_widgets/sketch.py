"""The drawing under the pad: class indices, strokes, filling and history. It knows no widget."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from smis_core.labels import UNPAINTED, LabelMap, Palette

HISTORY_STEPS = 100


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows top to bottom - 1, columns left to right - 1."""

    top: int
    left: int
    bottom: int
    right: int

    def union(self, other: Box | None) -> Box:
        if other is None:
            return self
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


class Sketch:
    """A square map of class indices that is drawn on.

    Every pixel holds exactly one index of the palette or 255 (not painted); nothing is blended.
    Positions are fractions of the side, (0, 0) at the top left, so that they do not depend on how
    large the pad is shown. Calls may come from several threads.

    Args:
        labels: the map to start from.
    """

    def __init__(self, labels: LabelMap) -> None:
        self._lock = threading.RLock()
        self._undo: list[tuple[np.ndarray, Any]] = []
        self._redo: list[tuple[np.ndarray, Any]] = []
        self._palette = labels.palette
        self._indices = labels.indices.copy()
        self._origin: Any = None
        self._stroke_base: np.ndarray | None = None

    @property
    def palette(self) -> Palette:
        return self._palette

    @property
    def side(self) -> int:
        return int(self._indices.shape[0])

    @property
    def origin(self) -> Any:
        """What the drawing was opened from, see `replace`; None if it began as nothing known."""
        return self._origin

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    @property
    def drawing(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._stroke_base is not None

    def labels(self) -> LabelMap:
        """The map as it is now, an unfinished stroke included."""
        with self._lock:
            return LabelMap(self._indices, self._palette)

    def patch(self, box: Box) -> np.ndarray:
        """A copy of the indices within a box, uint8."""
        with self._lock:
            return self._indices[box.slices].copy()

    def whole(self) -> Box:
        return Box(0, 0, self.side, self.side)

    def at(self, x: float, y: float) -> int:
        """The index under a position."""
        with self._lock:
            row, column = self._pixel(y), self._pixel(x)
            return int(self._indices[row, column])

    def begin_stroke(self) -> None:
        """Start a stroke: all segments until `end_stroke` are undone together."""
        with self._lock:
            if self._stroke_base is None:
                self._stroke_base = self._indices.copy()

    def segment(
        self,
        start: tuple[float, float],  # (x, y), fractions of the side
        end: tuple[float, float],
        *,
        index: int,
        diameter: float,  # in pixels of the map
    ) -> Box | None:
        """Draw a straight piece of a stroke, round at both ends and not antialiased.

        Returns:
            The box that changed, or None if the piece lies outside of the map.
        """
        with self._lock:
            return self._capsule(start, end, index, diameter)

    def end_stroke(self) -> bool:
        """Finish the stroke. Returns whether it changed anything; only then it can be undone."""
        with self._lock:
            base, self._stroke_base = self._stroke_base, None
            if base is None or np.array_equal(base, self._indices):
                return False
            self._remember(base)
            return True

    def fill(self, x: float, y: float, *, index: int) -> bool:
        """Give the connected region of one class around a position another class."""
        with self._lock:
            row, column = self._pixel(y), self._pixel(x)
            before = self._indices[row, column]
            if before == index:
                return False
            regions, _ = ndimage.label(self._indices == before)
            filled = self._indices.copy()
            filled[regions == regions[row, column]] = index
            return self._change(filled, self._origin)

    def clear(self) -> bool:
        """Make the whole map unpainted; it then comes from nothing."""
        with self._lock:
            return self._change(np.full_like(self._indices, UNPAINTED), None)

    def replace(self, labels: LabelMap, *, origin: Any = None) -> bool:
        """Take another map, of any square size, and remember what it comes from.

        Undo brings the former one back, except from under another palette, where its indices mean
        other things.
        """
        with self._lock:
            self._stroke_base = None
            if labels.palette != self._palette:
                self._palette, self._indices = labels.palette, labels.indices.copy()
                self._origin = origin
                self._undo.clear()
                self._redo.clear()
                return True
            return self._change(labels.indices.copy(), origin)

    def undo(self) -> bool:
        with self._lock:
            return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        with self._lock:
            return self._step(self._redo, self._undo)

    def _step(
        self, source: list[tuple[np.ndarray, Any]], target: list[tuple[np.ndarray, Any]]
    ) -> bool:
        if not source or self.drawing:
            return False
        target.append((self._indices, self._origin))
        self._indices, self._origin = source.pop()
        return True

    def _change(self, indices: np.ndarray, origin: Any) -> bool:
        changed = not np.array_equal(indices, self._indices)
        if changed:
            self._remember(self._indices)
        self._indices, self._origin = indices, origin
        return changed

    def _remember(self, indices: np.ndarray) -> None:
        self._undo.append((indices, self._origin))
        del self._undo[:-HISTORY_STEPS]
        self._redo.clear()

    def _pixel(self, fraction: float) -> int:
        return min(max(int(fraction * self.side), 0), self.side - 1)

    def _capsule(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        index: int,
        diameter: float,
    ) -> Box | None:
        side = self.side
        ends = np.array([start, end], dtype=np.float64) * side
        radius = diameter / 2
        low = np.floor(ends.min(axis=0) - radius).astype(int).clip(0, side)
        high = (np.ceil(ends.max(axis=0) + radius).astype(int) + 1).clip(0, side)
        if (low >= high).any():
            return None
        box = Box(int(low[1]), int(low[0]), int(high[1]), int(high[0]))
        xs = np.arange(box.left, box.right) + 0.5
        ys = np.arange(box.top, box.bottom)[:, None] + 0.5
        direction = ends[1] - ends[0]
        length = float(direction @ direction)
        along = (xs - ends[0, 0]) * direction[0] + (ys - ends[0, 1]) * direction[1]
        along = (along / length).clip(0, 1) if length else np.zeros_like(along)
        gap_x = xs - ends[0, 0] - along * direction[0]
        gap_y = ys - ends[0, 1] - along * direction[1]
        inked = gap_x**2 + gap_y**2 <= radius**2
        # A thin brush can pass between pixel centres: the pixels that the line crosses always
        # count.
        steps = int(2 * np.abs(direction).max()) + 2
        line = np.floor(ends[0] + np.linspace(0, 1, steps)[:, None] * direction).astype(int)
        line = line[((line >= low) & (line < high)).all(axis=1)]
        inked[line[:, 1] - box.top, line[:, 0] - box.left] = True
        self._indices[box.slices][inked] = index
        return box
