"""The pad's front end: it draws in the browser at once, and hears from here what is true."""

from __future__ import annotations

import secrets
import zlib
from typing import Any

import anywidget
import numpy as np
import traitlets

from smis_core.drawing import Box, Receipt
from smis_core.labels import LabelMap, Palette
from smis_widgets.pad_tools import BRUSH_SIZES, LOOK, TOOLS, key_table
from smis_widgets.shell import THEME, joined
from smis_widgets.strings import Strings

_PARTS = (
    "../parts",
    "../files",
    "raster",
    "sheet",
    "screen",
    "hand",
    "wire",
    "tools",
    "overlay",
    "panel",
    "desk",
    "keys",
    "pad",
)
_PACK_FROM_BYTES = 4096


class PadFront(anywidget.AnyWidget):
    """What the browser shows of a pad: palette, canvas, tools.

    Its traits are those of `MaskPad` in a form that JSON carries. The map itself travels in
    messages: `state` is all of it, `patch` a rectangle, each with the receipts of what the browser
    had sent. They are numbered, so that a page that missed one asks for all of it again.
    """

    _esm = joined("pad", *_PARTS)
    _css = THEME

    pad = traitlets.Unicode().tag(sync=True)
    texts = traitlets.Dict().tag(sync=True)
    gestures = traitlets.List().tag(sync=True)
    tools = traitlets.Dict(TOOLS).tag(sync=True)
    sizes = traitlets.List(list(BRUSH_SIZES)).tag(sync=True)
    presets = traitlets.List().tag(sync=True)
    palette = traitlets.List().tag(sync=True)
    ghost = traitlets.Bytes(b"").tag(sync=True)
    landmarks = traitlets.List().tag(sync=True)
    can_undo = traitlets.Bool(False).tag(sync=True)
    can_redo = traitlets.Bool(False).tag(sync=True)
    has_picture = traitlets.Bool(False).tag(sync=True)
    has_previous = traitlets.Bool(False).tag(sync=True)
    folder = traitlets.Unicode().tag(sync=True)

    label = traitlets.Int().tag(sync=True)
    tool = traitlets.Unicode("brush").tag(sync=True)
    brush_size = traitlets.Int(12).tag(sync=True)
    brush_shape = traitlets.Unicode("round").tag(sync=True)
    pressure = traitlets.Bool(True).tag(sync=True)
    gap = traitlets.Int(0).tag(sync=True)
    edges = traitlets.Int(24).tag(sync=True)
    over = traitlets.Int(-1).tag(sync=True)
    protected = traitlets.List(traitlets.Int()).tag(sync=True)
    opacity = traitlets.Float(0.6).tag(sync=True)
    look = traitlets.Dict(LOOK).tag(sync=True)

    def __init__(self, strings: Strings, *, presets: list[str]) -> None:
        self._strings = strings
        self._revision = 0
        super().__init__(
            pad=secrets.token_hex(8),
            texts=strings.section("pad"),
            gestures=key_table(strings),
            presets=presets,
        )

    def show_palette(self, palette: Palette) -> None:
        """Take a palette."""
        self.palette = [
            {
                "index": each.index,
                "name": each.name,
                "colour": list(each.colour),
                "key": each.key,
                "hint": self._hint(each.name, each.key),
            }
            for each in palette.classes
        ]

    def show_ghost(self, labels: LabelMap | None) -> None:
        """Take a map of the pad's own size to be outlined over the drawing."""
        self.ghost = b"" if labels is None else zlib.compress(labels.indices.tobytes(), 1)

    def send_map(self, indices: np.ndarray, receipt: Receipt | None = None) -> None:
        """Send the whole map, uint8 [side, side], to all views."""
        self._revision += 1
        packed = zlib.compress(np.ascontiguousarray(indices).data, 1)
        content = {
            "kind": "state",
            "revision": self._revision,
            "side": indices.shape[0],
            "packed": True,
            "receipts": _receipts(receipt),
        }
        self.send(content, [packed])

    def send_patch(
        self,
        box: Box | None,
        indices: np.ndarray | None,  # uint8, of the box
        receipt: Receipt | None = None,
    ) -> None:
        """Send what changed, or only that a message was understood, to all views."""
        self._revision += 1
        content: dict[str, Any] = {
            "kind": "patch",
            "revision": self._revision,
            "receipts": _receipts(receipt),
        }
        buffers = []
        if box is not None and indices is not None:
            content["packed"] = indices.size >= _PACK_FROM_BYTES
            content["rect"] = {
                "top": box.top, "left": box.left, "bottom": box.bottom, "right": box.right,
            }  # fmt: skip
            data = np.ascontiguousarray(indices)
            buffers.append(zlib.compress(data.data, 1) if content["packed"] else data.tobytes())
        self.send(content, buffers)

    def _hint(self, name: str, key: str) -> str:
        keyed = self._strings("key_hint", key=key) if key else ""
        side = name.split()[0] if name.split() else ""
        hint = self._strings(f"{side}_hint") if side in ("left", "right") else ""
        return self._strings("class_tooltip", name=name, key=keyed) + hint


def _receipts(receipt: Receipt | None) -> dict[str, Any]:
    if receipt is None or receipt.view is None:
        return {}
    return {receipt.view: {"through": receipt.through, "missing": list(receipt.missing)}}
