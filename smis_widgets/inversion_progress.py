"""Watching an inversion: curves, the picture taking shape, and a way back to every stage of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import traitlets

from smis_core.checkpoints import fingerprint
from smis_core.inversion import save_latent
from smis_core.inversion.targets import Target
from smis_core.latents import Noise
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import mark
from smis_widgets.exports import KINDS
from smis_widgets.inversion_pictures import InversionPictures
from smis_widgets.progress import Progress
from smis_widgets.recording import Recording
from smis_widgets.runs import Work
from smis_widgets.strings import Strings
from smis_widgets.target_view import TargetView


class InversionProgress(Progress):
    """Shows inversions while they happen, several over one another.

    Nothing starts by itself: press play, or call `start`. Closing the widget leaves the jobs alone.

    Args:
        runs: a `Job`, the steps of an inversion, or a function that makes them; or several of these
            by name. With a function play begins anew once a run has ended. Two widgets may show
            one job.
        target: what is inverted: a `TargetView` (shown until the start; read it in the function),
            a `Target`, an image tensor, or a picture. Without it there is no difference to show.
        shares: what the steps compute with, such as the generator: runs take turns with one
            another and with everything else that uses it, and a saved latent knows whose it is.
        folder: where the save button writes.
        language: of the texts, see `smis_widgets.strings`.

    Attributes:
        plot: the `LossPlot`.
        pictures: target, picture and difference.
        target_view: the `TargetView`, where one came.

    Raises:
        ValueError: no runs, or a target that is no picture.
        TypeError: a run that is none of these.
    """

    aligning = traitlets.Bool(True)
    """Whether the `TargetView` is shown; the start of a run hides it."""

    texts: ClassVar[Mapping[str, str]] = {
        "work": "the_inversion",
        "one": "run_inversion",
        "showing": "showing",
        "curves": "loss_curves",
    }
    stem = "inversion"
    pictures: InversionPictures

    def __init__(
        self,
        runs: Work | Mapping[str, Work],
        *,
        target: TargetView | Target | Any = None,
        shares: object | None = None,
        folder: str | Path = "inversions",
        language: str = "en",
    ) -> None:
        strings = Strings(language)
        self._shares = shares
        view = self.target_view = target if isinstance(target, TargetView) else None
        super().__init__(
            runs if isinstance(runs, Mapping) else {strings("inversion"): runs},
            pictures=InversionPictures(
                None if view is not None else target, strings=strings, language=language
            ),
            above=[] if view is None else [view],
            shares=shares,
            saves=KINDS,
            folder=folder,
            switches={} if view is None else {"aligning": ("crosshairs", "align")},
            strings=strings,
        )
        if target is None:
            self.add_class("smis-no-target")
        if view is not None:
            view.observe(lambda change: self._refresh(), "revision")
            self.observe(lambda change: mark(view, "smis-hidden", not change.new), "aligning")

    def save(self, path: str | Path) -> Path:
        """Write curves (.png, .svg, .csv), time-lapse (.gif, .webp, .mp4) or latent (.safetensors).

        Curves are those of all runs; time-lapse and latent are the selected run's, the latent that
        of the step which is shown: the best where that is the newest.

        Raises:
            ValueError: another ending, nothing to save yet, or the path cannot be written.
            ImportError: the library that writes such a file is not installed.
        """
        return super().save(path)

    def _prepare(self) -> None:
        if self.target_view is not None:
            self.pictures.set_target(self.target_view.target)

    def _begun(self) -> None:
        self.aligning = False

    def _after_painting(self) -> None:
        if self.pictures.picture is None and self.target_view is not None:
            self.pictures.target.show_png(self.target_view.view.data)

    def _save_result(self, path: Path, recording: Recording) -> Path:
        shares = self._shares
        owner = fingerprint(shares) if isinstance(shares, GeneratorBase) else ""
        if self.step is not None and (kept := recording.at(self.step)) is not None:
            maps = () if kept.noise is None else kept.noise.maps
            noise = Noise(tuple(each.float() for each in maps)) if maps else None
            save_latent(path, kept.latent, noise=noise, generator=owner, classes=kept.classes)
        elif recording.latest is not None:
            best = recording.latest.best_so_far
            save_latent(path, best.latent, noise=best.noise, generator=owner, classes=best.classes)
        return path
