"""Sketching with what a project has learnt."""

from __future__ import annotations

import contextlib
from typing import Any

import ipywidgets as widgets
import traitlets

from smis_core.fewshot import FewshotProject
from smis_widgets.controls import styled
from smis_widgets.few_shot_desk import LOOK, Sketched, read_sketch, write_sketch
from smis_widgets.picture_wall import PictureWall
from smis_widgets.strings import Strings
from smis_widgets.studio import MAX_SEED, SketchStudio


class FewShotSketch(widgets.VBox):
    """A `SketchStudio` of the newest encoder, once there is one; its styles may also come from
    the project's pictures.

    Args:
        project: whose encoder draws.
        strings: the texts.
        language: of the studio.

    Attributes:
        studio: the `SketchStudio`; None before the first training.
    """

    def __init__(self, project: FewshotProject, *, strings: Strings, language: str) -> None:
        self._project, self._strings, self._language = project, strings, language
        self._names: list[str] = []
        self.studio: SketchStudio | None = None
        self._hint = widgets.HTML(f'<span class="smis-note">{strings("few_not_trained")}</span>')
        self._hint.add_class("smis-message")
        self.references = PictureWall(
            language=language, tile=56, height=76, label=strings("few_references")
        )
        self.references.observe(lambda change: self._refer(), "selected")
        name = widgets.Label(strings("few_references"), tooltip=strings("few_references_tooltip"))
        name.add_class("smis-name")
        self._row = styled("smis-few-references", name, self.references)
        super().__init__([self._hint])
        self.add_class("smis-few-sketch")

    def load(self) -> None:
        """Take the project's newest encoder; the drawing under way, or that of the last time, and
        its style stay.

        Raises:
            ValueError: the encoder's file is broken, or belongs to another generator.
        """
        if self._project.encoder_state == "none":
            return
        former, folder = self.studio, self._project.folder / "sketches"
        left = read_sketch(folder) if former is None else self._left(former)
        studio = SketchStudio(
            self._project.synthesizer(),
            **({} if left is None else {"seed": min(left.seed, MAX_SEED)}),
            folder=folder,
            language=self._language,
        )
        self.studio = studio
        studio.observe(self._let_go, "reference")
        self.show_pictures()
        self.children = (studio, self._row)
        if left is not None:
            self._restore(studio, left)
        keep = studio.message.guarding(self._keep, "few_keeping_sketch", self._strings)
        studio.pad.observe(keep, "value")
        studio.observe(keep, ["seed", "reference", *LOOK])
        if former is not None:
            former.close()

    def show_pictures(self) -> None:
        """Offer the project's pictures as styles."""
        pictures = [each for each in list(self._project.pictures.values()) if each.wplus]
        names = [each.name for each in pictures]
        if names == self._names:
            return
        self._names = names
        self.references.clear(len(names))
        for place, each in enumerate(pictures):
            self.references.put(place, each.image, caption=each.name)
        self._row.layout.display = "" if names else "none"

    def close(self) -> None:
        """End the studio's threads and remove the widgets."""
        if self.studio is not None:
            self.studio.close()
        super().close()

    def _left(self, studio: SketchStudio) -> Sketched:
        chosen = self.references.selected if studio.reference is not None else []
        return Sketched(
            studio.pad.value,
            studio.seed,
            studio.pad.origin is not None,
            {name: getattr(studio, name) for name in LOOK},
            self._names[chosen[0]] if chosen else "",
        )

    def _keep(self, change: Any) -> None:
        if self.studio is not None:
            write_sketch(self._project.folder / "sketches", self._left(self.studio))

    def _restore(self, studio: SketchStudio, left: Sketched) -> None:
        for name, value in left.look.items():
            with contextlib.suppress(traitlets.TraitError):  # edited by hand
                setattr(studio, name, value)
        if left.drawing.palette == studio.pad.value.palette:
            studio.pad.replace(left.drawing, origin=studio.pad.origin if left.own else None)
        if left.reference in self._names:
            self.references.selected = [self._names.index(left.reference)]
            self._refer()  # a new studio takes what was chosen already

    def _let_go(self, change: Any) -> None:
        if change.new is None:
            self.references.selected = []

    def _refer(self) -> None:
        chosen = self.references.selected
        if self.studio is not None:
            picture = self._project.pictures[self._names[chosen[0]]] if chosen else None
            self.studio.reference = None if picture is None else picture.wplus
