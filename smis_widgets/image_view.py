"""The picture, the same everywhere: square to its box, never sent faster than it is shown."""

from __future__ import annotations

import io
import threading
from typing import Any

import anywidget
import traitlets

from smis_core.images import read_image, to_pil
from smis_widgets.shell import STATIC, THEME
from smis_widgets.strings import Strings


class ImageView(anywidget.AnyWidget):
    """Shows one picture and knows when it is on screen.

    `show` may be called from any thread: every trait here is only written by Python. The browser
    answers each frame with a message, which `wait_painted` waits for, so that a worker can keep
    pace with the page.

    Args:
        picture: what `show` takes; none by default.
        language: of the texts, see `smis_widgets.strings`.
    """

    _esm = STATIC / "image_view.js"
    _css = THEME

    data = traitlets.Bytes(b"").tag(sync=True)
    """The picture as PNG bytes, in its own resolution; empty before the first."""

    frame = traitlets.Int(0).tag(sync=True)
    """Counts the pictures shown; the browser reports it back."""

    alt = traitlets.Unicode().tag(sync=True)
    """What the picture is, for those who cannot see it."""

    painted = traitlets.Int(0)
    """The newest frame that a browser has on screen."""

    def __init__(self, picture: Any = None, *, language: str = "en") -> None:
        self._screen = threading.Condition()
        self._writing = threading.Lock()
        self._released = 0
        strings = Strings(language)
        super().__init__(alt=strings("picture"))
        self.on_msg(self._on_message)
        if picture is not None:
            self.show(picture)

    def show(self, picture: Any) -> int:
        """Show another picture.

        Args:
            picture: image tensor [1, 3, H, W] or [3, H, W] in [-1, 1], PIL picture, uint8 array
                [H, W, 3] or path.

        Returns:
            The number of the frame, for `wait_painted`.

        Raises:
            ValueError: what came is no picture.
        """
        return self.show_png(png_bytes(picture))

    def show_png(self, png: bytes) -> int:
        """Show a picture that is PNG bytes already; otherwise like `show`."""
        with self._writing:
            number = self.frame + 1
            with self.hold_sync():
                self.data = png
                self.frame = number
        return number

    def wait_painted(self, frame: int, timeout: float = 0.3) -> bool:
        """Wait until a frame (or a newer one) is on screen; returns whether it is.

        Returns False at once while no browser has ever shown this view, and as soon as `release`
        is called.
        """
        with self._screen:
            if self.painted == 0:
                return False
            self._screen.wait_for(lambda: max(self.painted, self._released) >= frame, timeout)
            return self.painted >= frame

    def release(self) -> None:
        """Let those who wait for the present frame go: something more urgent has come."""
        with self._screen:
            self._released = self.frame
            self._screen.notify_all()

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if "painted" in content:
            with self._screen:
                self.painted = max(self.painted, int(content["painted"]))
                self._screen.notify_all()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and a plain picture for places without a kernel."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_plain_picture(bundle, self.data)


def png_bytes(picture: Any) -> bytes:
    """A picture as PNG bytes, compressed lightly since it only travels to the page."""
    buffer = io.BytesIO()
    to_pil(read_image(picture)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def with_plain_picture(bundle: Any, png: bytes) -> Any:
    """Add a plain PNG to a widget's mime bundle: saved notebooks outlive their widgets."""
    if not png or bundle is None:
        return bundle
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return {**data, "image/png": png}, metadata
