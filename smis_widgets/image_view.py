"""The picture, the same everywhere: square to its box, never sent faster than it is shown."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from smis_core.images import read_image, to_pil
from smis_widgets.shell import THEME, joined
from smis_widgets.strings import Strings

UNPAINTED = 2
"""So many pictures may be on their way to the page."""
PATIENCE_SECONDS = 1.0
"""A page that has not answered for so long is taken for gone."""
_JPEG_QUALITY = 88
_VIEWS = 8
"""Views that are remembered; those of older ones have gone without a word."""


class ImageView(anywidget.AnyWidget):
    """Shows one picture, and another one behind a wipe; can be zoomed, panned, copied and saved.

    `show` may be called from any thread. The browser answers each frame once it is on screen. No
    more than `UNPAINTED` pictures are unanswered: what comes sooner waits, the newest alone, and
    `wait_painted` lets a worker keep pace with the page. A picture that is scrolled away is not
    drawn.

    Args:
        picture: what `show` takes; none by default.
        language: of the texts, see `smis_widgets.strings`.
        on_save: called, on the message's thread, when a person presses save; by default the
            browser downloads the picture.
    """

    _esm = joined(".", "parts", "zoom", "image_view")
    _css = THEME

    data = traitlets.Bytes(b"").tag(sync=True)
    """The picture that was sent last, in its own resolution; empty before the first."""

    kind = traitlets.Unicode("image/png").tag(sync=True)
    """What `data` is: PNG, or JPEG while the picture moves."""

    frame = traitlets.Int(0).tag(sync=True)
    """Number of the picture that was sent last; the browser reports it back."""

    other = traitlets.Bytes(b"").tag(sync=True)
    """A PNG to compare with, shown to the right of the wipe; empty: none."""

    wipe = traitlets.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    """Where the wipe stands, in widths of the picture."""

    alt = traitlets.Unicode().tag(sync=True)
    """What the picture is, for those who cannot see it."""

    filename = traitlets.Unicode("picture.png").tag(sync=True)
    """What a browser that saves the picture calls it."""

    texts = traitlets.Dict().tag(sync=True)
    """Of the buttons."""

    saver = traitlets.Bool(False).tag(sync=True)
    """Whether Python saves, in place of the browser."""

    painted = traitlets.Int(0)
    """The newest frame that a browser has on screen."""

    on_screen = traitlets.Bool(True)
    """Whether a page shows the view; False while it is scrolled away on every page."""

    def __init__(
        self,
        picture: Any = None,
        *,
        language: str = "en",
        on_save: Callable[[], None] | None = None,
    ) -> None:
        self._screen = threading.Condition()
        self._writing = threading.Lock()
        self._on_save = on_save
        self._released = 0
        self._made = 0
        self._waiting: tuple[int, bytes, str] | None = None
        self._unpainted: list[int] = []
        self._sent_at = 0.0
        self._views: dict[str, bool] = {}
        strings = Strings(language)
        super().__init__(
            alt=strings("picture"), texts=strings.section("view"), saver=on_save is not None
        )
        self.on_msg(self._on_message)
        if picture is not None:
            self.show(picture)

    def show(self, picture: Any, *, moving: bool = False) -> int:
        """Show another picture.

        Args:
            picture: image tensor [1, 3, H, W] or [3, H, W] in [-1, 1], PIL picture, uint8 array
                [H, W, 3] or path.
            moving: one of many that a hand in motion asks for: it travels as JPEG, and not at all
                while the view is off screen.

        Returns:
            The number of the frame, for `wait_painted`.

        Raises:
            ValueError: what came is no picture.
        """
        if not moving:
            return self.show_png(png_bytes(picture))
        if not self.on_screen:
            return self._made
        buffer = io.BytesIO()
        to_pil(read_image(picture)).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        return self._put(buffer.getvalue(), "image/jpeg")

    def show_png(self, png: bytes) -> int:
        """Show a picture that is PNG bytes already; otherwise like `show`."""
        return self._put(png, "image/png")

    def compare(self, picture: Any | None) -> None:
        """Lay a picture beside the shown one, with a wipe between; None takes it away.

        Args:
            picture: what `show` takes.

        Raises:
            ValueError: what came is no picture.
        """
        self.other = b"" if picture is None else png_bytes(picture)

    def wait_painted(self, frame: int, timeout: float = 0.3) -> bool:
        """Wait until a frame (or a newer one) is on screen; returns whether it is.

        Returns False at once while no browser shows this view, and as soon as `release` is called.
        """
        with self._screen:
            if self.painted == 0 or not self.on_screen:
                return False
            self._screen.wait_for(lambda: max(self.painted, self._released) >= frame, timeout)
            return self.painted >= frame

    def saw(self, frame: int) -> None:
        """A page has painted a frame: for whoever brings the news in place of the view itself."""
        with self._screen:
            self.painted = max(self.painted, frame)
            self._unpainted = [each for each in self._unpainted if each > self.painted]
            self._screen.notify_all()
        self._send_waiting()

    def release(self) -> None:
        """Let those who wait for the present frame go: something more urgent has come."""
        with self._screen:
            self._released = self.frame
            self._screen.notify_all()

    def _put(self, data: bytes, kind: str) -> int:
        with self._screen:
            self._made += 1
            number = self._made
            self._waiting = (number, data, kind)
        self._send_waiting()
        return number

    def _send_waiting(self) -> None:
        # The order of the locks is always this one, so that frames leave in their order.
        with self._writing:
            with self._screen:
                if self._waiting is None or not self._may_send():
                    return
                number, data, kind = self._waiting
                self._waiting = None
                self._sent_at = time.monotonic()
                self._unpainted.append(number)
            with self.hold_sync():
                self.data, self.kind, self.frame = data, kind, number

    def _may_send(self) -> bool:
        # Before a page has spoken there is none to overwhelm, and one off screen draws nothing.
        gone = time.monotonic() - self._sent_at > PATIENCE_SECONDS
        if gone or self.painted == 0 or not self.on_screen:
            self._unpainted.clear()
        return len(self._unpainted) < UNPAINTED

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if "painted" in content:
            self.saw(int(content["painted"]))
        elif "visible" in content:
            with self._screen:
                view = str(content.get("view"))
                others = [each for each in self._views.items() if each[0] != view]
                self._views = dict([*others[1 - _VIEWS :], (view, bool(content["visible"]))])
                self._screen.notify_all()
            self.on_screen = any(self._views.values())
        elif "save" in content and self._on_save is not None:
            self._on_save()
        self._send_waiting()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live view, and a plain picture for places without a kernel."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_plain_picture(bundle, self.data if self.kind == "image/png" else b"")


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
