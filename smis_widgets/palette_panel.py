"""The palette: one button for each class, with its colour, name and key."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets

from smis_core.labels import LabelClass, Palette
from smis_widgets.controls import mark
from smis_widgets.strings import Strings


class PalettePanel(widgets.VBox):
    """Shows a palette and reports which class is chosen.

    Args:
        palette: the classes, in the order in which they are shown.
        on_choose: called with the index of the class whose button is clicked.
        strings: the texts.
    """

    def __init__(
        self, palette: Palette, on_choose: Callable[[int], None], strings: Strings
    ) -> None:
        self._strings = strings
        self._on_choose = on_choose
        self._colours = widgets.HTML(layout=widgets.Layout(display="none"))
        super().__init__()
        self.add_class("smis-palette")
        self.show(palette)

    def show(self, palette: Palette) -> None:
        """Take another palette."""
        self._buttons = {label.index: self._button(label) for label in palette.classes}
        self._colours.value = f"<style>{''.join(map(_swatch, palette.classes))}</style>"
        self.children = (*self._buttons.values(), self._colours)

    def choose(self, index: int) -> None:
        """Mark one class as the chosen one."""
        for known, button in self._buttons.items():
            mark(button, "smis-on", known == index)

    def _button(self, label: LabelClass) -> widgets.Button:
        side = label.name.split()[0]
        hint = self._strings(f"{side}_hint") if side in ("left", "right") else ""
        key = self._strings("key_hint", key=label.key)
        tooltip = self._strings("class_tooltip", name=label.name, key=key) + hint
        button = widgets.Button(description=label.name, tooltip=tooltip)
        button.add_class("smis-class")
        button.add_class(_class_name(label))
        button.on_click(lambda _: self._on_choose(label.index))
        return button


def _class_name(label: LabelClass) -> str:
    colour = bytes(label.colour).hex()
    return f"smis-swatch-{label.index}-{colour}-{ord(label.key):x}"


def _swatch(label: LabelClass) -> str:
    """Colour and key of a class as style rules; its name says both, so palettes cannot collide."""
    name = _class_name(label)
    key = f"\\{ord(label.key):06x}"
    colour = "rgb({}, {}, {})".format(*label.colour)
    return f".{name}::before {{ background: {colour}; }} .{name}::after {{ content: '{key}'; }} "
