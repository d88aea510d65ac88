"""What the search and the sliders hand to the studio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets

from smis_core.editing import EditState, check_state
from smis_core.fewshot.synthesis import Anchor, Synthesizer
from smis_widgets.controls import MessageLine
from smis_widgets.portraitist import Portraitist
from smis_widgets.strings import Strings


class OpensStates(traitlets.HasTraits):
    """The part of a studio that opens states: their masks on the pad, in their colours."""

    opened = traitlets.Instance(EditState, allow_none=True)
    """The state that is open; None: a seed's character. Set, it is opened; another generator's is
    refused. Of its edit the latent counts: noise and placement are the studio's own."""

    synthesizer: Synthesizer
    message: MessageLine
    reference: Any
    original: Callable[[], None]
    _strings: Strings
    _painters: Portraitist
    _own: Anchor
    _changing: bool
    _resolution: int
    _follow: Callable[..., None]
    _guarded: Callable[..., Callable[..., None]]

    def load(self, state: EditState) -> None:
        """Open what a search has found or sliders have made: the mask that the labeller reads in
        it replaces the drawing, undo brings that back, and its colours are those of the portrait.

        Args:
            state: of the synthesizer's generator.

        Raises:
            ValueError: another generator's; the message says why.
        """
        check_state(self.synthesizer.generator, state)
        self.opened = state

    @traitlets.validate("opened")
    def _check_opened(self, proposal: Any) -> EditState | None:
        state: EditState | None = proposal["value"]
        with self.message.refusing("opening", self._strings):
            if state is not None:
                check_state(self.synthesizer.generator, state)
        return state

    @traitlets.observe("opened")
    def _on_opened(self, change: Any) -> None:
        if change.new is None:
            self.reference = None
        else:
            self._guarded("opening", self._begin_with)(change.new)

    def _begin_with(self, state: EditState) -> None:
        found = self._painters.opened(state)
        self._own = Anchor(found.mask.resized(self._resolution), found.wplus)
        self._changing = True
        try:
            self.reference = found.wplus
            self.original()
        finally:
            self._changing = False
        self._follow(final=True)
