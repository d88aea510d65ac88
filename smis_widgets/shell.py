"""What runs in the browser itself: files of `static`, put together without a build step."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

from smis_widgets.strings import Strings

STATIC = Path(__file__).parent / "static"


def joined(folder: str, *names: str) -> str:
    """One script of several: a widget's front end travels whole and imports nothing."""
    return "\n".join((STATIC / folder / f"{name}.js").read_text("utf-8") for name in names)


THEME = "\n".join(
    (STATIC / "theme" / f"{name}.css").read_text("utf-8")
    for name in (
        "base",
        "pad",
        "controls",
        "studio",
        "watching",
        "target",
        "search",
        "fewshot",
        "sliders",
    )
)
"""Every widget brings the whole theme, since any of them may be the only one of its page."""


class Shell(anywidget.AnyWidget):
    """An invisible child of a widget made of others: loads the theme, and keeps the notebook's
    shortcuts away while the focus is inside (in JupyterLab's command mode D D deletes a cell).

    It comes to light when the kernel was restarted under the page, and says how to go on.

    Args:
        strings: the texts; without them it says nothing.
    """

    _esm = joined(".", "parts", "shell")
    _css = THEME

    again = traitlets.Unicode().tag(sync=True)
    """Lines of Python that bring the widget back; empty: none that would run."""

    texts = traitlets.Dict().tag(sync=True)

    def __init__(self, strings: Strings | None = None) -> None:
        super().__init__(texts={} if strings is None else strings.section("shell"))
