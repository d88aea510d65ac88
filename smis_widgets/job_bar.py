"""The bar of a long job, the same everywhere: start, pause, stop, progress, time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from smis_core.jobs import Job
from smis_widgets.controls import icon_button
from smis_widgets.strings import Strings, duration

REFRESH_SECONDS = 0.25
"""At most so often do steps change the bar."""


class JobBar(widgets.HBox):
    """Starts jobs and shows the one under way; several bars may show one job.

    Args:
        make_job: makes the job to start; None if there is nothing to do.
        label: what the job is called.
        tooltip: of the start button.
        on_error: called with what made a job fail.
        strings: the texts.
        detailed: whether steps, speed and time left are told, beside the time it has taken.
    """

    def __init__(
        self,
        make_job: Callable[[], Job[Any] | None],
        *,
        label: str,
        tooltip: str,
        on_error: Callable[[BaseException], None],
        strings: Strings,
        detailed: bool = False,
    ) -> None:
        self._make_job = make_job
        self._on_error = on_error
        self._strings = strings
        self._tooltip = tooltip
        self._detailed = detailed
        self._refreshed = 0.0
        self._unwatch: Callable[[], None] = lambda: None
        self.job: Job[Any] | None = None
        self.play = icon_button("play", tooltip, self.toggle)
        self.halt = icon_button("stop", strings("stop"), self.stop)
        name = widgets.Label(label)
        name.add_class("smis-name")
        self._track = widgets.HTML()
        self._track.add_class("smis-progress")
        self._reading = widgets.Label()
        self._reading.add_class("smis-value")
        super().__init__(
            [*([name] if label else []), self.play, self.halt, self._track, self._reading]
        )
        self.add_class("smis-job")
        if detailed:
            self.add_class("smis-job-detailed")
        self._refresh()

    @property
    def running(self) -> bool:
        """Whether a job is under way or paused."""
        return self.job is not None and self.job.state in ("running", "paused")

    def forget(self) -> None:
        """Watch the job no more."""
        self._unwatch()

    def show(self, job: Job[Any] | None) -> None:
        """Show a job that was made elsewhere, begun or not; None: none."""
        self.forget()
        self.job = job
        if job is not None:
            self._unwatch = job.watch(on_step=lambda _: self._stepped(), on_change=self._changed)
        self._refresh()

    def toggle(self) -> None:
        """Start a job; pause or resume the one under way."""
        if self.job is None or self.job.finished:
            self.show(self._make_job())
        if self.job is None or self.job.finished:
            return
        match self.job.state:
            case "new":
                self.job.start()
            case "paused":
                self.job.resume()
            case _:
                self.job.pause()

    def stop(self) -> None:
        """Stop the job under way, keeping its result."""
        if self.job is not None:
            self.job.stop()

    def _stepped(self) -> None:
        now = time.monotonic()
        if now - self._refreshed >= REFRESH_SECONDS:
            self._refreshed = now
            self._refresh()

    def _changed(self, job: Job[Any]) -> None:
        self._refresh()
        if job.error is not None:
            self._on_error(job.error)

    def _refresh(self) -> None:
        job = self.job
        state = job.state if job is not None else "new"
        self.play.icon = "pause" if state == "running" else "play"
        self.play.tooltip = {
            "running": self._strings("pause"),
            "paused": self._strings("resume"),
        }.get(state, self._tooltip)
        self.halt.disabled = not self.running
        done = 0.0
        if job is not None and state == "done":
            done = 1.0
        elif job is not None and job.total and (self._detailed or self.running):
            done = min(job.position / job.total, 1.0)
        self._track.value = (
            f'<div class="smis-track smis-{state}"><div style="width: {100 * done:.4g}%">'
            "</div></div>"
        )
        self._reading.value = "" if job is None or state == "new" else self._read(job)

    def _read(self, job: Job[Any]) -> str:
        strings = self._strings
        if not self._detailed:
            return strings("seconds", value=job.elapsed)
        if job.total is None:
            parts = [strings("step", step=job.position)]
        else:
            parts = [strings("step_of", step=job.position, total=job.total)]
        if job.state == "running":
            if job.rate is not None:
                parts.append(strings("rate", rate=_three_digits(job.rate)))
            if job.remaining is not None:
                parts.append(strings("left", time=duration(job.remaining)))
        else:
            parts.append(strings(f"state_{job.state}", time=duration(job.elapsed)))
        return " · ".join(parts)


def _three_digits(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2f}"
