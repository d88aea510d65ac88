"""How well each class of a sketch is shown: what the generator cannot draw is seen."""

from __future__ import annotations

import html
from collections.abc import Mapping

import ipywidgets as widgets

from smis_core.labels import Palette
from smis_widgets.strings import Strings

POOR = 0.3
"""Below it a class hardly shows: its number stands out."""


class FidelityRow(widgets.HTML):
    """The overlap of each painted class with what is drawn, the worst first.

    Args:
        strings: the texts.
    """

    def __init__(self, strings: Strings) -> None:
        self._strings = strings
        super().__init__()
        self.add_class("smis-fidelity")

    def show(self, palette: Palette, by_class: Mapping[int, float]) -> None:
        """Show the overlap, 0 to 1, by class index."""
        chips = []
        for index, overlap in sorted(by_class.items(), key=lambda pair: pair[1]):
            label = palette.by_index(index)
            name = html.escape(label.name, quote=True)
            poor = ' class="smis-poor"' if overlap < POOR else ""
            title = html.escape(self._strings("class_fidelity", name=label.name), quote=True)
            colour = "#{:02x}{:02x}{:02x}".format(*label.colour)
            chips.append(
                f'<span{poor} title="{title}"><i style="background: {colour}"></i>{name}'
                f" {overlap:.2f}</span>"
            )
        self.value = "".join(chips)
