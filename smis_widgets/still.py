"""The plain picture that a saved notebook keeps of a pad."""

from __future__ import annotations

import base64
import io
import secrets
import threading
from typing import Any, Protocol

from IPython.display import display, update_display
from PIL import Image

from smis_core.labels import LabelMap
from smis_widgets.image_view import with_plain_picture

LARGEST_SIDE = 512
REST_SECONDS = 2.0
"""The picture follows the drawing no faster than this: each one is written into the notebook."""


class Drawn(Protocol):
    """What has a finished drawing."""

    value: LabelMap

    def observe(self, handler: Any, names: str) -> None: ...


class Still:
    """An output of its own beside the live widget, whose style hides it while the widget lives.

    Args:
        pad: whose drawing is shown.
    """

    def __init__(self, pad: Drawn) -> None:
        self._pad = pad
        self._id = f"smis-still-{secrets.token_hex(8)}"
        self._lock = threading.Lock()
        self._due: threading.Timer | None = None
        self._displayed = False
        pad.observe(lambda change: self._later(), "value")

    def beside(self, bundle: Any) -> Any:
        """A widget's mime bundle with the picture, for places that show but one output."""
        return with_plain_picture(bundle, self._png())

    def display(self, bundle: Any) -> None:
        """Show the live widget, and the picture as an output of its own."""
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        display(self._bundle(), display_id=self._id, raw=True)
        self._displayed = True

    def _later(self) -> None:
        if not self._displayed:
            return
        with self._lock:
            if self._due is None:
                self._due = threading.Timer(REST_SECONDS, self._update)
                self._due.daemon = True
                self._due.start()

    def _update(self) -> None:
        with self._lock:
            self._due = None
        update_display(self._bundle(), display_id=self._id, raw=True)

    def _bundle(self) -> dict[str, Any]:
        png = self._png()
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        return {"text/html": f'<img class="smis-still" src="{source}">', "image/png": png}

    def _png(self) -> bytes:
        picture = Image.fromarray(self._pad.value.colours())
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.NEAREST)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()
