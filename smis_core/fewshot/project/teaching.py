"""What a project has to teach: its annotated pictures, and what is worth knowing of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from ...images import UInt8Array
from ...labels import UNPAINTED, LabelMap, Palette
from ...latents import WPlus
from ..annotate import AnnotatedPictures
from .record import ProjectPicture, ProjectSettings


def taught(
    pictures: Sequence[ProjectPicture], palette: Palette, settings: ProjectSettings, side: int
) -> AnnotatedPictures:
    """The pictures that are annotated and have a latent; ValueError where they teach nothing."""
    painted = [each for each in pictures if each.annotation is not None]
    ready = [each for each in painted if each.wplus is not None]
    if not painted:
        raise ValueError("annotations: wanted at least one annotated picture, got none")
    if not ready:
        raise ValueError(
            f"latents: {', '.join(each.name for each in painted)} are annotated but not"
            " inverted; invert one of them first"
        )
    labels, codes = [], []
    for each in ready:
        assert each.annotation is not None
        assert each.wplus is not None
        labels.append(torch.from_numpy(each.annotation.resized(side).indices.copy()))
        codes.append(each.wplus.tensor)
    found = AnnotatedPictures(
        torch.cat([each.image for each in ready]),
        torch.stack(labels),
        palette,
        WPlus(torch.cat(codes)),
    )
    if settings.kind == "dense" and len(found.classes) == 1:
        (only,) = found.classes
        raise ValueError(
            f"annotations: only {palette.by_index(only).name!r} is painted; paint at least one more"
            " class, such as what lies around it, or make the project's kind sparse"
        )
    return found


def remarks(pictures: Sequence[ProjectPicture], palette: Palette, *, stale: bool) -> list[str]:
    """What is worth knowing before training, in sentences."""
    notes = []
    shown = {index for each in pictures if each.annotation for index in each.annotation.present()}
    unshown = [each.name for each in palette.classes if each.index not in shown]
    if shown and unshown:
        notes.append(
            f"No picture shows {', '.join(unshown)}: the encoder will not know it, and a sketch"
            " that shows it is left open there."
        )
    waiting = [each.name for each in pictures if each.annotation and each.wplus is None]
    if waiting:
        notes.append(f"Annotated but not inverted yet: {', '.join(waiting)}.")
    if stale:
        notes.append("The annotations changed since the encoder was trained.")
    return notes


def repainted(
    pictures: Sequence[ProjectPicture],
    palette: Palette,
    table: UInt8Array,  # [256]
) -> dict[str, LabelMap]:
    """Annotations in a new palette, by name; ValueError where one shows a class that it lacks."""
    changed = {}
    for picture in pictures:
        if picture.annotation is None:
            continue
        former = picture.annotation
        indices = table[former.indices]
        lost = sorted(set(np.unique(indices).tolist()) - {*palette.indices, UNPAINTED})
        if lost:
            before = [index for index in former.present() if int(table[index]) in lost]
            gone = ", ".join(repr(former.palette.by_index(index).name) for index in before)
            raise ValueError(
                f"palette {palette.name!r}: lacks {gone}, which {picture.name} shows; merge or"
                " delete the class (Palette.merged, Palette.deleted) and pass the table"
            )
        changed[picture.name] = LabelMap(indices, palette)
    return changed


def digest(
    pictures: Sequence[ProjectPicture],
    palette: Palette,
    settings: ProjectSettings,
    fingerprint: str,
) -> str:
    """Of everything that an encoder is made from; colours, keys and order do not count."""
    parts = [fingerprint, repr(settings)]
    for each in sorted(pictures, key=lambda picture: picture.name):
        if each.annotation is not None and each.wplus is not None:
            values = each.wplus.tensor.float().cpu().contiguous().numpy()
            for content in (each.annotation.indices.tobytes(), values.tobytes()):
                parts.append(hashlib.sha256(content).hexdigest())
    parts.append(str(sorted((each.index, each.name) for each in palette.classes)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
