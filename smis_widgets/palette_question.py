"""A map whose classes have other names: which of ours are meant?"""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as widgets

from smis_core.annotations import match_names, translated
from smis_core.labels import LabelMap, Palette
from smis_widgets.controls import styled, text_button
from smis_widgets.strings import Strings


def strange_names(labels: LabelMap, palette: Palette) -> list[str]:
    """Names of painted classes that a palette does not know."""
    strange = []
    for index in labels.present():
        name = labels.palette.by_index(index).name
        try:
            match_names([name], palette)
        except ValueError:
            strange.append(name)
    return strange


class PaletteQuestion(widgets.VBox):
    """Asks, under a pad, what the classes of a foreign map are; invisible while nothing is asked.

    Args:
        strings: the texts.
    """

    def __init__(self, strings: Strings) -> None:
        self._strings = strings
        self._answer: Callable[[LabelMap], None] = lambda labels: None
        self._labels: LabelMap | None = None
        self._palette: Palette | None = None
        self.fields: dict[str, widgets.Dropdown] = {}
        self._text = widgets.HTML()
        self._text.add_class("smis-message")
        self._rows = styled("smis-few-fields")
        self.take = text_button(
            strings("few_take_mapped"), strings("few_take_mapped_tooltip"), self._taken
        )
        super().__init__()
        self.add_class("smis-few-question")
        self.forget()

    @property
    def asking(self) -> bool:
        """Whether an answer is waited for."""
        return self._labels is not None

    def translate(
        self, labels: LabelMap, palette: Palette, *, on_answer: Callable[[LabelMap], None]
    ) -> LabelMap | None:
        """A map in another palette, at once where the names match.

        Args:
            labels: in a foreign palette.
            palette: to be used.
            on_answer: called with the map once a person has said what is meant.

        Returns:
            The map; None: it was asked.
        """
        strange = strange_names(labels, palette)
        if not strange:
            self.forget()
            return translated(labels, palette)
        self._labels, self._palette, self._answer = labels, palette, on_answer
        choices = [(self._strings("few_unpainted"), None)]
        choices += [(each.name, each.name) for each in palette.classes]
        self.fields = {}
        rows = []
        for name in strange:
            field = widgets.Dropdown(options=choices, value=None)
            field.add_class("smis-choice")
            label = widgets.Label(name)
            label.add_class("smis-name")
            self.fields[name] = field
            rows.append(styled("smis-few-field", label, field))
        shown = html.escape(self._strings("few_strange", palette=labels.palette.name))
        self._text.value = f'<span class="smis-note">{shown}</span>'
        self._rows.children = rows
        self.children = (self._text, self._rows, styled("smis-group", self.take))
        return None

    def forget(self) -> None:
        """Ask no more."""
        self._labels, self.fields = None, {}
        self.children = ()

    def _taken(self) -> None:
        if self._labels is None or self._palette is None:
            return
        mapping = {name: field.value for name, field in self.fields.items()}
        labels, palette = self._labels, self._palette
        self.forget()
        self._answer(translated(labels, palette, mapping=mapping))
