"""The row of buttons under watched work: how it is drawn, and what is saved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import ipywidgets as widgets
import traitlets

from smis_widgets.controls import icon_button, mark, styled, text_button
from smis_widgets.exports import KINDS
from smis_widgets.strings import Strings


class ProgressTools(widgets.HBox):
    """Switches for the traits of the widget they stand in, and the save button.

    Args:
        owner: has the traits `log`, `by_seconds`, `folder` and those of `switches`.
        saves: endings of the files that can be saved.
        switches: more switches by the name of their trait: icon and name of the tooltip.
        on_save: called by the save button.
        strings: the texts.

    Attributes:
        kind: the menu; its value is the ending of the file to save.
    """

    def __init__(
        self,
        owner: traitlets.HasTraits,
        *,
        saves: Collection[str],
        switches: Mapping[str, tuple[str, str]],
        on_save: Callable[[], None],
        strings: Strings,
    ) -> None:
        self._owner = owner
        self._strings = strings

        def switch(trait: str) -> Callable[[], None]:
            return lambda: owner.set_trait(trait, not getattr(owner, trait))

        scales = {
            "log": text_button(strings("log"), strings("log_tooltip"), switch("log")),
            "by_seconds": text_button(
                strings("by_seconds"), strings("by_seconds_tooltip"), switch("by_seconds")
            ),
        }
        more = {
            trait: icon_button(icon, strings(tooltip), switch(trait))
            for trait, (icon, tooltip) in switches.items()
        }
        self.switches = {**scales, **more}
        self.kind = widgets.Dropdown(
            options=[
                (strings("saved_as", what=strings(f"as_{KINDS[suffix]}"), kind=suffix[1:]), suffix)
                for suffix in saves
            ],
            tooltip=strings("what_to_save"),
        )
        self.kind.add_class("smis-choice")
        self.save_button = icon_button("save", "", on_save)
        groups = [styled("smis-group", *scales.values())]
        if more:
            groups.append(styled("smis-group", *more.values()))
        super().__init__([*groups, styled("smis-group", self.kind, self.save_button)])
        owner.observe(lambda change: self._refresh(), (*self.switches, "folder"))
        self._refresh()

    def _refresh(self) -> None:
        for trait, button in self.switches.items():
            mark(button, "smis-on", getattr(self._owner, trait))
        self.save_button.tooltip = self._strings("save_as", folder=self._owner.folder)
