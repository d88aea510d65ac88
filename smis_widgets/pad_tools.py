"""The rows under the canvas: tools, edits, files, brush size and opacity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import ipywidgets as widgets

from smis_widgets.controls import SliderRow, icon_button, mark
from smis_widgets.strings import Strings

TOOLS = {
    "brush": ("paint-brush", "b"),
    "eraser": ("eraser", "e"),
    "fill": ("fill-drip", "f"),
    "pick": ("eye-dropper", "i"),
}
"""Icon and key of each tool. A palette that uses the key for a class takes precedence."""

BRUSH_SIZES = (1, 96)
"""Smallest and largest brush, in pixels of the map."""


@dataclass(frozen=True)
class PadActions:
    """What the buttons do."""

    choose_tool: Callable[[str], None]
    undo: Callable[[], None]
    redo: Callable[[], None]
    clear: Callable[[], None]
    save: Callable[[], None]


class PadTools(widgets.VBox):
    """Buttons and sliders of a pad; they hold no state of their own beyond the sliders' values."""

    def __init__(
        self, actions: PadActions, *, brush_size: int, opacity: float, strings: Strings
    ) -> None:
        self._strings = strings
        self.tools = {
            tool: icon_button(
                icon,
                strings(tool, key=strings("key_hint", key=key)),
                lambda tool=tool: actions.choose_tool(tool),
            )
            for tool, (icon, key) in TOOLS.items()
        }
        self.undo = icon_button("undo", strings("undo"), actions.undo)
        self.redo = icon_button("redo", strings("redo"), actions.redo)
        self.clear = icon_button("trash-alt", strings("clear"), actions.clear)
        self.save = icon_button("download", "", actions.save)
        self.upload = widgets.FileUpload(
            accept=".png", description="", icon="folder-open", tooltip=strings("load_mask")
        )
        self.upload.add_class("smis-icon")
        self.size_row = SliderRow(
            widgets.IntSlider(brush_size, *BRUSH_SIZES),
            label=strings("size"),
            tooltip=strings("size_tooltip"),
            strings=strings,
            show="{} px",
        )
        self.opacity_row = SliderRow(
            widgets.FloatSlider(opacity, min=0.0, max=1.0, step=0.05),
            label=strings("opacity"),
            tooltip=strings("opacity_tooltip"),
            strings=strings,
            show="{:.0%}",
        )
        groups = (self.tools.values(), (self.undo, self.redo, self.clear), (self.upload, self.save))
        bar = widgets.HBox([_group(each) for each in groups])
        bar.add_class("smis-bar")
        super().__init__([bar, self.size_row, self.opacity_row])
        self.add_class("smis-rows")

    def refresh(self, *, tool: str, can_undo: bool, can_redo: bool, over_picture: bool) -> None:
        """Show which tool is chosen and what can be done."""
        for name, button in self.tools.items():
            mark(button, "smis-on", name == tool)
        self.undo.disabled = not can_undo
        self.redo.disabled = not can_redo
        self.opacity_row.layout.display = None if over_picture else "none"

    def show_folder(self, folder: str) -> None:
        """Say where the save button writes."""
        self.save.tooltip = self._strings("save_mask", folder=folder)


def _group(buttons: Iterable[widgets.DOMWidget]) -> widgets.HBox:
    group = widgets.HBox(list(buttons))
    group.add_class("smis-group")
    return group
