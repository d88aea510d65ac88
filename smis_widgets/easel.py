"""The picture under the mask, on an ipycanvas of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
from ipycanvas import Canvas
from PIL import Image

from smis_widgets.painter import PAINTER

LARGEST_SIDE = 1024
"""Pictures travel pixel by pixel: larger ones are made smaller first."""


class Easel:
    """Shows a picture, or nothing.

    Any thread may call: the painter's thread sends it.

    Args:
        on_failure: called on the painter's thread with the exception when drawing fails.
    """

    def __init__(self, on_failure: Callable[[Exception], None]) -> None:
        self._lock = threading.Lock()
        self._picture: np.ndarray | None = None
        self.paint_failed = on_failure
        self.canvas = Canvas(width=1, height=1)
        # In a box a canvas is stretched unless it has a width of its own.
        self.canvas.layout = widgets.Layout(width="100%", height="100%")
        self.canvas.add_class("smis-canvas")
        self.canvas.on_client_ready(self.redraw)

    def show(self, picture: np.ndarray | None) -> None:
        """Show a picture, uint8 [H, W, 3], or none."""
        with self._lock:
            self._picture = None if picture is None else _small(picture)
        self.redraw()

    def redraw(self) -> None:
        """Send the picture again: the page was reloaded."""
        PAINTER.request(self)

    def compose(self) -> tuple[Canvas, Callable[[], None]]:
        """What the painter draws next, see `smis_widgets.painter.Surface`."""
        with self._lock:
            picture = self._picture
        # Without alpha it would travel as JPEG.
        pixels = None
        if picture is not None:
            pixels = np.dstack([picture, np.full_like(picture[..., 0], 255)])

        def draw() -> None:
            if pixels is None:
                self.canvas.clear()
                return
            height, width = pixels.shape[:2]
            if (self.canvas.width, self.canvas.height) != (width, height):
                self.canvas.width, self.canvas.height = width, height
            self.canvas.put_image_data(pixels, 0, 0)

        return self.canvas, draw


def _small(picture: np.ndarray) -> np.ndarray:
    if max(picture.shape[:2]) <= LARGEST_SIDE:
        return picture
    small = Image.fromarray(picture)
    small.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return np.array(small)
