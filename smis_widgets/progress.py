"""Watching long work: what an inversion and a training have in common."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as widgets
import traitlets
from IPython.display import display, update_display

from smis_core.jobs import Job, LatestWorker
from smis_widgets.controls import MessageLine, styled
from smis_widgets.exports import KINDS, save_curves, save_timelapse, sheet
from smis_widgets.image_view import with_plain_picture
from smis_widgets.job_bar import JobBar
from smis_widgets.keepsakes import next_path
from smis_widgets.loss_plot import LossPlot
from smis_widgets.progress_tools import ProgressTools
from smis_widgets.recording import Pictures, Recording
from smis_widgets.runs import Runs, Work
from smis_widgets.scrubber import Scrubber, Seek, nearest
from smis_widgets.shell import Shell
from smis_widgets.strings import Strings

FRAME_SECONDS = 0.2
"""The page is sent at most one batch of points in so much time: five a second look live, and each
takes from the work on a machine with few cores."""

PICTURE_SECONDS = 0.4
"""The same for pictures and what one can go back to, while the newest is shown: they are many
messages."""

KEEPSAKE_SECONDS = 30.0
"""The picture that stays in the notebook is renewed so often while the work goes on."""


class Progress(widgets.VBox):
    """Curves, pictures, a bar and a way back to every stage of work that yields steps.

    `InversionProgress` and `TrainingProgress` say what the pictures are.

    Args:
        runs: see `smis_widgets.runs.Runs`.
        pictures: what stands beside the curves.
        above: widgets over the curves.
        shares: what the steps compute with.
        saves: endings of the files that the save button may write.
        folder: where it writes.
        switches: buttons of the row below by the name of a trait: icon and name of the tooltip.
        strings: the texts.

    Attributes:
        plot: the `LossPlot`.
        pictures: what stands beside it.
        runs: the `Runs`.
    """

    selected = traitlets.Unicode()
    """The run whose pictures are shown and whose bar is at hand."""

    step = traitlets.Int(None, allow_none=True)
    """The kept step that is shown; None: the newest, and the best once the run has ended."""

    log = traitlets.Bool(True)
    """Whether losses are drawn on a logarithmic scale."""

    by_seconds = traitlets.Bool(False)
    """Whether the curves lie over seconds of work rather than steps."""

    folder = traitlets.Unicode()
    """Where the save button writes."""

    state = traitlets.Unicode("new")
    """Where the selected run stands, see `smis_core.jobs.JobState`; only read it."""

    texts: ClassVar[Mapping[str, str]]
    """Names of the texts: of the work ("work"), of one of several ("one"), of showing it
    ("showing"), of its curves ("curves")."""

    stem: ClassVar[str]
    """What saved files are called."""

    _closers: tuple[Callable[[], None], ...] = ()  # none of a widget whose making failed

    def __init__(
        self,
        runs: Mapping[str, Work],
        *,
        pictures: Pictures,
        above: Collection[widgets.Widget] = (),
        shares: object | None,
        saves: Collection[str],
        folder: str | Path,
        switches: Mapping[str, tuple[str, str]],
        strings: Strings,
    ) -> None:
        self._strings = strings
        self.runs = Runs(runs, shares=shares)
        self.pictures = pictures
        self.message = MessageLine()
        self._saves = tuple(saves)
        self._displayed = False
        self._display_id = f"smis-progress-{secrets.token_hex(8)}"
        self._keepsake_due = math.inf
        self._pictured = -math.inf
        self._painter, self._keeper = (
            LatestWorker(work, self._painted, threads=1) for work in (self._paint, self._keep)
        )
        self._make_parts()
        super().__init__(selected=self.runs.names[0], folder=str(folder))
        self.tools = ProgressTools(
            self,
            saves=self._saves,
            switches=switches,
            on_save=self.message.guarding(self._save_and_tell, "saving", strings),
            strings=strings,
        )
        self.add_class("smis-inversion")
        self.children = (
            Shell(),
            *above,
            styled("smis-inversion-main", self.plot, *self.pictures.figures, kind=widgets.Box),
            styled("smis-inversion-bar", self.bar, self.scrubber),
            styled("smis-inversion-tools", self.tools, self.message),
        )
        self.observe(lambda change: self._select(change.new), "selected")
        self.observe(lambda change: self._refresh(), ("step", "log", "by_seconds"))
        self._closers = (self.runs.close, self.bar.forget, self._painter.close, self._keeper.close)
        self.runs.follow(on_step=self._refresh, on_change=self._changed)
        self._select(self.selected)

    # What a program uses

    @property
    def job(self) -> Job[Any] | None:
        """The job of the selected run; None before a run that is made anew each time has begun."""
        return self.runs.jobs.get(self.selected)

    @property
    def result(self) -> Any:
        """The best step so far of the selected run."""
        return self.results.get(self.selected)

    @property
    def results(self) -> dict[str, Any]:
        """The best step so far of each run that has one."""
        latest = {name: each.latest for name, each in self.runs.recordings.items()}
        return {name: step.best_so_far for name, step in latest.items() if step is not None}

    def start(self) -> None:
        """Begin every run that has not begun, and go on with those that pause."""
        for name in self.runs.names:
            job = self.runs.jobs.get(name) or self._begin(name)
            if job is not None and job.state == "new":
                job.start()
            elif job is not None:
                job.resume()
        self.bar.show(self.job)

    def pause(self) -> None:
        """Hold every run after its present step."""
        for job in self.runs.jobs.values():
            job.pause()

    def stop(self) -> None:
        """End every run after its present step; what was found so far stays."""
        for job in self.runs.jobs.values():
            job.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every run that has begun has ended and is shown.

        Interrupting the cell ends the waiting alone, as with `Job.wait`.

        Args:
            timeout: at most so many seconds; None waits for ever.

        Returns:
            Whether they have.

        Raises:
            BaseException: what made a run fail.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        for job in self.runs.jobs.values():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if job.state != "new" and not job.wait(left):
                return False
        self._refresh()
        return self._painter.wait(30.0) and self._keeper.wait(30.0)

    def save(self, path: str | Path) -> Path:
        """Write curves (.png, .svg, .csv) of all runs, or the time-lapse (.gif, .webp, .mp4) of
        the selected one.

        Raises:
            ValueError: another ending, nothing to save yet, or the path cannot be written.
            ImportError: the library that writes such a file is not installed.
        """
        path = Path(path)
        if path.suffix.lower() not in self._saves:
            known = ", ".join(self._saves)
            raise ValueError(f"{path}: a name ending in one of {known} was wanted")
        recording = self.runs.recordings.get(self.selected)
        if recording is None or recording.latest is None:
            raise ValueError(self._strings("nothing_to_save"))
        match KINDS[path.suffix.lower()]:
            case "curves":
                return save_curves(path, self.runs.recordings, log=self.log)
            case "timelapse":
                return save_timelapse(path, recording.kept(), target=self.pictures.picture)
            case _:
                return self._save_result(path, recording)

    def close(self) -> None:
        """Remove the widgets; the jobs go on."""
        for close in self._closers:
            close()
        super().close()

    # What each kind of work does in its own way

    def _prepare(self) -> None:
        """Called before a run is made; what it raises is told in place of the run."""

    def _begun(self) -> None:
        """Called when a run has been made."""

    def _after_painting(self) -> None:
        """Called by the painting thread."""

    def _save_result(self, path: Path, recording: Recording) -> Path:
        """Write what is neither curves nor time-lapse."""
        raise NotImplementedError

    # Parts

    def _make_parts(self) -> None:
        strings = self._strings
        self.plot = LossPlot(
            on_ready=self._refresh,
            on_seek=self._seek,
            on_select=lambda name: self.set_trait("selected", name),
            alt=strings(self.texts["curves"]),
            strings=strings,
        )
        self.scrubber = Scrubber(on_seek=self._seek, strings=strings)
        self.bar = JobBar(
            lambda: self._begin(self.selected),
            label="",
            tooltip=strings("start"),
            on_error=lambda error: self._show_error(self.selected, error),
            strings=strings,
            detailed=True,
        )

    @traitlets.validate("selected")
    def _known(self, proposal: Any) -> str:
        if proposal.value in self.runs.names:
            return str(proposal.value)
        known = ", ".join(map(repr, self.runs.names))
        raise traitlets.TraitError(f"selected: the runs are {known}; got {proposal.value!r}")

    # Runs

    def _begin(self, name: str) -> Job[Any] | None:
        """A fresh job; None where the run cannot be made anew, or its checks speak."""
        if not self.runs.can_begin(name):
            self.message.note(self._strings("made_once"))
            return None
        try:
            self._prepare()
            job = self.runs.begin(name)
        except Exception as error:
            self._show_error(name, error)
            return None
        self.message.clear()
        self.step = None
        self._begun()
        return job

    def _changed(self, name: str, job: Job[Any]) -> None:
        if job.error is not None:
            self._show_error(name, job.error)
        resting = 0.0 if job.state != "running" else KEEPSAKE_SECONDS
        self._keepsake_due = time.monotonic() + resting
        if name == self.selected:
            self.state = job.state
        self._refresh()

    def _show_error(self, name: str, error: BaseException) -> None:
        several = len(self.runs.names) > 1
        what = self._strings(self.texts["one" if several else "work"], name=name)
        self.message.error(what, error, self._strings)

    def _select(self, name: str) -> None:
        job = self.runs.jobs.get(name)
        self.bar.show(job)
        self.state = "new" if job is None else job.state
        self.step = None
        self._refresh()

    def _seek(self, seek: Seek) -> None:
        recording = self.runs.recordings.get(self.selected)
        if recording is not None:
            self.step = seek.among([each.index for each in recording.kept()], self.step)

    # Painting, on one thread

    def _refresh(self) -> None:
        self._painter.submit(None)

    def _paint(self, _: None) -> None:
        started = time.monotonic()
        jobs, recordings, step = self.runs.jobs, self.runs.recordings, self.step
        recording, job = recordings.get(self.selected), jobs.get(self.selected)
        marks = [] if recording is None else [each.index for each in recording.kept()]
        axis, marker = "seconds" if self.by_seconds else "steps", -1 if step is None else step
        described = {"runs": self.runs.described(), "selected": self.selected, "log": self.log}
        set_changed(self.plot, **described, axis=axis, marker=marker)
        self.plot.grow(recordings)
        moving = step is None and job is not None and job.state == "running"
        if moving and started - self._pictured < PICTURE_SECONDS:
            self._refresh()  # the next step may be long in coming
        else:
            self._pictured = started
            place = -1 if step is None or not marks else nearest(marks, step)
            set_changed(self.scrubber, marks=marks, at=place)
            self.pictures.paint(self.selected, recording, job, step)
        self._after_painting()
        if recording is not None and recording.warning:
            self.message.note(recording.warning)
        if marks and time.monotonic() >= self._keepsake_due:
            at_work = any(each.state == "running" for each in jobs.values())
            self._keepsake_due = time.monotonic() + (KEEPSAKE_SECONDS if at_work else math.inf)
            self._keeper.submit(None)
        time.sleep(max(0.0, FRAME_SECONDS - (time.monotonic() - started)))

    def _painted(self, _: None, error: Exception | None) -> None:
        if error is not None:
            self.message.error(self._strings(self.texts["showing"]), error, self._strings)

    # Keeping and saving

    def _keep(self, _: None) -> None:
        """Renew the picture below the widget, which stays in the notebook."""
        if self._displayed:
            bundle = {"image/png": self._sheet()}
            update_display(bundle, display_id=self._display_id, raw=True)

    def _sheet(self) -> bytes:
        recordings = self.runs.recordings
        recording = recordings.get(self.selected)
        result = recording.result() if recording is not None else None
        if recording is None or result is None:
            return self.pictures.plain()
        return sheet(
            recordings,
            shown=result,
            film=recording.kept(),
            target=self.pictures.picture,
            weight=self.pictures.weight,
            log=self.log,
            compare=self.compares,
        )

    compares: ClassVar[bool] = True
    """Whether the picture should become like `pictures.picture`: then a sheet shows how they
    differ."""

    def _save_and_tell(self) -> None:
        path = next_path(Path(self.folder), self.stem, self.tools.kind.value)
        self.message.note(self._strings("saved", path=self.save(path)))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and a plain picture of its state for places without a kernel."""
        return with_plain_picture(super()._repr_mimebundle_(**kwargs), self._sheet())

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        # An output of its own, filled while the work goes on: saved notebooks outlive widgets.
        self._displayed = True
        begun = any(each.kept() for each in self.runs.recordings.values())
        own = {"image/png": data["image/png"]} if begun else {"text/html": ""}
        display(own, display_id=self._display_id, raw=True)
        self._refresh()


def set_changed(widget: widgets.Widget, **traits: Any) -> None:
    """Set what differs: a list that is equal but another one would be sent again."""
    for name, value in traits.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)
