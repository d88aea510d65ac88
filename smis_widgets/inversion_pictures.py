"""Target, picture and difference of an inversion, side by side."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
from torch import Tensor

from smis_core.images import read_image
from smis_core.inversion.targets import Target, preview
from smis_core.jobs import Job
from smis_widgets.controls import caption, styled
from smis_widgets.exports import DIFFERENCE_GAIN, difference
from smis_widgets.image_view import ImageView
from smis_widgets.recording import Picture, Recording, Weight, picture_of
from smis_widgets.strings import Strings


class InversionPictures:
    """Three `ImageView`s with a line under each; `paint` is called by one thread alone.

    Args:
        target: a `Target`, an image tensor of one or several pictures, a picture, or None.
        strings: the texts.
        language: of the views.

    Attributes:
        figures: the boxes, for a layout.
        picture: the target as it is shown; None: there is no difference to show.
        weight: how much each of its pixels matters, [H, W] in [0, 1]; None: all alike.
    """

    def __init__(self, target: Any, *, strings: Strings, language: str) -> None:
        self._strings = strings
        self._shown: object = None
        self.target, self.now, self.gap = (ImageView(language=language) for _ in range(3))
        self._caption = caption(strings("now"))
        named = {
            "target": (self.target, caption(strings("target"))),
            "now": (self.now, self._caption),
            "gap": (self.gap, caption(strings("difference", gain=DIFFERENCE_GAIN))),
        }
        self.figures = [
            styled("smis-figure", *parts, kind=widgets.VBox) for parts in named.values()
        ]
        for name, figure in zip(named, self.figures, strict=True):
            figure.add_class(f"smis-figure-{name}")
        self.picture: Picture | None = None
        self.weight: Weight | None = None
        if target is not None:
            self.set_target(target)

    def set_target(self, target: Target | Tensor | Any) -> None:
        """Show another target, and compare with it."""
        self.weight = None
        if isinstance(target, Target):
            if target.weight is not None:
                self.weight = target.weight[0, 0].cpu().numpy()
            self.picture = np.array(preview(target))  # a copy: Pillow owns the other
        elif isinstance(target, Tensor) and target.ndim == 4:
            self.picture = picture_of(target)
        else:
            self.picture = picture_of(read_image(target))
        self.target.show(self.picture)

    def plain(self) -> bytes:
        """PNG of the target; empty where there is none."""
        return bytes(self.target.data)

    def paint(
        self,
        run: str,
        recording: Recording | None,
        job: Job[Any] | None,
        step: int | None,
    ) -> None:
        """Show a run at a kept step, or the newest one and in the end the best.

        Returns when the page has it on screen, so that pictures are never sent faster than that.
        What is about to be replaced travels as JPEG.
        """
        found = None if recording is None else self._find(recording, job, step)
        if found is None:
            return
        what, index, picture = found
        moving = what == "now" and job is not None and job.state == "running"
        if (run, what, index, moving) == self._shown:
            return
        self._shown = (run, what, index, moving)
        self._caption.value = self._strings("at_step", what=self._strings(what), step=index)
        frame, view = self.now.show(picture, moving=moving), self.now
        if self.picture is not None:
            gap = difference(self.picture, picture, self.weight)
            frame, view = self.gap.show(gap, moving=moving), self.gap
        view.wait_painted(frame, timeout=0.1)

    @staticmethod
    def _find(
        recording: Recording, job: Job[Any] | None, step: int | None
    ) -> tuple[str, int, Picture] | None:
        if step is not None and (kept := recording.at(step)) is not None:
            return "then", kept.index, kept.image
        newest = recording.pictured
        if newest is None or newest.image is None:
            return None
        if job is not None and job.finished and (best := recording.result()) is not None:
            return "best", best.index, best.image
        return "now", newest.index, picture_of(newest.image)
