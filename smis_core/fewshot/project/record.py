"""`project.json`: what a person chose, and what the other files do not say themselves."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from torch import Tensor

from ...labels import LabelMap, Palette
from ...latents import WPlus

RECORD = "project.json"
FORMAT = "smis-fewshot-1"

Kind = Literal["dense", "sparse"]
Architecture = Literal["small", "psp"]


@dataclass(frozen=True)
class ProjectSettings:
    """What a person chose for a project.

    Raises:
        ValueError: an unknown kind or architecture, or a number out of range.
    """

    kind: Kind = "dense"
    """what sketches will be: areas, or scribbles, landmarks and lines (a picture may be annotated
    by scribbles either way)"""
    architecture: Architecture = "small"
    """the encoder: the small one, or pSp's"""
    pictures: int = 20_000
    """pseudo-labelled samples that training sees at most"""
    patience: int = 6
    """validations without a gain after which training stops; 0 never stops"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        for name, choices in (("kind", get_args(Kind)), ("architecture", get_args(Architecture))):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name}: wanted one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        for name, least in (("pictures", 1), ("patience", 0), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{name}: wanted a whole number from {least} on, got {value!r}")


@dataclass(frozen=True, eq=False)
class ProjectPicture:
    """A picture of a project."""

    name: str
    """of its files, without suffix"""
    image: Tensor
    """[1, 3, R, R] in [-1, 1]"""
    wplus: WPlus | None = None
    """[1, L, w]; None until a photograph is inverted"""
    annotation: LabelMap | None = None
    """as it was painted, of any square size"""
    seed: int | None = None
    """of a sample"""
    source: str = ""
    """what a photograph's file was called"""
    quality: float | None = None
    """how near the latent's picture comes to a photograph: PSNR in decibel"""


@dataclass
class Record:
    """`project.json`: what the other files do not say themselves."""

    palette: Palette
    source: str = ""
    fingerprint: str = ""
    settings: ProjectSettings = field(default_factory=ProjectSettings)
    pictures: dict[str, dict[str, Any]] = field(default_factory=dict)

    def text(self) -> str:
        """The file's content."""
        values = {
            "format": FORMAT,
            "generator": {"source": self.source, "fingerprint": self.fingerprint},
            "settings": asdict(self.settings),
            "palette": json.loads(self.palette.to_json()),
            "pictures": self.pictures,
        }
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def read_record(path: Path) -> Record:
    """What `Record.text` wrote; ValueError says what is wrong with it."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ValueError(f"its format is {values['format']!r}, wanted {FORMAT!r}")
        known = {each.name for each in fields(ProjectSettings)}
        chosen = {name: value for name, value in values["settings"].items() if name in known}
        generator, pictures = values["generator"], values["pictures"]
        if not all(isinstance(entry, dict) for entry in pictures.values()):
            raise ValueError("pictures: wanted an object for each")
        return Record(
            palette=Palette.from_json(json.dumps(values["palette"])),
            source=str(generator["source"]),
            fingerprint=str(generator["fingerprint"]),
            settings=ProjectSettings(**chosen),
            pictures=dict(pictures),
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: no record of a project ({type(error).__name__}: {error})") from (
            error
        )
    except ValueError as error:
        raise ValueError(f"{path}: no record of a project ({error})") from error


def write_text(path: Path, text: str) -> None:
    """The whole new file or the former one."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def move_aside(path: Path, folder: Path) -> None:
    """Into a folder, beside whatever lies there under the same name."""
    if not path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    place, number = folder / path.name, 2
    while place.exists():
        place, number = folder / f"{path.stem}-{number}{path.suffix}", number + 1
    os.replace(path, place)


def check_kind(settings: ProjectSettings, palette: Palette) -> None:
    """ValueError where sketches are sparse and the palette has a class 0."""
    if settings.kind == "sparse" and 0 in palette.indices:
        raise ValueError(
            f"palette {palette.name!r}: class 0 ({palette.by_index(0).name}) cannot be painted in"
            " a sparse project, where 0 means unknown; give the class another index, or take it out"
        )


def squared(labels: LabelMap, picture: ProjectPicture) -> LabelMap:
    """A map as square as its picture; ValueError where an oblong one is of a sample, which was
    never cropped."""
    return labels.cropped() if picture.seed is None else labels.resized(labels.height)


def check_zero(settings: ProjectSettings, labels: LabelMap) -> None:
    """ValueError where sketches are sparse and class 0 is painted."""
    if settings.kind == "sparse" and 0 in labels.present():
        raise ValueError("labels: class 0 cannot be painted in a sparse project; erase it")
