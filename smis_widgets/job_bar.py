"""The bar of a long job, the same everywhere: start, pause, stop, progress, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from smis_core.jobs import Job
from smis_widgets.controls import icon_button
from smis_widgets.strings import Strings


class JobBar(widgets.HBox):
    """Starts jobs and shows the one under way.

    Args:
        make_job: makes the job to start, with the step and end callbacks that it is given; None if
            there is nothing to do.
        label: what the job is called.
        tooltip: of the start button.
        on_error: called with what made a job fail.
        strings: the texts.
    """

    def __init__(
        self,
        make_job: Callable[[Callable[[], None], Callable[[Job[Any]], None]], Job[Any] | None],
        *,
        label: str,
        tooltip: str,
        on_error: Callable[[BaseException], None],
        strings: Strings,
    ) -> None:
        self._make_job = make_job
        self._on_error = on_error
        self._strings = strings
        self._tooltip = tooltip
        self.job: Job[Any] | None = None
        self.total = 1
        self.play = icon_button("play", tooltip, self.toggle)
        self.halt = icon_button("stop", strings("stop"), self.stop)
        name = widgets.Label(label)
        name.add_class("smis-name")
        self._track = widgets.HTML()
        self._track.add_class("smis-progress")
        self._time = widgets.Label()
        self._time.add_class("smis-value")
        super().__init__([name, self.play, self.halt, self._track, self._time])
        self.add_class("smis-job")
        self._show(0.0)

    @property
    def running(self) -> bool:
        """Whether a job is under way or paused."""
        return self.job is not None and not self.job.finished

    def toggle(self) -> None:
        """Start a job; pause or resume the one under way."""
        if not self.running:
            self.job = self._make_job(self._stepped, self._ended)
            if self.job is not None:
                self.job.start()
        elif self.job is not None and self.job.state == "paused":
            self.job.resume()
        elif self.job is not None:
            self.job.pause()
        self._refresh()

    def stop(self) -> None:
        """Stop the job under way, keeping its result."""
        if self.job is not None:
            self.job.stop()

    def _stepped(self) -> None:
        if self.job is not None:
            self._show(self.job.steps_done / self.total)

    def _ended(self, job: Job[Any]) -> None:
        if job is self.job:
            self._show(1.0 if job.state == "done" else 0.0)
        if job.error is not None:
            self._on_error(job.error)

    def _show(self, done: float) -> None:
        self._track.value = (
            f'<div class="smis-track"><div style="width: {100 * min(done, 1.0):.0f}%"></div></div>'
        )
        seconds = self.job.elapsed if self.job is not None else 0.0
        self._time.value = self._strings("seconds", value=seconds) if self.job is not None else ""
        self._refresh()

    def _refresh(self) -> None:
        state = self.job.state if self.job is not None else "new"
        self.play.icon = "pause" if state == "running" else "play"
        self.play.tooltip = {
            "running": self._strings("pause"),
            "paused": self._strings("resume"),
        }.get(state, self._tooltip)
        self.halt.disabled = not self.running
