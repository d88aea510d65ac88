"""Watching a training: curves, what the network makes of a few masks, and how that came about."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as widgets
import torch

from smis_core.images import read_image
from smis_core.jobs import Job
from smis_core.labels import LabelMap
from smis_widgets.controls import caption, styled
from smis_widgets.exports import KINDS
from smis_widgets.image_view import ImageView
from smis_widgets.progress import Progress
from smis_widgets.recording import Picture, Recording, Weight, picture_of
from smis_widgets.runs import Work
from smis_widgets.strings import Strings
from smis_widgets.training_steps import Look, training_steps

SAVES = tuple(ending for ending, what in KINDS.items() if what != "latent")


class TrainingPictures:
    """The masks that a training is watched by, and beside them what becomes of them.

    Args:
        look: knows the masks, sooner or later; None: there are no results.
        strings: the texts.
        language: of the views.
    """

    weight: Weight | None = None

    def __init__(self, look: Look | None, *, strings: Strings, language: str) -> None:
        self._strings = strings
        self._look = look
        self._masks: Sequence[LabelMap] = ()
        self._shown: object = None
        self.given, self.now = ImageView(language=language), ImageView(language=language)
        self._caption = caption(strings("results"))
        self._given = caption(strings("results_of"))
        self.figures: list[widgets.Box] = [
            styled("smis-figure", self.given, self._given, kind=widgets.VBox),
            styled("smis-figure", self.now, self._caption, kind=widgets.VBox),
        ]
        for name, figure in zip(("target", "now"), self.figures, strict=True):
            figure.add_class(f"smis-figure-{name}")
        self.picture: Picture | None = None
        self._show_masks()

    def _show_masks(self) -> None:
        masks = () if self._look is None else self._look.masks
        if not masks or masks is self._masks:
            return
        self._masks = masks
        side = max(mask.height for mask in masks)
        colours = [read_image(mask.resized(side).colours()) for mask in masks]
        self.picture = picture_of(torch.cat(colours))
        self.given.show(self.picture)

    def plain(self) -> bytes:
        """PNG of the masks; empty where there are none."""
        return bytes(self.given.data)

    def paint(
        self, run: str, recording: Recording | None, job: Job[Any] | None, step: int | None
    ) -> None:
        """Show the results of a kept step, or the newest."""
        self._show_masks()
        if recording is None:
            return
        kept = recording.at(step) if step is not None else recording.result()
        if kept is None or (run, kept) == self._shown:
            return
        self._shown = (run, kept)
        what = "then" if step is not None else "best" if job is not None and job.finished else "now"
        name = self._strings("results" if what == "best" else what)
        gap = kept.losses.get("1 - score", math.nan)
        told = "at_step" if math.isnan(gap) else "at_step_scored"
        self._caption.value = self._strings(told, what=name, step=kept.index, score=1 - gap)
        self.now.wait_painted(self.now.show(kept.image), timeout=0.1)


class TrainingProgress(Progress):
    """Shows a training while it happens: its losses, and a wall of results.

    Nothing starts by itself: press play, or call `start`. Closing the widget leaves the job alone.
    The scrubber goes back to former results, and the save button writes them as a film.

    Args:
        runs: a function that makes the steps of a training (`train_encoder`, `train_gan` …), the
            steps, or a `Job` of `training_steps`; or several of these by name.
        look: finds results, see `smis_widgets.training_steps`; None: curves alone. `MaskResults`
            draws what a mask encoder makes of a few masks.
        total: how many steps there will be, where the steps do not say.
        shares: what the steps compute with, such as the generator: runs take turns with one
            another and with everything else that uses it.
        folder: where the save button writes.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        ValueError: no runs.
        TypeError: a run that is none of these.
    """

    texts: ClassVar[Mapping[str, str]] = {
        "work": "the_training",
        "one": "run_training",
        "showing": "showing_training",
        "curves": "training_curves",
    }
    stem = "training"
    compares = False
    pictures: TrainingPictures

    def __init__(
        self,
        runs: Work | Mapping[str, Work],
        *,
        look: Look | None = None,
        total: int | None = None,
        shares: object | None = None,
        folder: str | Path = "trainings",
        language: str = "en",
    ) -> None:
        strings = Strings(language)
        named = runs if isinstance(runs, Mapping) else {strings("training"): runs}
        watched = {name: _watched(work, look, total) for name, work in named.items()}
        super().__init__(
            watched,
            pictures=TrainingPictures(look, strings=strings, language=language),
            shares=shares,
            saves=SAVES,
            folder=folder,
            switches={},
            strings=strings,
        )
        self.add_class("smis-training" if look is not None else "smis-no-results")


def _watched(work: Work, look: Look | None, total: int | None) -> Work:
    steps = functools.partial(training_steps, look=look, total=total)
    if isinstance(work, Job):
        return work
    if isinstance(work, Iterator):
        return steps(work)
    if not callable(work):
        return work  # `Runs` says what was wanted
    make: Callable[[], Iterator[Any]] = work
    return lambda: steps(make())
