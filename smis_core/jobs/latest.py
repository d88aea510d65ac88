"""Interactive rendering: the newest request wins."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from .threads import thread_count, torch_threads

Request = TypeVar("Request")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class LatestWorker(Generic[Request, Result]):
    """Renders the newest request on one thread; overtaken requests are dropped, never queued.

    A request that is being worked on when a newer one comes is finished and delivered, so that the
    picture follows a hand that never rests.

    Args:
        work: request to result; runs on the worker thread.
        callback: gets ``(result, None)`` or ``(None, error)`` on the worker thread, in the order
            of the requests. What it raises is logged.
        threads: torch threads of the worker; by default one core is left to the interface.

    Raises:
        ValueError: ``threads`` is less than 1.
    """

    def __init__(
        self,
        work: Callable[[Request], Result],
        callback: Callable[[Result | None, Exception | None], None],
        *,
        threads: int | None = None,
    ) -> None:
        self._work = work
        self._callback = callback
        self._threads = thread_count(threads)
        self._changed = threading.Condition()
        self._waiting: list[Request] = []  # at most one
        self._busy = False
        self._closed = False
        self._worker = threading.Thread(target=self._run, name="smis-latest", daemon=True)
        self._worker.start()

    def submit(self, request: Request) -> None:
        """Ask for a result, in place of any request that still waits.

        Raises:
            RuntimeError: the worker has been closed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("LatestWorker: it is closed; make another")
            self._waiting[:] = [request]
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything asked for is delivered or dropped; not from the callback.

        Args:
            timeout: at most so many seconds; None waits for ever.

        Returns:
            Whether the worker is idle.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not (self._busy or self._waiting), timeout)

    def close(self) -> None:
        """Drop what waits and end the thread; returns when a result under way is delivered."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
        if threading.current_thread() is not self._worker:
            self._worker.join()

    def _run(self) -> None:
        with torch_threads(self._threads):
            while True:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._waiting or self._closed)
                    if self._closed:
                        return
                    request = self._waiting.pop()
                    self._busy = True
                try:
                    self._render(request)
                except Exception:
                    _log.exception("the callback of a LatestWorker failed")

    def _render(self, request: Request) -> None:
        try:
            result = self._work(request)
        except Exception as error:
            self._callback(None, error)
        else:
            self._callback(result, None)
