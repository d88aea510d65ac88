"""Every settled state as a small picture: undo, redo, branches, compare, save, code."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets
from torch import Tensor

from smis_core.editing import History
from smis_core.images import to_pil
from smis_widgets.shell import THEME, joined
from smis_widgets.strings import Strings

THUMB_SIDE = 72
_JPEG_QUALITY = 85


class Filmstrip(anywidget.AnyWidget):
    """Shows a history. It changes nothing: what a person clicks is told to `on_act`.

    Any thread may call.

    Args:
        on_act: called on the message's thread with what a page asks for: "undo", "redo", "save",
            "code", or "go" and "compare" with a moment's `number`.
        strings: the texts.
    """

    _esm = joined("sliders", "../parts", "filmstrip")
    _css = THEME

    films = traitlets.List().tag(sync=True)
    """The moments in the order of arrival, as plain values."""

    current = traitlets.Int(0).tag(sync=True)
    """Number of the moment that is shown."""

    compared = traitlets.Int(-1).tag(sync=True)
    """Number of the moment that the wipe shows; -1: none."""

    epoch = traitlets.Int(0).tag(sync=True)
    """Counts the histories that were begun."""

    folder = traitlets.Unicode().tag(sync=True)
    """Where save writes."""

    texts = traitlets.Dict().tag(sync=True)

    def __init__(
        self, *, on_act: Callable[[str, dict[str, Any]], None], strings: Strings, folder: str
    ) -> None:
        self._on_act = on_act
        self._thumbs: dict[int, bytes] = {}
        super().__init__(texts=strings.section("films"), folder=folder)
        self.on_msg(self._on_message)

    @property
    def pictured(self) -> set[int]:
        """Numbers of the moments that have their picture."""
        return set(self._thumbs)

    def begin(self) -> None:
        """Forget the pictures: another history begins."""
        self._thumbs.clear()
        with self.hold_sync():
            self.films = []
            self.epoch += 1

    def show(self, history: History[Any], labels: Mapping[int, str]) -> None:
        """Show a history.

        Args:
            history: of any states.
            labels: what was done, by number of the moment.
        """
        path = set(history.path())
        ahead = history
        while ahead.can_redo:
            ahead = ahead.redo()
            path.add(ahead.current)
        before: int | None = None
        films = []
        for moment in history.moments:
            films.append({
                "number": moment.number,
                "parent": moment.parent,
                "label": labels.get(moment.number, ""),
                "on_path": moment.number in path,
                "branch": moment.parent is not None and moment.parent != before,
            })  # fmt: skip
            before = moment.number
        numbers = {moment.number for moment in history.moments}
        self._thumbs = {k: v for k, v in self._thumbs.items() if k in numbers}
        with self.hold_sync():
            self.films = films
            self.current = history.current
            if self.compared not in numbers:
                self.compared = -1

    def picture(self, number: int, image: Tensor) -> None:
        """Give a moment its picture.

        Args:
            number: of the moment.
            image: `[1, 3, H, W]` in [-1, 1].
        """
        small = to_pil(image.clamp(-1, 1).cpu())
        small.thumbnail((THUMB_SIDE, THUMB_SIDE))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
        self._thumbs[number] = buffer.getvalue()
        self.send({"thumbs": [number]}, [self._thumbs[number]])

    def show_code(self, code: str) -> None:
        """Show lines of Python below the strip."""
        self.send({"code": code})

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        act = content.get("act")
        if act == "hello":
            thumbs = dict(self._thumbs)
            self.send({"thumbs": [*thumbs]}, [*thumbs.values()])
        elif isinstance(act, str):
            self._on_act(act, content)
