"""Opening a project, and finding the desk as it was left."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from smis_core.checkpoints import load_generator
from smis_core.fewshot import FewshotProject, ProjectSettings
from smis_core.labels import LabelMap, Palette
from smis_core.networks.generator_base import GeneratorBase

_FILE = "desk.json"
_DRAWING, _LOOK = ".last.png", ".last.json"
LOOK = ("style_seed", "mix_from", "truncation", "keep_rest")
"""What a `SketchStudio` draws by, beside character and reference."""


@dataclass(frozen=True)
class Desk:
    """What is not part of the work, and yet shall be found as it was left."""

    first_seed: int = 0
    """of the samples on the wall"""
    shown: str = ""
    """name of the picture on the pad"""
    order: tuple[int, ...] = ()
    """seeds of the samples on the wall, place by place"""


@dataclass(frozen=True)
class Sketched:
    """The sketching pad, as it was left."""

    drawing: LabelMap
    """what was on the pad"""
    seed: int
    """of the character"""
    own: bool
    """whether the drawing began as the character's mask"""
    look: dict[str, Any]
    """of `LOOK`"""
    reference: str
    """name of the picture whose style was taken; "" for none"""


def read_desk(folder: Path) -> Desk:
    """A project's desk; a tidy one where there is none, or somebody spoilt its file."""
    try:
        found = json.loads((folder / _FILE).read_text("utf-8"))
        first, shown, order = found["first_seed"], found["shown"], found.get("order", ())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Desk()
    if type(first) is not int or first < 0:
        return Desk()
    whole = isinstance(order, list) and all(type(each) is int for each in order)
    return Desk(first, str(shown), tuple(order) if whole else ())


def write_desk(folder: Path, desk: Desk) -> None:
    """Keep it, in one step."""
    _write(folder / _FILE, asdict(desk))


def read_sketch(folder: Path) -> Sketched | None:
    """The sketching pad of a folder of sketches; None where none was left, or it is spoilt."""
    try:
        found = json.loads((folder / _LOOK).read_text("utf-8"))
        drawing = LabelMap.load(folder / _DRAWING, None, unfinished=True)
        seed, look = found["seed"], {name: found[name] for name in LOOK}
        if type(seed) is not int or seed < 0:
            return None
        return Sketched(drawing, seed, bool(found["own"]), look, str(found["reference"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_sketch(folder: Path, sketched: Sketched) -> None:
    """Keep it; each of its two files in one step.

    Raises:
        OSError, ValueError: it cannot be written.
    """
    sketched.drawing.save(folder / _DRAWING)
    told = {"seed": sketched.seed, "own": sketched.own, "reference": sketched.reference}
    _write(folder / _LOOK, {**told, **sketched.look})


def _write(path: Path, values: dict[str, Any]) -> None:
    draft = path.with_name(f".{path.name.lstrip('.')}.draft")
    draft.write_text(json.dumps(values), "utf-8")
    os.replace(draft, path)


def open_project(
    generator: GeneratorBase | str | Path | None,
    folder: Path,
    palette: Palette,
    settings: ProjectSettings | None,
) -> FewshotProject:
    """The project of a folder, or a new one, see `FewShotStudio`."""
    known = generator if isinstance(generator, GeneratorBase) else None
    if (folder / "project.json").exists() or (folder / "annotations").is_dir():
        if known is None and generator is not None:
            known = load_generator(generator)
        return FewshotProject.open(folder, generator=known)
    known = known or load_generator(generator)
    return FewshotProject.create(folder, palette, generator=known, settings=settings)
