"""The pad of a studio: what comes to it is told in the classes that the studio draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from smis_core.labels import UNPAINTED, LabelMap
from smis_widgets.mask_pad import MaskPad
from smis_widgets.palette_question import PaletteQuestion


class StudioPad(MaskPad):
    """A `MaskPad` whose classes are those of an encoder, which no file can change.

    A map in a foreign palette is translated by the names of its classes before it is drawn; where
    they do not match, the drawing stays until a person has said what is meant. Edits of the
    palette on the pad itself are taken as they are, see `meant`.

    Args:
        value: the map to start with, in the encoder's palette.
        question: asks what the classes of a foreign map are.
        folder: where the save buttons write.
        language: of the texts.
    """

    def __init__(
        self, value: LabelMap, *, question: PaletteQuestion, folder: str | Path, language: str
    ) -> None:
        self._known, self._question = value.palette, question
        super().__init__(value, folder=folder, language=language)

    def meant(self) -> LabelMap:
        """The map as it is now, in the encoder's palette.

        A class that was renamed on the pad is still the same one; what was painted with a class
        that was added there is left open.
        """
        drawn = self.current()
        if drawn.palette.names == self._known.names:
            return drawn
        known = np.isin(drawn.indices, self._known.indices)
        return LabelMap(np.where(known, drawn.indices, np.uint8(UNPAINTED)), self._known)

    def replace(self, value: LabelMap, *, origin: Any = None) -> None:
        """Replace the drawing, as soon as it is known what the new one's classes are."""
        self._refuse_oblong(value)
        mine = self._translated(value)
        if mine is not None:
            super().replace(mine, origin=origin)

    @traitlets.validate("value")
    def _square(self, proposal: Any) -> LabelMap:
        value = super()._square(proposal)
        if id(value) in self._settling:
            return value
        mine = self._translated(value)
        return self.value if mine is None else mine

    def _translated(self, value: LabelMap) -> LabelMap | None:
        if value.palette.names == self._known.names:
            self._question.forget()
            return value
        return self._question.translate(value, self._known, on_answer=self.replace)
