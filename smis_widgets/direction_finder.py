"""Directions that are computed on request, once for each generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from smis_core.editing import (
    GROUPS,
    Directions,
    Identity,
    cached_directions,
    cached_path,
    feature_pca,
    group_rows,
    load_directions,
    pca,
    rows_of,
    sefa,
)
from smis_core.jobs import Job
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import MessageLine
from smis_widgets.job_bar import JobBar
from smis_widgets.strings import Strings

COUNT = 6
"""Directions that a search gives."""
_FEATURES_AT = 16
"""Resolution of the layer whose features are compared, as in the paper's early layers."""
_SAMPLES = 400


@dataclass(frozen=True)
class FindStep:
    """Progress of a search for directions."""

    index: int
    """from 1"""
    total: int
    directions: Directions | None = None
    """what was found, on the last step"""
    path: Path | None = None
    """where it is kept"""


def find_directions(
    generator: GeneratorBase, identity: Identity, method: str, *, label: int | None = None
) -> Iterator[FindStep]:
    """Find directions, or take those that were found before.

    Args:
        generator: of any family.
        identity: its own.
        method: "sefa", "pca" or "features", the first two with a group behind a colon.
        label: the class, where the generator has classes.

    Yields:
        Steps; the last one holds the directions.

    Raises:
        ValueError: a method or a group that there is not.
    """
    kind, _, group = method.partition(":")
    if kind not in ("sefa", "pca", "features"):
        raise ValueError(f"method: wanted sefa, pca or features, got {method!r:.40}")
    rows = list(group_rows(generator, group)) if group else None  # type: ignore[arg-type]
    prefix = f"{kind} {group}".strip()
    settings: dict[str, Any] = {"rows": rows, "count": COUNT, "label": label}

    def work() -> Iterator[FindStep]:
        if kind == "features":
            layers = [row for row in rows_of(generator) if row.resolution <= _FEATURES_AT]
            settings["layer"] = layers[-1].name if layers else rows_of(generator)[0].name
        path = cached_path(identity, kind, settings)

        def kept(make: Callable[[], Directions]) -> FindStep:
            found = cached_directions(generator, kind, settings, make)
            return FindStep(total, total, found, path)

        total = 1
        count = min(COUNT, generator.config.w_dim)
        if kind == "sefa":
            yield kept(lambda: sefa(generator, rows=rows, count=count, label=label, prefix=prefix))
            return
        if kind == "pca":
            yield kept(lambda: pca(generator, rows=rows, count=count, label=label, prefix=prefix))
            return
        try:
            yield FindStep(total, total, load_directions(path, identity), path)
            return
        except (FileNotFoundError, ValueError):
            pass
        layer = settings["layer"]
        steps = feature_pca(
            generator, layer, count=count, label=label, samples=_SAMPLES, prefix=prefix
        )
        for step in steps:
            total = step.total
            if step.directions is None:
                yield FindStep(step.index, total)
            else:
                found = step.directions
                yield kept(lambda found=found: found)

    return work()


class DirectionFinder(widgets.HBox):
    """A choice of methods, and the bar of the job that runs one.

    Args:
        begin: makes the job of a method.
        message: where failures are shown.
        strings: the texts.
    """

    def __init__(
        self, begin: Callable[[str], Job[FindStep]], *, message: MessageLine, strings: Strings
    ) -> None:
        options = [(strings("find_sefa"), "sefa")]
        options += [
            (strings("find_sefa_group", group=strings(f"group_{group}")), f"sefa:{group}")
            for group in GROUPS
        ]
        options += [(strings("find_pca"), "pca"), (strings("find_features"), "features")]
        self.method = widgets.Dropdown(options=options, tooltip=strings("find_tooltip"))
        self.method.add_class("smis-choice")
        self.bar = JobBar(
            lambda: begin(self.method.value),
            label="",
            tooltip=strings("find_start"),
            on_error=lambda error: message.error(strings("finding"), error, strings),
            strings=strings,
        )
        name = widgets.Label(strings("find"))
        name.add_class("smis-name")
        super().__init__([name, self.method, self.bar])
        self.add_class("smis-turn-find")
