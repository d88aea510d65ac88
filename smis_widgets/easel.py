"""The canvas of the pad: a picture, the mask over it, and the outline of the brush."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
from ipycanvas import Canvas, MultiCanvas

from smis_core.labels import UNPAINTED
from smis_widgets.painter import PAINTER
from smis_widgets.sketch import Box, Sketch

CANVAS_SIDE = 512
"""The canvas has at least this many pixels a side, whatever the map's own resolution."""

Point = tuple[float, float]
"""(x, y) in fractions of the side, (0, 0) at the top left."""

_PICTURE, _MASK, _CURSOR = range(3)


class Easel:
    """Shows a sketch on a `MultiCanvas`.

    What changes is only noted here; the painter's thread composes and sends it, so that any thread
    may call.

    Args:
        sketch: what is shown.
        on_failure: called on the painter's thread with the exception when drawing fails.
    """

    def __init__(self, sketch: Sketch, on_failure: Callable[[Exception], None]) -> None:
        self._sketch = sketch
        self._lock = threading.Lock()
        self._due_mask: Box | None = None
        self._due_cursor = self._due_picture = False
        self._underlay: np.ndarray | None = None
        self._opacity = 1.0
        self._cursor: tuple[Point, float] | None = None
        self.paint_failed = on_failure
        side = self._side()
        self.canvas = MultiCanvas(3, width=side, height=side)
        # In a box a canvas is stretched unless it has a width of its own.
        self.canvas.layout = widgets.Layout(width="100%", height="auto")
        self.canvas.add_class("smis-canvas")

    def place(self, x: float, y: float) -> Point:
        """Canvas pixels, as events report them, as fractions of the side."""
        return x / self.canvas.width, y / self.canvas.width

    def redraw(self) -> None:
        """Draw everything again: the page was reloaded, or the whole map changed."""
        side = self._side()
        if side != self.canvas.width:
            self.canvas.width = self.canvas.height = side
        self._request(mask=self._sketch.whole(), cursor=True, picture=True)

    def draw(self, box: Box | None) -> None:
        """Draw the part of the sketch that changed."""
        if box is not None:
            self._request(mask=box)

    def show_picture(self, picture: np.ndarray | None, opacity: float) -> None:
        """Lay the mask over a picture, uint8 [H, W, 3]; without one it is opaque."""
        with self._lock:
            changed = picture is not self._underlay
            self._underlay = picture
            self._opacity = 1.0 if picture is None else opacity
        self._request(mask=self._sketch.whole(), picture=changed)

    def show_cursor(self, point: Point | None, diameter: float) -> None:
        """Outline the brush, its diameter in pixels of the map; nowhere if the point is None."""
        with self._lock:
            self._cursor = None if point is None else (point, diameter)
        self._request(cursor=True)

    def compose(self) -> tuple[Canvas, Callable[[], None]] | None:
        """What the painter draws next, see `smis_widgets.painter.Surface`."""
        with self._lock:
            mask, cursor, picture = self._due_mask, self._due_cursor, self._due_picture
            self._due_mask, self._due_cursor, self._due_picture = None, False, False
            underlay, outline = self._underlay, self._cursor
            table = self._table()
        if mask is None and not cursor and not picture:
            return None
        side = self.canvas.width
        patch = None if mask is None else table[self._sketch.patch(mask)]
        below = (
            None if underlay is None else np.dstack([underlay, np.full_like(underlay[..., 0], 255)])
        )

        def draw() -> None:
            if picture:
                layer = self.canvas[_PICTURE]
                layer.clear()
                if below is not None:
                    _put(layer, below, 0, 0, side / below.shape[0], smooth=True)
            if mask is not None and patch is not None:
                pixel = side / self._sketch.side
                _put(self.canvas[_MASK], patch, mask.left, mask.top, pixel, smooth=False)
            if cursor:
                self._draw_cursor(self.canvas[_CURSOR], outline)

        return self.canvas[_CURSOR], draw

    def _request(
        self, *, mask: Box | None = None, cursor: bool = False, picture: bool = False
    ) -> None:
        with self._lock:
            self._due_mask = self._due_mask if mask is None else mask.union(self._due_mask)
            self._due_cursor |= cursor
            self._due_picture |= picture
        PAINTER.request(self)

    def _side(self) -> int:
        """A whole number of canvas pixels for each pixel of the map, so that no seams appear."""
        return self._sketch.side * -(-CANVAS_SIDE // self._sketch.side)

    def _table(self) -> np.ndarray:
        alpha = np.full((256, 1), round(255 * self._opacity), np.uint8)
        alpha[UNPAINTED] = 0
        return np.concatenate([self._sketch.palette.colour_table(), alpha], axis=1)

    def _draw_cursor(self, layer: Canvas, outline: tuple[Point, float] | None) -> None:
        layer.clear()
        if outline is None:
            return
        (x, y), diameter = outline
        side = self.canvas.width
        radius = max(diameter / 2 * side / self._sketch.side, 2.0)
        for colour, width in (("rgba(255, 255, 255, 0.9)", 3), ("rgba(20, 20, 30, 0.9)", 1)):
            layer.stroke_style = colour
            layer.line_width = width
            layer.stroke_circle(x * side, y * side, radius)


def _put(
    layer: Canvas, rgba: np.ndarray, left: int, top: int, scale: float, *, smooth: bool
) -> None:
    """Put pixels on a layer, enlarged; without alpha they would travel as JPEG."""
    height, width = rgba.shape[:2]
    layer.save()
    layer.scale(scale, scale)
    layer.image_smoothing_enabled = smooth
    layer.clear_rect(left, top, width, height)
    layer.put_image_data(rgba, left, top)
    layer.restore()
