"""A page without a page: what the front end of a pad sends, and what it would show."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from smis_core.drawing import UNIT
from smis_widgets.mask_pad import MaskPad


class PadPage:
    """One view of a pad.

    Args:
        pad: the pad.
        name: of the view.
    """

    def __init__(self, pad: MaskPad, name: str = "page") -> None:
        self.pad = pad
        self.name = name
        self.sequence = 0
        self.shown = np.zeros((0, 0), np.uint8)
        self.revisions: list[int] = []
        self.receipts: list[dict[str, Any]] = []
        self._front = pad._front
        self._send = self._front.send
        self._front.send = self._take
        self.message({"hello": name})

    def message(self, content: dict[str, Any], *buffers: bytes) -> None:
        """A message as it comes from the browser."""
        self._front._handle_custom_msg(content, list(buffers))

    def act(self, act: str, **content: Any) -> None:
        """The view's next command."""
        sequence, self.sequence = self.sequence, self.sequence + 1
        self.message({"view": self.name, "sequence": sequence, "act": act, **content})

    def draw(self, tool: str, *, more: bool = False, **fields: Any) -> None:
        """An operation; class and size are the pad's own."""
        fields.setdefault("only", None)
        fields.setdefault("protect", [])
        self.act("draw", operation={"tool": tool, **fields}, more=more)

    def stroke(self, *points: tuple[float, float], end: bool = True, **fields: Any) -> None:
        """A stroke through places (fractions of the side), in one piece each."""
        places = [[int(x * self.side), int(y * self.side)] for x, y in points]
        index = 255 if self.pad.tool == "eraser" else self.pad.label
        for place, point in enumerate(places):
            piece = places[max(place - 1, 0)] + point
            self.draw(
                "stroke",
                index=index,
                points=piece,
                sizes=self.pad.brush_size * UNIT,
                more=not (end and place == len(places) - 1),
                **fields,
            )

    @property
    def side(self) -> int:
        return len(self.shown) * UNIT

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if "revision" not in content:
            self._send(content, buffers)
            return
        self.revisions.append(content["revision"])
        self.receipts.append(content["receipts"])
        if not buffers:
            return
        data = zlib.decompress(buffers[0]) if content["packed"] else buffers[0]
        if content["kind"] == "state":
            side = content["side"]
            self.shown = np.frombuffer(data, np.uint8).reshape(side, side).copy()
        else:
            rect = content["rect"]
            rows = slice(rect["top"], rect["bottom"])
            columns = slice(rect["left"], rect["right"])
            patch = np.frombuffer(data, np.uint8)
            self.shown[rows, columns] = patch.reshape(self.shown[rows, columns].shape)
