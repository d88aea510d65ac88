"""The pictures, latents and annotations of a project, read with care: whatever a person or a power
cut did to them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ...annotations import read_mask
from ...images import open_picture, read_image, to_uint8
from ...inversion import load_latent, save_latent
from ...labels import LabelMap, Palette
from ...latents import W, WPlus
from ...networks.generator_base import GeneratorBase
from .record import RECORD, ProjectPicture, Record, move_aside, read_record

_PAINTED_ON = "smis:painted_on"
PICTURES, LATENTS, ANNOTATIONS, REMOVED = "pictures", "latents", "annotations", "removed"


def picture_digest(image: Tensor) -> str:
    """Of the pixels of a picture [1, 3, R, R]; the same after it was saved as PNG."""
    pixels: npt.NDArray[np.uint8] = to_uint8(image)
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def stems(folder: Path, suffix: str) -> list[str]:
    """Names of the files of a kind in a folder; drafts and hidden files are none."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix.lower() == suffix]
    return sorted(path.stem for path in found if not path.name.startswith("."))


def find_record(folder: Path, palette: Palette | None) -> tuple[Record, list[str]]:
    """The record, or what can be made out without it, and what a person should know then."""
    if not any((folder / each).exists() for each in (RECORD, PICTURES, ANNOTATIONS)):
        raise ValueError(
            f"{folder}: wanted the folder of a project, with {RECORD}, {PICTURES} and "
            f"{ANNOTATIONS}; this one has none of them"
        )
    try:
        return read_record(folder / RECORD), []
    except (OSError, ValueError) as error:
        found = palette or embedded_palette(folder)
        if found is None:
            raise ValueError(
                f"{folder / RECORD}: cannot be read ({error}), and no annotation carries a"
                " palette; pass palette="
            ) from error
        problem = (
            f"{folder / RECORD}: could not be read ({error}); the palette {found.name!r} is taken"
            " from the annotations, settings are the usual ones, and the broken file is kept in"
            f" {REMOVED} when the project is next changed"
        )
        return Record(found, "portraits/generator"), [problem]


def embedded_palette(folder: Path) -> Palette | None:
    """The palette that the first readable annotation carries."""
    for name in stems(folder / ANNOTATIONS, ".png"):
        try:
            return LabelMap.load(folder / ANNOTATIONS / f"{name}.png", None).palette
        except ValueError:
            continue
    return None


def read_all(
    folder: Path, record: Record, generator: GeneratorBase
) -> tuple[dict[str, ProjectPicture], list[str]]:
    """Every picture, those that the record does not know last, and what cannot be used."""
    pictures: dict[str, ProjectPicture] = {}
    problems: list[str] = []
    there = stems(folder / PICTURES, ".png")
    known = [name for name in record.pictures if name in there]
    for name in [*known, *(name for name in there if name not in known)]:
        try:
            pictures[name], found = read_picture(
                folder, name, record.pictures.get(name, {}), palette=record.palette,
                generator=generator, fingerprint=record.fingerprint,
            )  # fmt: skip
            problems += found
        except ValueError as error:
            problems.append(str(error))
    problems += [
        f"{folder / PICTURES / name}.png: is missing; what belongs to it is kept, bring it back"
        for name in record.pictures
        if name not in there
    ]
    problems += [
        f"{folder / ANNOTATIONS / name}.png: has no picture {PICTURES}/{name}.png; rename it after"
        " the picture that it belongs to"
        for name in stems(folder / ANNOTATIONS, ".png")
        if name not in there
    ]
    return pictures, problems


def with_annotation(
    folder: Path, picture: ProjectPicture, labels: LabelMap | None
) -> ProjectPicture:
    """Keeps what was painted on a picture, and in the file which picture that was.

    None, and a map on which nothing is painted, move what there was into `removed`.

    Returns:
        The picture with its annotation.
    """
    path = folder / ANNOTATIONS / f"{picture.name}.png"
    if labels is None or not labels.present():
        move_aside(path, folder / REMOVED)
        return replace(picture, annotation=None)
    labels.save(path, metadata={_PAINTED_ON: picture_digest(picture.image)})
    return replace(picture, annotation=labels)


def write_latent(folder: Path, picture: ProjectPicture, fingerprint: str) -> None:
    """Keeps a picture's code."""
    assert picture.wplus is not None
    path = folder / LATENTS / f"{picture.name}.safetensors"
    save_latent(path, picture.wplus, generator=fingerprint)


def read_picture(
    folder: Path,
    name: str,
    entry: Mapping[str, Any],
    *,
    palette: Palette,
    generator: GeneratorBase,
    fingerprint: str,
) -> tuple[ProjectPicture, list[str]]:
    """A picture with what belongs to it, and what of that cannot be used and why.

    Raises:
        ValueError: the picture itself cannot be read.
    """
    problems: list[str] = []
    side = generator.config.resolution
    image = read_image(folder / PICTURES / f"{name}.png")
    if tuple(image.shape[2:]) != (side, side):
        raise ValueError(
            f"{folder / PICTURES / name}.png: wanted {side} x {side}, the generator's size, got "
            f"{image.shape[3]} x {image.shape[2]}; add it with add_photograph, which resizes it"
        )
    wplus: WPlus | None = None
    annotation: LabelMap | None = None
    try:
        wplus = _latent(folder / LATENTS / f"{name}.safetensors", generator, fingerprint)
    except ValueError as error:
        problems.append(f"{error}; until then {name} teaches nothing: invert it again")
    path = folder / ANNOTATIONS / f"{name}.png"
    try:
        if path.exists():
            annotation = read_mask(path, palette, unfinished=True)
            # An editor drops what the file says; what the record says stays then.
            texts = getattr(open_picture(path), "text", {})
            painted_on = texts.get(_PAINTED_ON, entry.get("painted_on"))
            if painted_on not in (None, picture_digest(image)):
                annotation = None
                problems.append(
                    f"{path}: was painted on another picture than {PICTURES}/{name}.png is now;"
                    " put the file back that belongs there, or load this one on the pad and"
                    " annotate again"
                )
    except ValueError as error:
        problems.append(str(error))
    quality, seed = entry.get("quality"), entry.get("seed")
    found = ProjectPicture(
        name, image, wplus, annotation,
        seed=seed if type(seed) is int else None,
        source=str(entry.get("source", "")),
        quality=float(quality) if isinstance(quality, int | float) else None,
    )  # fmt: skip
    return found, problems


def _latent(path: Path, generator: GeneratorBase, fingerprint: str) -> WPlus | None:
    if not path.exists():
        return None
    code, _ = load_latent(path, generator=fingerprint)
    if isinstance(code, W):
        code = code.broadcast(generator.num_ws)
    wanted = (1, generator.num_ws, generator.config.w_dim)
    if not isinstance(code, WPlus) or tuple(code.tensor.shape) != wanted:
        raise ValueError(f"{path}: wanted one code of W or W+, {list(wanted)}, got another")
    return WPlus(code.tensor.to(generator.mapping.w_avg.device))
