"""The row of buttons under an inversion: how it is drawn, and what is saved."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as widgets
import traitlets

from smis_widgets.controls import icon_button, mark, styled, text_button
from smis_widgets.exports import KINDS
from smis_widgets.strings import Strings


class InversionTools(widgets.HBox):
    """Switches for the traits of the widget they stand in, and the save button.

    Args:
        owner: has the traits `log`, `by_seconds`, `aligning` and `folder`.
        can_align: whether there is a picture to align.
        on_save: called by the save button.
        strings: the texts.

    Attributes:
        kind: the menu; its value is the ending of the file to save.
    """

    def __init__(
        self,
        owner: traitlets.HasTraits,
        *,
        can_align: bool,
        on_save: Callable[[], None],
        strings: Strings,
    ) -> None:
        self._owner = owner
        self._strings = strings

        def switch(trait: str) -> Callable[[], None]:
            return lambda: owner.set_trait(trait, not getattr(owner, trait))

        self.switches = {
            "log": text_button(strings("log"), strings("log_tooltip"), switch("log")),
            "by_seconds": text_button(
                strings("by_seconds"), strings("by_seconds_tooltip"), switch("by_seconds")
            ),
            "aligning": icon_button("crosshairs", strings("align"), switch("aligning")),
        }
        self.kind = widgets.Dropdown(
            options=[
                (strings("saved_as", what=strings(f"as_{what}"), kind=suffix[1:]), suffix)
                for suffix, what in KINDS.items()
            ],
            tooltip=strings("what_to_save"),
        )
        self.kind.add_class("smis-choice")
        self.save_button = icon_button("save", "", on_save)
        scales = styled("smis-group", self.switches["log"], self.switches["by_seconds"])
        aligning = [styled("smis-group", self.switches["aligning"])] if can_align else []
        super().__init__([scales, *aligning, styled("smis-group", self.kind, self.save_button)])
        owner.observe(lambda change: self._refresh(), (*self.switches, "folder"))
        self._refresh()

    def _refresh(self) -> None:
        for trait, button in self.switches.items():
            mark(button, "smis-on", getattr(self._owner, trait))
        self.save_button.tooltip = self._strings("save_as", folder=self._owner.folder)
