"""Running a step generator on a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from types import GeneratorType
from typing import Generic, Literal, TypeAlias, TypeVar

from .threads import thread_count, torch_threads
from .turns import Turns, turns_of

Step = TypeVar("Step")
Arg = TypeVar("Arg")

JobState: TypeAlias = Literal["new", "running", "paused", "stopped", "done", "failed"]

_NAP_SECONDS = 0.2
_RATE_MEMORY = 0.9
"""How much of the former pace each step leaves in the present one."""

_log = logging.getLogger(__name__)


class Job(Generic[Step]):
    """Runs a step generator on a worker thread.

    Steps are made one after another; pausing and stopping take effect between two steps. To stop
    is to close the generator, so that its ``finally`` blocks run.

    Args:
        steps: the generator, or a function that makes it. The function is called on the worker
            thread, so that a slow beginning does not hold the caller up.
        total: how many steps there will be, where it is known; otherwise what the steps say
            themselves (an attribute ``total``). Without either nothing can be said about the time
            left.
        shares: what the steps compute with, such as a generator network. Jobs and widgets that
            share it take turns, a step each, in the order in which they asked.
        on_step: called on the worker thread with each step. What it raises fails the job.
        on_end: called on the worker thread with the job when it is stopped, done or failed;
            what it raises is logged.
        threads: torch threads of the worker; by default one core is left to the interface.

    Raises:
        ValueError: ``total`` or ``threads`` is less than 1.
        TypeError: ``steps`` is neither an iterator nor a function.
    """

    def __init__(
        self,
        steps: Iterator[Step] | Callable[[], Iterator[Step]],
        *,
        total: int | None = None,
        shares: object | None = None,
        on_step: Callable[[Step], None] | None = None,
        on_end: Callable[[Job[Step]], None] | None = None,
        threads: int | None = None,
    ) -> None:
        if total is not None and total < 1:
            raise ValueError(f"total: at least one step was wanted, got {total}")
        if not (callable(steps) or isinstance(steps, Iterator)):
            raise TypeError(
                "steps: a generator or a function that makes one was wanted, got"
                f" {type(steps).__name__}"
            )
        self._steps: Iterator[Step] | Callable[[], Iterator[Step]] | None = steps
        self._turns = Turns() if shares is None else turns_of(shares)
        self._total = total
        self._on_step = on_step
        self._on_end = on_end
        self._threads = thread_count(threads)
        self._changed = threading.Condition()
        self._watchers: list[_Watcher[Step]] = []
        self._state: JobState = "new"
        self._stopping = False
        self._told = False
        self._result: Step | None = None
        self._error: BaseException | None = None
        self._steps_done = 0
        self._position = 0
        self._pace: float | None = None
        self._elapsed_before = 0.0
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
    def total(self) -> int | None:
        """How many steps there will be, where it is known."""
        return self._total

    @property
    def steps_done(self) -> int:
        """How many steps have come."""
        return self._steps_done

    @property
    def position(self) -> int:
        """How far the work is on its way to `total`: the steps that have come, and those of an
        earlier run that it took up again."""
        return self._position

    @property
    def elapsed(self) -> float:
        """Seconds of work, pauses not counted; waiting for a turn is."""
        with self._changed:
            since = self._working_since
            return self._worked_seconds + (0.0 if since is None else time.monotonic() - since)

    @property
    def rate(self) -> float | None:
        """Steps a second, of late; None before the second step."""
        pace = self._pace
        return None if pace is None else 1 / max(pace, 1e-9)

    @property
    def remaining(self) -> float | None:
        """Seconds of work still to come at the present rate; None while that is unknown."""
        if self.finished:
            return 0.0
        rate = self.rate
        if self._total is None or rate is None:
            return None
        return max(self._total - self._position, 0) / rate

    def start(self) -> None:
        """Begin; RuntimeError if the job has been started before."""
        with self._changed:
            if self._state != "new":
                raise RuntimeError(f"job: it is {self._state}, it cannot start again; make another")
            self._state = "running"
            self._working_since = time.monotonic()
        self._worker.start()
        self._tell()

    def pause(self) -> None:
        """Hold after the present step; nothing happens unless the job is running."""
        self._switch("running", "paused")

    def resume(self) -> None:
        """Go on after a pause; nothing happens unless the job is paused."""
        self._switch("paused", "running")

    def stop(self) -> None:
        """End after the present step, keeping the result; ``wait`` waits for it."""
        with self._changed:
            self._stopping = True
            never_began = self._state == "new"
            if never_began:
                self._state, self._steps = "stopped", None
            self._changed.notify_all()
        if never_began:
            self._tell()
            self._told = True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended.

        Interrupting the cell that waits ends the waiting alone: the job goes on, and its buttons
        and `stop` still work.

        Args:
            timeout: at most so many seconds; None waits for ever.

        Returns:
            Whether it has ended and everybody who watches it has been told.

        Raises:
            RuntimeError: it has not been started.
            BaseException: what made the job fail, see `error`.
        """
        if self._state == "new":
            raise RuntimeError("job: it has not been started, so it would never end; call start()")
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._told:
                left = _NAP_SECONDS if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    return False
                # In naps: where locks cannot be interrupted (Windows) an interrupt is seen between.
                self._changed.wait(min(left, _NAP_SECONDS))
        if self._error is not None:
            raise self._error
        return True

    def watch(
        self,
        *,
        on_step: Callable[[Step], None] | None = None,
        on_change: Callable[[Job[Step]], None] | None = None,
    ) -> Callable[[], None]:
        """Be told of steps and of changes of `state`, beside anybody else who is.

        What a watcher raises is logged and leaves the job alone.

        Args:
            on_step: called on the worker thread with each step.
            on_change: called with the job on whichever thread changed its state.

        Returns:
            A function that ends the watching.
        """
        watcher = _Watcher(on_step, on_change)
        with self._changed:
            self._watchers.append(watcher)

        def unwatch() -> None:
            with self._changed:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)

        return unwatch

    def _switch(self, old: JobState, new: JobState) -> None:
        with self._changed:
            if self._state != old:
                return
            self._state = new
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        for watcher in tuple(self._watchers):
            watcher.change(self)

    def _run(self) -> None:
        end: JobState = "failed"
        try:
            with torch_threads(self._threads):
                end = self._drain()
        except BaseException as error:  # whatever it is, the person who waits must see it
            self._error = error
        with self._changed:
            self._stand_still()
            self._state = end
        try:
            if self._on_end is not None:
                self._on_end(self)
        except Exception:
            _log.exception("the on_end callback of a Job failed")
        self._tell()
        with self._changed:
            self._told = True
            self._changed.notify_all()

    def _drain(self) -> JobState:
        made, self._steps = self._steps, None  # a finished job holds no network
        assert made is not None
        with self._turns:
            steps = made if isinstance(made, Iterator) else made()
        del made
        try:
            while self._may_go_on():
                if isinstance(steps, GeneratorType) and steps.gi_frame is None:
                    raise RuntimeError(
                        f"job: its steps were closed or used up elsewhere after {self._steps_done}"
                        " of them; make the job with a function that makes the generator"
                    )
                try:
                    with self._turns:
                        step = next(steps)
                except StopIteration:
                    return "done"
                self._take(step)
            return "stopped"
        finally:
            if isinstance(steps, Generator):
                with self._turns:
                    steps.close()

    def _take(self, step: Step) -> None:
        index, total = getattr(step, "index", None), getattr(step, "total", None)
        elapsed = self.elapsed
        with self._changed:
            self._result = step
            self._steps_done += 1
            # Steps that skip some, or that took up an earlier run, know better where they are.
            before = self._position
            self._position = max(self._steps_done, index if isinstance(index, int) else 0)
            if isinstance(total, int):
                self._total = total
            if self._steps_done > 1 and self._position > before:
                pace = (elapsed - self._elapsed_before) / (self._position - before)
                former = pace if self._pace is None else self._pace
                self._pace = _RATE_MEMORY * former + (1 - _RATE_MEMORY) * pace
            self._elapsed_before = elapsed
        if self._on_step is not None:
            self._on_step(step)
        for watcher in tuple(self._watchers):
            watcher.step(step)

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


class _Watcher(Generic[Step]):
    def __init__(
        self,
        on_step: Callable[[Step], None] | None,
        on_change: Callable[[Job[Step]], None] | None,
    ) -> None:
        self._on_step = on_step
        self._on_change = on_change

    def step(self, step: Step) -> None:
        if self._on_step is not None:
            self._safely(self._on_step, step)

    def change(self, job: Job[Step]) -> None:
        if self._on_change is not None:
            self._safely(self._on_change, job)

    @staticmethod
    def _safely(call: Callable[[Arg], None], value: Arg) -> None:
        try:
            call(value)
        except Exception:
            _log.exception("a watcher of a Job failed")
