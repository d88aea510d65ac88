"""Styles: small portraits of the present drawing, one chosen, and how much of it is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from smis_core.fewshot.synthesis import Synthesizer
from smis_widgets.controls import SliderRow, icon_button, mark
from smis_widgets.image_view import ImageView
from smis_widgets.strings import Strings


class StyleRow(widgets.HBox):
    """Thumbnails of styles, and a dice for another one.

    Args:
        seeds: the styles at first; their number stays.
        on_choose: called with the seed of the thumbnail that is clicked.
        on_another: called when the dice is clicked.
        strings: the texts.
    """

    def __init__(
        self,
        seeds: list[int],
        *,
        on_choose: Callable[[int], None],
        on_another: Callable[[], None],
        strings: Strings,
    ) -> None:
        self._strings = strings
        self._on_choose = on_choose
        self.seeds = list(seeds)
        self._views = [ImageView() for _ in seeds]
        self._buttons = [self._button(slot) for slot in range(len(seeds))]
        slots = []
        for view, button in zip(self._views, self._buttons, strict=True):
            slot = widgets.Box([view, button])
            slot.add_class("smis-style")
            slots.append(slot)
        self.dice = icon_button("dice", strings("another_style_tooltip"), on_another)
        self.dice.description = strings("another_style")
        self.dice.add_class("smis-wide")
        name = widgets.Label(strings("styles"))
        name.add_class("smis-name")
        super().__init__([name, *slots, self.dice])
        self.add_class("smis-styles")
        self._label()

    def choose(self, seed: int) -> None:
        """Mark a style as the chosen one; one that is not in the row takes the oldest place."""
        if seed not in self.seeds:
            # The first place is the character's own style and stays.
            self.seeds = [self.seeds[0], seed, *self.seeds[1:-1]]
            for slot in range(len(self._views) - 1, 1, -1):
                self._copy(slot - 1, slot)
            self._label()
        for known, button in zip(self.seeds, self._buttons, strict=True):
            mark(button, "smis-on", known == seed)

    def begin(self, seed: int) -> None:
        """Make a seed the first style: another character's own."""
        self.seeds = [seed, *(each for each in self.seeds[1:] if each != seed)]
        while len(self.seeds) < len(self._views):
            self.seeds.append(max(self.seeds) + 1)
        self._label()

    def show(self, seed: int, picture: Any) -> None:
        """Show the portrait in one style, if it is still in the row."""
        if seed in self.seeds:
            self._views[self.seeds.index(seed)].show(picture)

    def _copy(self, source: int, target: int) -> None:
        if self._views[source].data:
            self._views[target].show_png(self._views[source].data)

    def _button(self, slot: int) -> widgets.Button:
        button = widgets.Button()
        button.add_class("smis-over")
        button.on_click(lambda _: self._on_choose(self.seeds[slot]))
        return button

    def _label(self) -> None:
        for slot, (seed, button) in enumerate(zip(self.seeds, self._buttons, strict=True)):
            text = "own_style" if slot == 0 else "style_tooltip"
            button.tooltip = self._strings(text, seed=seed)


def look_rows(synthesizer: Synthesizer, strings: Strings) -> tuple[SliderRow, SliderRow]:
    """Sliders for the row of W+ from which a style is taken, and for how far styles stray."""
    mix_row = SliderRow(
        widgets.IntSlider(synthesizer.default_mix_from, 0, synthesizer.num_ws),
        label=strings("mix_from"),
        tooltip=strings("mix_from_tooltip"),
        strings=strings,
    )
    truncation_row = SliderRow(
        widgets.FloatSlider(0.7, min=0.0, max=1.0, step=0.05),
        label=strings("truncation"),
        tooltip=strings("truncation_tooltip"),
        strings=strings,
        show="{:.2f}",
    )
    return mix_row, truncation_row
