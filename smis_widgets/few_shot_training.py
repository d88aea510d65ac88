"""The training of a project: how long, of what, and how it goes."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as widgets

from smis_core.fewshot import FewshotProject
from smis_core.recipes.fewshot_project import train_project
from smis_widgets.controls import MessageLine, styled
from smis_widgets.strings import Strings
from smis_widgets.training_progress import TrainingProgress
from smis_widgets.training_steps import ValidationResults

LENGTHS = (1_000, 5_000, 20_000, 100_000)


class FewShotTraining(widgets.VBox):
    """Settings of a project's training over a `TrainingProgress`.

    Args:
        project: is trained from, and keeps the encoder.
        on_trained: called on a worker thread when there is a new encoder.
        strings: the texts.
        language: of the progress.

    Attributes:
        progress: the `TrainingProgress`.
    """

    def __init__(
        self,
        project: FewshotProject,
        *,
        on_trained: Callable[[], None],
        strings: Strings,
        language: str,
    ) -> None:
        self._project, self._strings = project, strings
        self._on_trained = on_trained
        settings = project.settings
        lengths = sorted({*LENGTHS, settings.pictures})
        self.fields = {
            "pictures": _menu([(f"{each:,}".replace(",", " "), each) for each in lengths]),
            "kind": _menu(
                [(strings("few_kind_dense"), "dense"), (strings("few_kind_sparse"), "sparse")]
            ),
            "architecture": _menu(
                [(strings("few_encoder_small"), "small"), (strings("few_encoder_psp"), "psp")]
            ),
        }
        told = {
            "pictures": ("few_pictures", "few_pictures_tooltip"),
            "kind": ("few_kind", "few_kind_tooltip"),
            "architecture": ("few_architecture", "few_architecture_tooltip"),
        }
        for name, field in self.fields.items():
            field.value = getattr(settings, name)
            field.observe(self._guarded_set(name), "value")
        self.message = MessageLine()
        self.notes = widgets.HTML()
        self.notes.add_class("smis-message")
        self.look = ValidationResults(project.palette)
        self.progress = TrainingProgress(
            {strings("few_encoder"): lambda: train_project(project)},
            look=self.look,
            shares=project.generator,
            folder=project.folder / "trainings",
            language=language,
        )
        rows = [
            styled("smis-few-field", _name(strings(told[name][0]), strings(told[name][1])), field)
            for name, field in self.fields.items()
        ]
        super().__init__(
            [styled("smis-few-fields", *rows), self.notes, self.message, self.progress]
        )
        self.progress.observe(self._state_changed, "state")

    def tell(self) -> None:
        """Show what is worth knowing before training."""
        notes = self._project.notes()
        interrupted = self._project.work / f"{self._project.digest()[:16]}.state"
        if self.progress.state == "new" and interrupted.exists():
            notes.append(self._strings("few_interrupted"))
        lines = "".join(f'<span class="smis-note">{html.escape(note)}</span>' for note in notes)
        if lines != self.notes.value:
            self.notes.value = lines

    def close(self) -> None:
        """Stop and remove the widgets; a training that is stopped can be taken up again."""
        self.progress.stop()
        self.progress.close()
        super().close()

    def _state_changed(self, change: Any) -> None:
        if change.new == "running":
            self.look.palette = self._project.palette
        if change.new == "done":
            self._on_trained()

    def _guarded_set(self, name: str) -> Callable[[Any], None]:
        def put(change: Any) -> None:
            former = getattr(self._project.settings, name)
            if change.new == former:
                return
            try:
                self._project.set_settings(replace(self._project.settings, **{name: change.new}))
                self.message.clear()
            except ValueError as error:
                self.message.error(self._strings("few_setting"), error, self._strings)
                self.fields[name].value = former

        return put


def _menu(options: list[tuple[str, Any]]) -> widgets.Dropdown:
    menu = widgets.Dropdown(options=options)
    menu.add_class("smis-choice")
    return menu


def _name(text: str, tooltip: str) -> widgets.Label:
    label = widgets.Label(text, tooltip=tooltip)
    label.add_class("smis-name")
    return label
