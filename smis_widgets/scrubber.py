"""Going back to the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import anywidget
import traitlets

from smis_widgets.shell import STATIC, THEME
from smis_widgets.strings import Strings


@dataclass(frozen=True)
class Seek:
    """What a page asks to see: a step, a neighbour of the present one, or the newest."""

    step: int | None = None
    """the number of a step"""
    move: int = 0
    """so many kept steps forth"""

    @staticmethod
    def read(content: dict[str, Any]) -> Seek | None:
        """The wish in a message of a page; None if there is none that makes sense."""
        if content.get("live") is True:
            return Seek()
        for key in ("seek", "nudge"):
            value = content.get(key)
            if isinstance(value, (int, float)) and math.isfinite(value):
                return Seek(step=int(value)) if key == "seek" else Seek(move=int(value))
        return None

    def among(
        self,
        marks: Sequence[int],  # numbers of the kept steps, rising
        present: int | None,
    ) -> int | None:
        """The kept step that is meant; None is the newest, also when moving on from the last."""
        if not marks or (self.step is None and not self.move):
            return None
        if self.step is not None:
            return min(marks, key=lambda mark: abs(mark - self.step))
        place = len(marks) - 1 if present is None else nearest(marks, present)
        place = max(0, place + self.move)
        return marks[place] if place < len(marks) - 1 else None


def nearest(marks: Sequence[int], step: int) -> int:
    """The place of the mark that is nearest to a step."""
    return min(range(len(marks)), key=lambda place: abs(marks[place] - step))


class Scrubber(anywidget.AnyWidget):
    """A slider over the steps that were kept, with a step back, a step forth and the newest.

    Args:
        on_seek: called with what the page asks to see.
        strings: the texts.
    """

    _esm = STATIC / "scrubber.js"
    _css = THEME

    marks = traitlets.List(traitlets.Int()).tag(sync=True)
    """Numbers of the steps that one can go back to."""

    at = traitlets.Int(-1).tag(sync=True)
    """Place in `marks` of the one that is shown; -1: the newest, whatever comes."""

    texts = traitlets.Dict().tag(sync=True)
    """Tooltips."""

    def __init__(self, *, on_seek: Callable[[Seek], None], strings: Strings) -> None:
        self._on_seek = on_seek
        names = {"back": "step_back", "forth": "step_forth", "live": "live", "slider": "scrub"}
        super().__init__(texts={name: strings(text) for name, text in names.items()})
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if (seek := Seek.read(content)) is not None:
            self._on_seek(seek)
