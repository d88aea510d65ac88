"""Draws on a pad in a page with the mouse, as a person would."""

from __future__ import annotations

import numpy as np
from playwright.sync_api import Page
from scipy import ndimage


class Hand:
    """A hand at the pad of a page.

    Args:
        page: with one pad in it.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._canvas = page.locator(".smis-surface")
        self._canvas.scroll_into_view_if_needed()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a place of the canvas (fractions of its side) lies in the page."""
        box = self._canvas.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def press(self, *keys: str) -> None:
        """Press keys with the pad focused."""
        self._canvas.focus()
        for key in keys:
            self._page.keyboard.press(key)

    def stroke(self, *points: tuple[float, float], steps: int = 6) -> None:
        """Draw a line through places of the canvas."""
        self._page.mouse.move(*self.at(*points[0]))
        self._page.mouse.down()
        for point in points[1:] or points:
            self._page.mouse.move(*self.at(*point), steps=steps)
        self._page.mouse.up()

    def cover(self, region: np.ndarray, diameter: int) -> np.ndarray:
        """Cover a region with strokes of a brush that stays inside of it.

        Args:
            region: bool [H, W], at the map's resolution.
            diameter: of the brush in pixels of the map.

        Returns:
            What the strokes must have painted, bool [H, W]: all within reach of their middle lines.
        """
        side = region.shape[0]
        inside = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
        middles = inside >= diameter / 2
        assert middles.any(), "the brush is too large for the region"
        touched = np.zeros_like(region)
        rows = np.flatnonzero(middles.any(axis=1))
        chosen = sorted({*rows[:: max(1, diameter // 2)].tolist(), int(rows[-1])})
        for row in chosen:
            runs, count = ndimage.label(middles[row])
            for run in range(1, count + 1):
                columns = np.flatnonzero(runs == run)
                first, last = int(columns[0]), int(columns[-1])
                y = (row + 0.5) / side
                self.stroke(((first + 0.5) / side, y), ((last + 0.5) / side, y), steps=2)
                touched[row, first : last + 1] = True
        # One pixel less than the brush: mouse positions are whole pixels of the page.
        return ndimage.distance_transform_edt(~touched) <= diameter / 2 - 1
