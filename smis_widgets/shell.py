"""What a pad or a studio needs in the browser itself: its theme and its keyboard."""

from __future__ import annotations

from pathlib import Path

import anywidget

STATIC = Path(__file__).parent / "static"


class Shell(anywidget.AnyWidget):
    """An invisible child of a `smis` root that loads the theme and guards the keyboard.

    In JupyterLab's command mode digits and letters act on cells (1 makes a heading, B inserts a
    cell, D D deletes one), also while a canvas has the focus. Inside the root they are reported
    here instead, as custom messages {"key", "ctrl", "shift"}.
    """

    _esm = STATIC / "shell.js"
    _css = STATIC / "theme.css"
