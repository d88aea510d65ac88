"""Photographs of one's own: brought into a project and inverted, one after another."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as widgets
from PIL import Image, ImageOps

from smis_core.fewshot import FewshotProject
from smis_core.inversion import InversionStep
from smis_core.jobs import Job
from smis_core.recipes.fewshot_project import invert_photograph
from smis_widgets.controls import styled
from smis_widgets.job_bar import JobBar
from smis_widgets.strings import Strings
from smis_widgets.uploads import FileButton


class Photographs(widgets.VBox):
    """A button that takes files, and the bar of their inversion.

    Args:
        project: takes the pictures and their latents.
        on_added: called with the name of a photograph that has come.
        on_inverted: called on a worker thread with the name of one whose latent has been found.
        on_error: called with what failed: the name of the text, and the exception.
        strings: the texts.
    """

    def __init__(
        self,
        project: FewshotProject,
        *,
        on_added: Callable[[str], None],
        on_inverted: Callable[[str], None],
        on_error: Callable[[str, BaseException], None],
        strings: Strings,
    ) -> None:
        self._project = project
        self._on_added, self._on_inverted, self._on_error = on_added, on_inverted, on_error
        self.upload = FileButton(
            strings("few_photographs"), accept="image/*", on_file=self._uploaded,
            on_error=lambda error: on_error("few_bringing", error),
        )  # fmt: skip
        self.bar = JobBar(
            self._make_job,
            label=strings("few_inverting"),
            tooltip=strings("few_invert"),
            on_error=lambda error: on_error("few_inverting_photographs", error),
            strings=strings,
            detailed=True,
        )
        super().__init__([self.upload, styled("smis-few-bar", self.bar)])
        self._refresh()

    def add(self, picture: Any, name: str) -> None:
        """Take a photograph: anything that `FewshotProject.add_photograph` takes."""
        try:
            added = self._project.add_photograph(picture, name=name)
        except Exception as error:
            self._on_error("few_bringing", error)
            return
        self._on_added(added.name)
        self._refresh()
        if not self.bar.running:
            self.bar.toggle()

    def close(self) -> None:
        """Stop inverting and remove the widgets."""
        self.bar.stop()
        self.bar.forget()
        super().close()

    def _uploaded(self, name: str, data: bytes) -> None:
        try:
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        except Exception as error:
            self._on_error("few_bringing", error)
            return
        self.add(picture, name)

    def _waiting(self) -> list[str]:
        return [each.name for each in list(self._project.pictures.values()) if each.wplus is None]

    def _make_job(self) -> Job[InversionStep] | None:
        if not self._waiting():
            return None
        return Job(self._invert, shares=self._project.generator, on_end=lambda _: self._refresh())

    def _invert(self) -> Iterator[InversionStep]:
        done: set[str] = set()
        while left := [name for name in self._waiting() if name not in done]:
            done.add(left[0])
            yield from invert_photograph(self._project, left[0])
            self._on_inverted(left[0])

    def _refresh(self) -> None:
        needed = bool(self._waiting()) or self.bar.running
        self.bar.layout.display = "" if needed else "none"
