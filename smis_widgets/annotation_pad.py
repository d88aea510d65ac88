"""A pad that annotates the pictures of a project: what is drawn is kept as it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets

from smis_core.fewshot import FewshotProject
from smis_core.images import to_pil
from smis_core.labels import UNPAINTED, LabelMap, Palette
from smis_widgets.mask_pad import MaskPad
from smis_widgets.palette_question import PaletteQuestion

LEAST_SIDE = 256
"""Small pictures are annotated on a finer map: lashes and lips are a pixel thin otherwise."""


@dataclass(frozen=True)
class Page:
    """Which picture a drawing belongs to; undo knows it too."""

    name: str


class AnnotationPad(MaskPad):
    """Annotates one picture of a project at a time; each finished stroke is saved at once.

    Undo goes back over pictures: the pad then shows the one that the drawing belongs to. Edits of
    the palette reach the annotations of all pictures.

    Args:
        project: whose pictures, annotations and palette these are.
        on_photograph: called with uint8 [H, W, 3] when a picture is dropped on the pad.
        question: asks what the classes of a foreign map are.
        language: of the texts, see `smis_widgets.strings`.
    """

    shown = traitlets.Unicode()
    """Name of the picture that is annotated; empty: none yet."""

    kept = traitlets.Int(0)
    """Counts what changed in the project: annotations and palettes."""

    def __init__(
        self,
        project: FewshotProject,
        *,
        on_photograph: Callable[[np.ndarray], None],
        question: PaletteQuestion,
        language: str = "en",
    ) -> None:
        self._project = project
        self._on_photograph, self._question = on_photograph, question
        self._opening = True
        self._pages: dict[str, Page] = {}
        self._side = max(LEAST_SIDE, project.resolution)
        super().__init__(
            palette=project.palette,
            resolution=self._side,
            folder=project.folder,
            language=language,
        )
        self._opening = False

    def annotate(self, name: str, labels: LabelMap | None = None) -> None:
        """Annotate another picture.

        Args:
            name: of a picture of the project.
            labels: to begin from, such as pseudo labels: they are kept once something is drawn.
                By default the picture's annotation.

        Raises:
            ValueError: the project has no such picture.
        """
        if name not in self._project.pictures:
            raise ValueError(self._strings("few_no_picture", name=name))
        found = labels or self._project.pictures[name].annotation
        if found is None:
            blank = np.full((self._side, self._side), UNPAINTED, np.uint8)
            found = LabelMap(blank, self._project.palette)
        self._opening = True
        try:
            self._look_at(name)
            self.replace(found.resized(max(self._side, found.height)), origin=self._page(name))
        finally:
            self._opening = False
        self.message.clear()

    def keep(self) -> None:
        """Keep the drawing as it is, also one that nobody has changed."""
        self._keep(self.value)

    def fill_in(self, labels: LabelMap) -> None:
        """Give what is not painted the classes of another map."""
        filled = labels.resized(self.value.height).indices
        mine = self.value.indices
        both = LabelMap(np.where(mine == UNPAINTED, filled, mine), self.value.palette)
        self.replace(both, origin=self._page(self.shown))

    def repaint(self, palette: Palette, mapping: np.ndarray) -> None:
        """Take an edited palette, here and in the annotations of all other pictures.

        Raises:
            ValueError: another picture shows a class that would be lost: undo could not bring it
                back.
        """
        self._refuse_loss(mapping)
        self._project.set_palette(palette, table=mapping)
        super().repaint(palette, mapping)
        self.kept += 1

    def _look_at(self, name: str) -> None:
        opening, self._opening = self._opening, True
        try:
            self.shown = name
            self.picture = to_pil(self._project.pictures[name].image)
        finally:
            self._opening = opening

    @traitlets.observe("value")
    def _on_value(self, change: Any) -> None:
        super()._on_value(change)
        page = self.origin
        if (
            isinstance(page, Page)
            and page.name != self.shown
            and page.name in self._project.pictures
        ):
            self._look_at(page.name)  # undo went back to another picture
        if self._opening:
            return
        came = page is None  # a file, a program's map, or a cleared one
        if came and self.shown:
            # From now on it belongs to this picture, so that undo finds the way back to it.
            self._sketch.replace(change.new, origin=self._page(self.shown))
        try:
            self._keep(change.new, came=came)
        except Exception as error:
            self._failed("few_annotating", error)

    @traitlets.observe("picture")
    def _on_dropped(self, change: Any) -> None:
        if not self._opening and isinstance(change.new, np.ndarray):
            self._on_photograph(change.new)

    def _page(self, name: str) -> Page:
        return self._pages.setdefault(name, Page(name))

    def _keep(self, labels: LabelMap, *, came: bool = False) -> None:
        if not self.shown:
            if labels.present():
                self.message.note(self._strings("few_choose_first"))
            return
        palette = self._project.palette
        if labels.palette != palette and not self._takes_palette(labels.palette, came=came):
            mine = self._question.translate(labels, palette, on_answer=self._come)
            if mine is not None:
                self._come(mine)
            return
        self._question.forget()
        if labels.present():
            self._project.annotate(self.shown, labels)
        elif self._project.pictures[self.shown].annotation is not None:
            self._project.erase(self.shown)
        self.kept += 1

    def _come(self, labels: LabelMap) -> None:
        """A map from elsewhere, in our own palette now."""
        self.replace(labels, origin=self._page(self.shown))

    def _takes_palette(self, palette: Palette, *, came: bool) -> bool:
        """Whether another palette than the project's becomes it: an edit that was undone means
        the same classes, one that came with a map may mean others."""
        if not came:
            self._project.set_palette(palette)
        elif not self._others():
            table = np.full(256, UNPAINTED, np.uint8)
            table[list(palette.indices)] = palette.indices
            self._project.set_palette(palette, table=table)
        else:
            return False
        return True

    def _others(self) -> list[tuple[str, LabelMap]]:
        pictures = list(self._project.pictures.values())
        return [
            (each.name, each.annotation)
            for each in pictures
            if each.annotation is not None and each.name != self.shown
        ]

    def _refuse_loss(self, mapping: np.ndarray) -> None:
        for name, labels in self._others():
            lost = [index for index in labels.present() if mapping[index] == UNPAINTED]
            if lost:
                label = labels.palette.by_index(lost[0]).name
                raise ValueError(self._strings("few_class_shown", label=label, name=name))
