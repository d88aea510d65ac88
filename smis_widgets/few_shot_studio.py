"""From a generator to a sketch pad: choose a picture, annotate it, train, sketch."""

from __future__ import annotations

import html
import random
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import traitlets

from smis_core.fewshot import ProjectPicture, ProjectSettings
from smis_core.jobs import turns_of
from smis_core.labels import PORTRAITS, Palette
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.annotation_pad import AnnotationPad
from smis_widgets.controls import MessageLine, SliderRow, icon_button, mark, styled, text_button
from smis_widgets.few_shot_desk import Desk, open_project, read_desk, write_desk
from smis_widgets.few_shot_sketch import FewShotSketch
from smis_widgets.few_shot_training import FewShotTraining
from smis_widgets.live_labels import Labelled, LiveLabels
from smis_widgets.palette_question import PaletteQuestion
from smis_widgets.photographs import Photographs
from smis_widgets.picture_wall import PictureWall
from smis_widgets.shell import Shell
from smis_widgets.strings import Strings

SAMPLES = 48
MAX_SEED = 999_999


class FewShotStudio(widgets.VBox):
    """Teaches a generator what its parts are called, from one annotated picture or a few.

    Four steps on one page: choose a sample of the generator or bring a photograph; annotate it,
    while the samples beside it show at once how they would be labelled (striped where that is
    uncertain, and a click brings one to the pad to be corrected); train an encoder; sketch with
    it. Everything is saved in the project's folder as it happens, and opened as it was left.

    Args:
        generator: a generator, or what `load_generator` takes; by default that of the project, and
            the bundled portraits for a new one. A project that was made with a generator object has
            no name for it, and is opened with it.
        folder: of the project; it is made where there is none.
        palette: the classes of a new project; its pad adds, renames and recolours them.
        settings: of a new project.
        language: of the texts, see `smis_widgets.strings`.

    Attributes:
        project: the `FewshotProject`.
        pad: the `AnnotationPad`.
        labels: the `LiveLabels` on the wall of samples.
        photographs: takes files and inverts them.
        training: the settings and the `TrainingProgress`.
        sketch: the `SketchStudio` of the newest encoder is its `studio`.

    Raises:
        FileNotFoundError, ValueError: as `FewshotProject.open` and `load_generator` say.
    """

    first_seed = traitlets.Int(0, min=0, max=MAX_SEED)
    """Of the samples on the wall; the others follow it."""

    marked = traitlets.Bool(True)
    """Whether uncertain places of the samples are striped."""

    _parts: tuple[widgets.Widget | LiveLabels, ...] = ()  # none of a studio whose making failed

    def __init__(
        self,
        generator: GeneratorBase | str | Path | None = None,
        *,
        folder: str | Path = "project",
        palette: Palette = PORTRAITS,
        settings: ProjectSettings | None = None,
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self.project = open_project(generator, Path(folder), palette, settings)
        self._shelved: list[str] = []
        self._choosing = False
        self.message = MessageLine()
        self._make_parts(language)
        desk = read_desk(self.project.folder)
        super().__init__(first_seed=min(desk.first_seed, MAX_SEED))
        self.add_class("smis-panel")
        self.add_class("smis-few")
        self.children = (
            Shell(),
            self.message,
            styled("smis-few-desk", self._left(), self._right(), kind=widgets.Box),
            _section("3", strings("few_train"), strings("few_train_hint"), self.training),
            _section("4", strings("few_sketch"), strings("few_sketch_hint"), self.sketch),
        )
        self._connect()
        self._show_pictures()
        seeds = self._seeds()
        self.labels.show(list(desk.order) if sorted(desk.order) == seeds else seeds)
        if desk.shown in self.project.pictures:
            self._guarded("few_opening", self.pad.annotate)(desk.shown)
        self._show_chosen()
        self.labels.refit()
        self._guarded("few_opening", self.sketch.load)()
        self.training.tell()
        if self.project.problems:
            self.message.note(" · ".join(self.project.problems))

    # What a program uses

    def choose(self, seed: int) -> ProjectPicture:
        """Bring a sample to the pad: with its annotation, or with what the labeller reads in it.

        Returns:
            The picture, which belongs to the project from now on.
        """
        with turns_of(self.project.generator):
            picture = self.project.add_sample(seed)
        self.open_picture(picture.name)
        return picture

    def open_picture(self, name: str) -> None:
        """Bring a picture of the project to the pad.

        Raises:
            ValueError: there is no such picture.
        """
        picture = self.project.pictures.get(name)
        read = None
        if picture is not None and picture.annotation is None and picture.wplus is not None:
            read = self.labels.read_of(picture.wplus)
        self.pad.annotate(name, None if read is None else read.certain())
        if read is not None:
            self.pad.message.note(self._strings("few_proposed"))
        self._show_pictures()
        self._keep_desk()

    def remove(self) -> None:
        """Take the picture on the pad out of the project; its files stay in `removed`."""
        name = self.pad.shown
        if name not in self.project.pictures:
            return
        self.project.remove(name)
        left = list(self.project.pictures)
        if left:
            self.open_picture(left[-1])
        else:
            self.pad.shown, self.pad.picture = "", None
            self.pad.clear()
        self.pad.kept += 1

    def fill_in(self) -> None:
        """Give what is not painted on the pad the classes that the labeller reads there."""
        picture = self.project.pictures.get(self.pad.shown)
        read = None
        if picture is not None and picture.wplus is not None:
            read = self.labels.read_of(picture.wplus)
        if read is None:
            self.pad.message.note(self._strings("few_nothing_to_fill_in"))
        else:
            self.pad.fill_in(read.labels)

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until the samples are drawn and labelled; returns whether they are. For programs."""
        return self.labels.wait(timeout)

    def close(self) -> None:
        """End threads and trainings and remove the widgets; the folder has everything."""
        for part in self._parts:
            part.close()
        super().close()

    # Parts

    def _make_parts(self, language: str) -> None:
        strings, project = self._strings, self.project
        self.wall = PictureWall(
            on_want=lambda _: self.labels.want(),
            on_open=lambda place: self._choose_place([place]),
            language=language,
            tile=92,
            height=500,
            label=strings("few_samples"),
        )
        self.labels = LiveLabels(project, self.wall, on_labelled=self._labelled)
        self.shelf = PictureWall(
            language=language,
            tile=72,
            height=112,
            captioned=True,
            label=strings("few_pictures_of_project"),
            empty=strings("few_no_pictures"),
        )
        self.photographs = Photographs(
            project,
            on_added=self.open_picture,
            on_inverted=lambda name: self._changed(),
            on_error=lambda what, error: self.message.error(strings(what), error, strings),
            strings=strings,
        )
        self.question = PaletteQuestion(strings)
        self.pad = AnnotationPad(
            project,
            question=self.question,
            on_photograph=lambda picture: self.photographs.add(picture, strings("few_photograph")),
            language=language,
        )
        self.training = FewShotTraining(
            project, on_trained=self._trained, strings=strings, language=language
        )
        self.sketch = FewShotSketch(project, strings=strings, language=language)
        self._parts = (self.photographs, self.training, self.labels, self.sketch, self.pad)

    def _left(self) -> widgets.Box:
        strings = self._strings
        self.dice = icon_button("dice", strings("few_other_samples"), self.other_samples)
        self.sort_button = icon_button(
            "sort-amount-up", strings("few_sort"), self.least_certain_first
        )
        self.mark_button = icon_button(
            "question", strings("few_marks"), lambda: self.set_trait("marked", not self.marked)
        )
        self.opacity = SliderRow(
            widgets.FloatSlider(0.5, min=0.0, max=1.0, step=0.05),
            label=strings("few_labels"),
            tooltip=strings("few_labels_tooltip"),
            strings=strings,
            show="{:.2f}",
        )
        self.reading = widgets.HTML()
        self.reading.add_class("smis-message")
        tools = styled(
            "smis-few-tools",
            styled("smis-group", self.dice, self.sort_button, self.mark_button),
            self.opacity,
        )
        body = widgets.VBox([tools, self.wall, self.reading, self.photographs])
        return _section("1", strings("few_choose"), strings("few_choose_hint"), body)

    def _right(self) -> widgets.Box:
        strings = self._strings
        on = self._guarded
        self.fill_button = text_button(
            strings("few_fill_in"), strings("few_fill_in_tooltip"), on("few_filling", self.fill_in)
        )
        self.keep_button = text_button(
            strings("few_keep"), strings("few_keep_tooltip"), on("few_annotating", self.pad.keep)
        )
        self.remove_button = icon_button(
            "trash", strings("few_remove"), on("few_removing", self.remove)
        )
        self.chosen = widgets.Label()
        self.chosen.add_class("smis-name")
        tools = styled(
            "smis-few-tools",
            self.chosen,
            styled("smis-group", self.fill_button, self.keep_button, self.remove_button),
        )
        body = widgets.VBox([self.shelf, tools, self.pad, self.question])
        return _section("2", strings("few_annotate"), strings("few_annotate_hint"), body)

    def _connect(self) -> None:
        on = self._guarded
        self.wall.observe(on("few_opening", lambda c: self._choose_place(c.new)), "selected")
        self.shelf.observe(on("few_opening", lambda c: self._open_place(c.new)), "selected")
        self.pad.observe(lambda change: self._changed(), "kept")
        self.pad.observe(lambda change: self._show_chosen(), "shown")
        traitlets.dlink((self.opacity.slider, "value"), (self.wall, "overlay_opacity"))
        self.observe(lambda change: self._mark(), "marked")
        self.observe(lambda change: self._reseed(), "first_seed")
        self._mark()

    def other_samples(self) -> None:
        """Roll the dice for other samples on the wall."""
        self.first_seed = random.SystemRandom().randrange(MAX_SEED - SAMPLES)

    def least_certain_first(self) -> None:
        """Put those samples first that the labels are least sure of."""
        self.labels.least_certain_first()
        self._keep_desk()

    # The walls

    def _seeds(self) -> list[int]:
        return list(range(self.first_seed, self.first_seed + SAMPLES))

    def _reseed(self) -> None:
        self.labels.show(self._seeds())
        self._keep_desk()

    def _mark(self) -> None:
        mark(self.mark_button, "smis-on", self.marked)
        self.labels.mark(self.marked)

    def _choose_place(self, places: list[int]) -> None:
        if places and not self._choosing:
            self.choose(self.labels.seed_at(places[0]))

    def _open_place(self, places: list[int]) -> None:
        if places and not self._choosing and places[0] < len(self._shelved):
            self.open_picture(self._shelved[places[0]])

    def _show_pictures(self) -> None:
        """The project's pictures, each with its annotation over it."""
        pictures = list(self.project.pictures.values())
        names = [each.name for each in pictures]
        if names != self._shelved:
            self._shelved = names
            self._choosing = True
            try:
                self.shelf.clear(len(names))
            finally:
                self._choosing = False
            for place, each in enumerate(pictures):
                self.shelf.put(place, each.image, caption=each.name)
        for place, each in enumerate(pictures):
            painted = each.annotation
            overlay = b"" if painted is None else painted.resized(self.project.resolution).rgba()
            self.shelf.put(place, overlay=overlay, mark=self._mark_of(each))
        self._show_chosen()

    def _mark_of(self, picture: ProjectPicture) -> str:
        if picture.wplus is None:
            return self._strings("few_not_inverted")
        if picture.quality is not None:
            return self._strings("few_quality", quality=picture.quality)
        return self._strings("few_annotated") if picture.annotation is not None else ""

    def _show_chosen(self) -> None:
        name = self.pad.shown
        self.chosen.value = name or self._strings("few_choose_first")
        picture = self.project.pictures.get(name)
        place = None if picture is None else self.labels.place_of(picture.seed)
        self._choosing = True
        try:
            self.shelf.selected = [self._shelved.index(name)] if name in self._shelved else []
            self.wall.selected = [] if place is None else [place]
        finally:
            self._choosing = False

    # What changes

    def _changed(self) -> None:
        """An annotation, the palette or a latent has."""
        self._show_pictures()
        self.labels.refit()
        self.sketch.show_pictures()
        self.training.tell()

    def _labelled(self, found: Labelled | Exception) -> None:
        strings = self._strings
        if isinstance(found, Labelled):
            told = "few_labelled" if found.done == found.of else "few_labelling"
            text = strings(
                told, done=found.done, of=found.of, pictures=found.pictures, seconds=found.seconds
            )
        elif not any(each.annotation is not None for each in self.project.pictures.values()):
            text = strings("few_nothing_annotated")
        elif isinstance(found, ValueError):
            text = strings("few_not_labelled", cause=found)
        else:
            self.message.error(strings("few_labelling_failed"), found, strings)
            return
        self.reading.value = f'<span class="smis-note">{html.escape(text)}</span>'

    def _trained(self) -> None:
        self._guarded("few_opening", self.sketch.load)()
        self.training.tell()

    def _keep_desk(self) -> None:
        write_desk(self.project.folder, Desk(self.first_seed, self.pad.shown, self.labels.order))

    def _guarded(self, what: str, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, what, self._strings)


def _section(number: str, title: str, hint: str, body: widgets.Widget) -> widgets.Box:
    head = widgets.HTML(f"<i>{number}</i><b>{title}</b><span>{hint}</span>")
    head.add_class("smis-few-head")
    return styled("smis-few-section", head, body, kind=widgets.VBox)
