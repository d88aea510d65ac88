"""Opening a project, and finding the desk as it was left."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from smis_core.checkpoints import load_generator
from smis_core.checkpoints.load import BUNDLED
from smis_core.fewshot import FewshotProject, ProjectSettings
from smis_core.labels import Palette
from smis_core.networks.generator_base import GeneratorBase

_FILE = "desk.json"


@dataclass(frozen=True)
class Desk:
    """What is not part of the work, and yet shall be found as it was left."""

    first_seed: int = 0
    """of the samples on the wall"""
    shown: str = ""
    """name of the picture on the pad"""


def read_desk(folder: Path) -> Desk:
    """A project's desk; a tidy one where there is none, or somebody spoilt its file."""
    try:
        found = json.loads((folder / _FILE).read_text("utf-8"))
        first, shown = found["first_seed"], found["shown"]
    except (OSError, ValueError, KeyError, TypeError):
        return Desk()
    return Desk(first, str(shown)) if type(first) is int and first >= 0 else Desk()


def write_desk(folder: Path, desk: Desk) -> None:
    """Keep it, in one step."""
    draft = folder / f".{_FILE}"
    draft.write_text(json.dumps(asdict(desk)), "utf-8")
    os.replace(draft, folder / _FILE)


def open_project(
    generator: GeneratorBase | str | Path | None,
    folder: Path,
    palette: Palette,
    settings: ProjectSettings | None,
) -> FewshotProject:
    """The project of a folder, or a new one, see `FewShotStudio`."""
    if (folder / "project.json").exists() or (folder / "annotations").is_dir():
        if generator is not None and not isinstance(generator, GeneratorBase):
            generator = load_generator(generator)
        return FewshotProject.open(folder, generator=generator)
    if isinstance(generator, GeneratorBase):
        return FewshotProject.create(folder, palette, generator=generator, settings=settings)
    source = BUNDLED if generator is None else generator
    known = load_generator(source)
    return FewshotProject.create(folder, palette, generator=known, source=source, settings=settings)
