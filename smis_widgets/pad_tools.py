"""The pad's tools and keys, as its front end and the sheet under '?' list them."""

from __future__ import annotations

from smis_widgets.strings import Strings

TOOLS = {
    "brush": "b",
    "eraser": "e",
    "line": "d",
    "polyline": "y",
    "polygon": "p",
    "lasso": "o",
    "rectangle": "q",
    "ellipse": "v",
    "fill": "f",
    "wand": "w",
    "pick": "i",
    "point": "t",
    "move": "m",
    "copy": "u",
}
"""Key of each tool. A palette that uses the key for a class takes precedence."""

BRUSH_SIZES = (1, 256)
"""Smallest and largest brush, in pixels of the map."""

LOOK = {
    "outlines": False,
    "hover": False,
    "grid": False,
    "patterns": False,
    "ghost": False,
    "brightness": 1.0,
    "contrast": 1.0,
}
"""How the pad shows mask and picture, until somebody changes it."""

_KEYS = {
    "Ctrl Z": "undo",
    "Ctrl ⇧ Z": "redo",
    "[  ]": "size",
    "Esc": "escape",
    "Enter": "enter",
    "⌫": "back",
    "↑ ↓ ← →": "arrows",
    "+  -": "zoom",
    "Home": "fit",
    "Space": "pan",
    ",  .": "fade",
    "#  |  %": "looks",
    "?": "help",
}


def key_table(strings: Strings) -> list[list[str]]:
    """The canvas's own keys and what they do."""
    return [[key, strings(f"key.{name}")] for key, name in _KEYS.items()]
