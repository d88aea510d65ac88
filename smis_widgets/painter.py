"""The one thread that draws on canvases.

ipycanvas keeps one command cache for the whole process: two threads that hold it mix their
canvases, and an exception inside `hold_canvas` leaves it holding for ever. So surfaces ask to be
painted, this thread paints them in turn, and everything that can fail is computed before the cache
is held. Requests that arrive while a surface waits are one request: a flood of mouse events costs
as many frames as the thread can send, and no more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from ipycanvas import Canvas, hold_canvas

FRAME_SECONDS = 1 / 60


class Surface(Protocol):
    """What can be painted."""

    def compose(self) -> tuple[Canvas, Callable[[], None]] | None:
        """Compute what is due: a canvas of the surface and the commands; None if nothing is."""

    def paint_failed(self, error: Exception) -> None:
        """Show that composing or drawing failed."""


class Painter:
    """Paints surfaces on a thread of its own, each in its newest state."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: dict[int, Surface] = {}
        self._busy = False
        self._thread: threading.Thread | None = None

    def request(self, surface: Surface) -> None:
        """Ask that a surface be painted soon; returns at once."""
        with self._condition:
            self._waiting[id(surface)] = surface
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="smis-painter", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def wait_idle(self, timeout: float = 5.0) -> bool:
        """Wait until everything requested so far is painted; returns whether it is."""
        with self._condition:
            return self._condition.wait_for(lambda: not (self._waiting or self._busy), timeout)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: bool(self._waiting))
                surface = self._waiting.pop(next(iter(self._waiting)))
                self._busy = True
            started = time.monotonic()
            try:
                self._paint(surface)
            except Exception as error:
                surface.paint_failed(error)
            del surface
            time.sleep(max(0.0, FRAME_SECONDS - (time.monotonic() - started)))

    @staticmethod
    def _paint(surface: Surface) -> None:
        composed = surface.compose()
        if composed is None:
            return
        canvas, draw = composed
        manager = canvas._canvas_manager
        # A reloaded page has no current canvas although this process remembers one: always name it.
        manager._current_canvas = None
        try:
            with hold_canvas():
                draw()
        except Exception:
            # hold_canvas has no finally: without this every later command would wait for ever.
            manager._commands_cache, manager._buffers_cache = [], []
            manager._caching = False
            raise


PAINTER = Painter()
"""The painter of this process."""
