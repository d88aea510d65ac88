"""The runs of a widget of long work: what may be started, and the jobs that have been."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from smis_core.jobs import Job
from smis_widgets.recording import Recording, recording_of

Steps: TypeAlias = Iterator[Any]
Work: TypeAlias = Job[Any] | Steps | Callable[[], Steps]


class Runs:
    """Jobs by name, all of them recorded.

    Args:
        works: what each run is: a job, steps, or a function that makes steps.
        shares: what jobs that are made here share, see `Job`.

    Raises:
        ValueError: no runs.
        TypeError: a run that is none of these.
    """

    def __init__(self, works: Mapping[str, Work], *, shares: object | None) -> None:
        if not works:
            raise ValueError("runs: wanted at least one, got none; name one in the mapping")
        self._works = dict(works)
        self._shares = shares
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[Any]] = {}
        self._follow: Callable[[str, Job[Any]], Callable[[], None]] | None = None
        self._unfollow: dict[str, Callable[[], None]] = {}
        for name, work in self._works.items():
            if isinstance(work, Job):
                self._adopt(name, work)
            elif isinstance(work, Iterator):
                self._adopt(name, Job(work, shares=shares))
            elif not callable(work):
                raise TypeError(
                    "runs: wanted a Job, steps of work or a function that makes them,"
                    f" got {type(work).__name__} for {name!r}"
                )

    def follow(
        self,
        *,
        on_step: Callable[[], None],
        on_change: Callable[[str, Job[Any]], None],
    ) -> None:
        """Be told of the newest job of each run, until `close`.

        Args:
            on_step: called on a worker thread when any run has made a step.
            on_change: called with the run's name and job when the state of one changes.
        """

        def watch(name: str, job: Job[Any]) -> Callable[[], None]:
            return job.watch(
                on_step=lambda _: on_step(), on_change=lambda job: on_change(name, job)
            )

        self._follow = watch
        for name, job in self.jobs.items():
            self._unfollow[name] = watch(name, job)

    @property
    def names(self) -> tuple[str, ...]:
        """In the order in which they came."""
        return tuple(self._works)

    @property
    def jobs(self) -> dict[str, Job[Any]]:
        """The newest job of each run that has one."""
        with self._lock:
            return {name: self._jobs[name] for name in self._works if name in self._jobs}

    @property
    def recordings(self) -> dict[str, Recording]:
        """Of these jobs."""
        return {name: recording_of(job) for name, job in self.jobs.items()}

    def described(self) -> list[dict[str, Any]]:
        """Name, number of steps and state of each run, as `LossPlot.runs` takes them."""
        found = []
        for name in self.names:
            job = self.jobs.get(name)
            total, state = (None, "new") if job is None else (job.total, job.state)
            found.append({"name": name, "total": total, "state": state})
        return found

    def can_begin(self, name: str) -> bool:
        """Whether the run can be made anew: others are what they are."""
        return not isinstance(self._works[name], Job | Iterator)

    def begin(self, name: str) -> Job[Any]:
        """A fresh job of a run that a function makes; what the function raises comes through."""
        work = self._works[name]
        assert not isinstance(work, Job | Iterator)
        job = Job(work(), shares=self._shares)
        self._adopt(name, job)
        return job

    def close(self) -> None:
        """Follow no more; the jobs go on."""
        for unfollow in self._unfollow.values():
            unfollow()

    def _adopt(self, name: str, job: Job[Any]) -> None:
        self._unfollow.pop(name, lambda: None)()
        recording_of(job)  # first, so that what we are told of is recorded already
        with self._lock:
            self._jobs[name] = job
        if self._follow is not None:
            self._unfollow[name] = self._follow(name, job)
