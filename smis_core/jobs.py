"""Long work and interactive rendering off the main thread.

Long work is a generator function that yields steps (frozen dataclasses); a ``Job`` runs one on a
thread. Rendering while a person draws is a ``LatestWorker``: the newest request wins.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, TypeAlias, TypeVar

import torch

Step = TypeVar("Step")
Request = TypeVar("Request")
Result = TypeVar("Result")

JobState: TypeAlias = Literal["new", "running", "paused", "stopped", "done", "failed"]

_log = logging.getLogger(__name__)


class Job(Generic[Step]):
    """Runs a step generator on a worker thread.

    Steps are made one after another; pausing and stopping take effect between two steps. To stop
    is to close the generator, so that its ``finally`` blocks run.

    Args:
        steps: makes the generator; called on the worker thread, so that a slow beginning does not
            hold the caller up.
        total: how many steps there will be, where it is known; without it nothing can be said
            about the time left.
        on_step: called on the worker thread with each step. What it raises fails the job.
        on_end: called on the worker thread with the job when it is stopped, done or failed;
            what it raises is logged.
        threads: torch threads of the worker; by default one core is left to the interface.

    Raises:
        ValueError: ``total`` or ``threads`` is less than 1.
    """

    def __init__(
        self,
        steps: Callable[[], Iterator[Step]],
        *,
        total: int | None = None,
        on_step: Callable[[Step], None] | None = None,
        on_end: Callable[[Job[Step]], None] | None = None,
        threads: int | None = None,
    ) -> None:
        if total is not None and total < 1:
            raise ValueError(f"total: at least one step was wanted, got {total}")
        self._steps = steps
        self._total = total
        self._on_step = on_step
        self._on_end = on_end
        self._threads = _thread_count(threads)
        self._changed = threading.Condition()
        self._state: JobState = "new"
        self._stopping = False
        self._result: Step | None = None
        self._error: BaseException | None = None
        self._steps_done = 0
        self._worked_seconds = 0.0
        self._working_since: float | None = None
        self._worker = threading.Thread(target=self._run, name="smis-job", daemon=True)

    @property
    def state(self) -> JobState:
        """Where the job stands; 'paused' as soon as it is asked for."""
        return self._state

    @property
    def finished(self) -> bool:
        """Whether it is stopped, done or failed."""
        return self._state in ("stopped", "done", "failed")

    @property
    def result(self) -> Step | None:
        """The latest step, also while running; None before the first."""
        return self._result

    @property
    def error(self) -> BaseException | None:
        """What made the job fail."""
        return self._error

    @property
    def steps_done(self) -> int:
        """How many steps have come."""
        return self._steps_done

    @property
    def elapsed(self) -> float:
        """Seconds of work, pauses not counted."""
        with self._changed:
            since = self._working_since
            return self._worked_seconds + (0.0 if since is None else time.monotonic() - since)

    @property
    def remaining(self) -> float | None:
        """Seconds of work still to come at the present rate; None while that is unknown."""
        if self.finished:
            return 0.0
        if self._total is None or self._steps_done == 0:
            return None
        return self.elapsed / self._steps_done * max(self._total - self._steps_done, 0)

    def start(self) -> None:
        """Begin; RuntimeError if the job has been started before."""
        with self._changed:
            if self._state != "new":
                raise RuntimeError(f"job: it is {self._state}, it cannot start again; make another")
            self._state = "running"
            self._working_since = time.monotonic()
        self._worker.start()

    def pause(self) -> None:
        """Hold after the present step; nothing happens unless the job is running."""
        with self._changed:
            if self._state == "running":
                self._state = "paused"

    def resume(self) -> None:
        """Go on after a pause; nothing happens unless the job is paused."""
        with self._changed:
            if self._state == "paused":
                self._state = "running"
                self._changed.notify_all()

    def stop(self) -> None:
        """End after the present step, keeping the result; ``join`` waits for it."""
        with self._changed:
            self._stopping = True
            if self._state == "new":
                self._state = "stopped"
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended.

        Args:
            timeout: at most so many seconds; None waits for ever.

        Returns:
            Whether it has ended.
        """
        with self._changed:
            ended = self._changed.wait_for(lambda: self.finished, timeout)
        return ended

    def _run(self) -> None:
        end: JobState = "failed"
        try:
            with _torch_threads(self._threads):
                end = self._drain()
        except BaseException as error:  # whatever it is, the person who waits must see it
            self._error = error
        with self._changed:
            self._stand_still()
            self._state = end
            self._changed.notify_all()
        try:
            if self._on_end is not None:
                self._on_end(self)
        except Exception:
            _log.exception("the on_end callback of a Job failed")

    def _drain(self) -> JobState:
        steps = self._steps()
        try:
            while self._may_go_on():
                try:
                    step = next(steps)
                except StopIteration:
                    return "done"
                with self._changed:
                    self._result = step
                    self._steps_done += 1
                if self._on_step is not None:
                    self._on_step(step)
            return "stopped"
        finally:
            if isinstance(steps, Generator):
                steps.close()

    def _may_go_on(self) -> bool:
        with self._changed:
            if self._state == "paused" and not self._stopping:
                self._stand_still()
                self._changed.wait_for(lambda: self._state != "paused" or self._stopping)
                self._working_since = time.monotonic()
            return not self._stopping

    def _stand_still(self) -> None:
        if self._working_since is not None:
            self._worked_seconds += time.monotonic() - self._working_since
            self._working_since = None


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
        self._threads = _thread_count(threads)
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
        with _torch_threads(self._threads):
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


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return max(1, (os.cpu_count() or 2) - 1)
    if threads < 1:
        raise ValueError(f"threads: at least one was wanted, got {threads}")
    return threads


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    # OpenMP's thread count belongs to the thread that sets it, so the caller's own work keeps its
    # cores; torch also hands the number to threads born later, hence the way back.
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
