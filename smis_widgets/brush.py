"""A region painted over a picture."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
import traitlets

from smis_widgets.shell import STATIC, THEME

SIDE = 256
_MOST = 64


class Brush(anywidget.AnyWidget):
    """A picture on which a region is painted, with undo.

    Keys: Ctrl+Z and Ctrl+Shift+Z, [ and ] for the size, E to paint or to erase.
    """

    _esm = STATIC / "brush.js"
    _css = THEME

    data = traitlets.Bytes(b"").tag(sync=True)
    """The picture underneath as PNG bytes."""

    side = traitlets.Int(SIDE).tag(sync=True)
    """Of the region, in its pixels."""

    region = traitlets.Bytes(bytes(SIDE * SIDE)).tag(sync=True)
    """`side` x `side` bytes: 255 where it is painted, 0 elsewhere. `paint` sets it."""

    author = traitlets.Unicode().tag(sync=True)
    """The view that painted `region`; empty for the kernel."""

    size = traitlets.Int(40, min=1, max=SIDE).tag(sync=True)
    """Width of the brush in pixels of the region."""

    erasing = traitlets.Bool(False).tag(sync=True)
    """Whether the brush takes away."""

    alt = traitlets.Unicode().tag(sync=True)
    """What it is, for those who cannot see it."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._past = [self.region]
        self._present = 0
        self.on_msg(self._on_message)

    @property
    def painted(self) -> np.ndarray:
        """Where it is painted, bool [side, side]."""
        flat = np.frombuffer(self.region, np.uint8)
        return flat.reshape(self.side, self.side) > 127

    def paint(self, region: np.ndarray) -> None:
        """Another region; undo brings the former one back.

        Args:
            region: bool [side, side].

        Raises:
            ValueError: another shape.
        """
        region = np.asarray(region)
        if region.shape != (self.side, self.side):
            raise ValueError(f"region: wanted [{self.side}, {self.side}], got {[*region.shape]}")
        self._settle((region > 0).astype(np.uint8) * 255, "")

    def undo(self, by: int = -1) -> None:
        """Go back, or forth with 1; nothing happens at the ends."""
        if 0 <= self._present + by < len(self._past):
            self._present += by
            self._show(self._past[self._present], "")

    def _settle(self, region: np.ndarray, author: str) -> None:
        data = region.tobytes()
        if data != self._past[self._present]:
            self._past = [*self._past[: self._present + 1], data][-_MOST:]
            self._present = len(self._past) - 1
        self._show(data, author)

    def _show(self, data: bytes, author: str) -> None:
        with self.hold_sync():
            self.author = author
            self.region = data

    def _on_message(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        if content.get("undo") in (-1, 1):
            self.undo(content["undo"])
        elif "painted" in content and len(buffers) == 1:
            region = np.frombuffer(buffers[0], np.uint8)
            if region.size != self.side**2:
                return
            author = str(content["painted"])[:40]
            region = np.where(region > 127, np.uint8(255), np.uint8(0))
            if content.get("settled"):
                self._settle(region, author)
            else:
                self._show(region.tobytes(), author)
