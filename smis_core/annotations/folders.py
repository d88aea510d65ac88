"""Masks as data sets publish them: CelebAMask-HQ's part files and ADE20K's indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from smis_core.images import PathLike, open_picture
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette

_PARTS = {
    "skin": 1, "nose": 2, "eye_g": 3, "l_eye": 4, "r_eye": 5, "l_brow": 6, "r_brow": 7,
    "l_ear": 8, "r_ear": 9, "mouth": 10, "u_lip": 11, "l_lip": 12, "hair": 13, "hat": 14,
    "ear_r": 15, "neck_l": 16, "neck": 17, "cloth": 18,
}  # fmt: skip
"""Endings of CelebAMask-HQ's part files; later ones cover earlier ones."""


def read_celebamask_parts(folder: PathLike, number: int) -> LabelMap:
    """The parts of one portrait of CelebAMask-HQ, each a file of its own, as one mask.

    Args:
        folder: with files such as `00012_hair.png`; what no file covers is background.
        number: of the portrait.

    Raises:
        FileNotFoundError: the folder has no part of it.
        ValueError: a file is no picture, or of another size than the rest.
    """
    place = Path(folder)
    files = {part: place / f"{number:05d}_{part}.png" for part in _PARTS}
    there = {part: file for part, file in files.items() if file.is_file()}
    if not there:
        raise FileNotFoundError(
            f"files such as {files['hair'].name} were wanted in {place}, but there are none of "
            f"portrait {number}"
        )
    painted: npt.NDArray[np.uint8] | None = None
    for part, file in there.items():
        covers = np.array(open_picture(file).convert("L")) >= 128
        if painted is None:
            painted = np.zeros(covers.shape, dtype=np.uint8)
        if covers.shape != painted.shape:
            raise ValueError(
                f"{file}: {painted.shape[1]} x {painted.shape[0]} was wanted, as in the other "
                f"parts, got {covers.shape[1]} x {covers.shape[0]}"
            )
        painted[covers] = _PARTS[part]
    assert painted is not None
    return LabelMap(painted, PORTRAITS)


def read_ade20k(path: PathLike, palette: Palette) -> LabelMap:
    """A mask of ADE20K's scene parsing: 1 to 150 are classes, and 0, 'other', is not painted.

    Args:
        path: an 8-bit PNG of indices.
        palette: ADE20K's.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such mask.
    """
    picture = open_picture(path)
    if picture.mode not in ("L", "P"):
        raise ValueError(f"{path}: an 8-bit mask of indices was wanted, got mode {picture.mode!r}")
    indices = np.array(picture)
    return LabelMap(np.where(indices == 0, UNPAINTED, indices), palette)
