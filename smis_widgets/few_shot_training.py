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
            "pictures": _menu(
                [(f"{length:,}".replace(",", " "), length) for length in lengths],
                settings.pictures, strings("few_pictures_tooltip"),
            ),
            "kind": _menu(
                [(strings(f"few_kind_{kind}"), kind) for kind in ("dense", "sparse")],
                settings.kind, strings("few_kind_tooltip"),
            ),
            "architecture": _menu(
                [(strings(f"few_encoder_{name}"), name) for name in ("small", "psp")],
                settings.architecture, strings("few_architecture_tooltip"),
            ),
        }  # fmt: skip
        for name, field in self.fields.items():
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
            styled("smis-few-field", _name(strings(f"few_{name}")), field)
            for name, field in self.fields.items()
        ]
        super().__init__(
            [styled("smis-few-fields", *rows), self.notes, self.message, self.progress]
        )
        self.progress.observe(self._state_changed, "state")

    def tell(self, notes: list[str]) -> None:
        """Show what is worth knowing before training."""
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


def _menu(options: list[tuple[str, Any]], value: Any, tooltip: str) -> widgets.Dropdown:
    menu = widgets.Dropdown(options=options, value=value, tooltip=tooltip)
    menu.add_class("smis-choice")
    return menu


def _name(text: str) -> widgets.Label:
    label = widgets.Label(text)
    label.add_class("smis-name")
    return label
