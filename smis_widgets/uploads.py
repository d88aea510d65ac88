"""Files that come from a page, in pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from smis_widgets.shell import THEME, joined

LARGEST_BYTES = 64 << 20
_AT_ONCE = 4
"""Files that may be on their way; another one takes the place of the one that began first."""


class Uploads:
    """Puts files together that `static/files.js` sends."""

    def __init__(self) -> None:
        self._begun: dict[str, bytearray] = {}

    def take(self, content: dict[str, Any], buffers: list[Any]) -> bytes | None:
        """Take a piece.

        Args:
            content: `name` and `size` of the file, `upload`, which tells it from others, and `at`,
                where in it the piece begins.
            buffers: the piece; none where the page found the file too large.

        Returns:
            The file, once its last piece has come.

        Raises:
            ValueError: it is too large, or a piece was lost.
        """
        name, size, upload = str(content["name"]), content["size"], content["upload"]
        if not buffers or size > LARGEST_BYTES:
            raise ValueError(f"{name}: at most {LARGEST_BYTES >> 20} MB are taken, got more")
        held = self._begun.pop(upload, bytearray())
        if len(held) != content["at"]:
            raise ValueError(f"{name}: a part of it was lost on the way; bring it once more")
        held += buffers[0]
        if len(held) >= size:
            return bytes(held)
        while len(self._begun) >= _AT_ONCE:
            del self._begun[next(iter(self._begun))]
        self._begun[upload] = held
        return None


class FileButton(anywidget.AnyWidget):
    """A button that takes files, chosen or dropped on it.

    Args:
        text: what it says.
        accept: kinds of files, as HTML's `accept` names them.
        on_file: called on the message's thread with name and bytes of each file.
        on_error: called there with what went wrong on the way.
    """

    _esm = joined(".", "parts", "files", "file_button")
    _css = THEME

    text = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        text: str,
        *,
        accept: str,
        on_file: Callable[[str, bytes], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._uploads, self._on_file, self._on_error = Uploads(), on_file, on_error
        super().__init__(text=text, accept=accept)
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        try:
            data = self._uploads.take(content, buffers)
        except ValueError as error:
            self._on_error(error)
            return
        if data is not None:
            self._on_file(str(content["name"]), data)
