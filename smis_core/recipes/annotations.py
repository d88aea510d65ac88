"""Pictures with masks to learn from: portraits that were never trained on, or anyone's files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from smis_core.annotations import read_annotation
from smis_core.fewshot import AnnotatedPictures
from smis_core.images import read_image
from smis_core.labels import PORTRAITS, Palette
from smis_core.portraits.renderer import render

ANNOTATED_SEED = 1_000_000
"""The first seed that is looked at for pictures to annotate."""
UNSHOWN = (3, 14)
"""Glasses and hat: not among the annotated classes."""
FOLDED = (15, 16)
"""Earring and necklace, which portraits do not have."""
_PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_MASK_SUFFIXES = (*_PICTURE_SUFFIXES, ".json", ".npz", ".svg")
_SAME_PROPORTIONS = 0.01
_RENDER_BATCH = 4


def annotated_renders(shots: int, *, size: int, choice: int = 1) -> AnnotatedPictures:
    """Renders that show every class except glasses and hat, with their exact masks.

    Args:
        shots: how many, from 1.
        size: of the pictures.
        choice: from 1, the first so many; 2 are the next, and so on.

    Raises:
        ValueError: fewer than one, or no such choice.
    """
    if choice < 1:
        raise ValueError(f"choice: wanted 1 or more, got {choice}")
    if shots < 1:
        raise ValueError(f"shots: wanted at least 1 annotated picture, got {shots}; try --shots 1")
    wanted = set(PORTRAITS.indices) - set(UNSHOWN) - set(FOLDED)
    images: list[Tensor] = []
    labels: list[Tensor] = []
    seed = ANNOTATED_SEED
    while len(images) < choice * shots:
        drawn = render(range(seed, seed + _RENDER_BATCH), size=size)
        for image, mask in zip(drawn.images, drawn.labels, strict=True):
            if set(torch.unique(mask).tolist()) == wanted:
                images.append(image)
                labels.append(mask)
        seed += _RENDER_BATCH
    chosen = slice((choice - 1) * shots, choice * shots)
    return AnnotatedPictures(torch.stack(images[chosen]), torch.stack(labels[chosen]), PORTRAITS)


def annotated_files(
    pictures: str | Path,
    masks: str | Path,
    *,
    size: int,
    palette: Palette = PORTRAITS,
) -> AnnotatedPictures:
    """Anyone's pictures with their masks, paired by file name.

    Args:
        pictures: a folder of pictures; of oblong ones the square in the middle is used.
        masks: a folder of annotations of the same names (suffixes may differ), such as indexed PNG
            or Labelme's JSON, of the pictures' proportions.
        size: of the generator's pictures; both are resized to it.
        palette: the classes that are wanted; see `read_annotation`.

    Raises:
        FileNotFoundError: a folder is missing.
        ValueError: a folder is empty, a picture or a mask has no partner, their proportions
            differ, or a file is broken or shows classes that the palette lacks: annotations are
            few, so none is skipped.
    """
    found = {}
    for name, folder, suffixes in (
        ("pictures", Path(pictures), _PICTURE_SUFFIXES),
        ("masks", Path(masks), _MASK_SUFFIXES),
    ):
        if not folder.is_dir():
            raise FileNotFoundError(f"{name}: wanted a folder, {folder} is none")
        files = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in suffixes and not path.name.startswith(".")
        ]
        if not files:
            raise ValueError(
                f"{name}: wanted at least one of {', '.join(suffixes)} in {folder}, got none"
            )
        found[name] = {path.stem: path for path in files}
        if len(found[name]) < len(files):
            raise ValueError(
                f"{name}: two files in {folder} differ in their suffix alone; rename one"
            )
    if alone := sorted(found["pictures"].keys() ^ found["masks"].keys()):
        raise ValueError(
            f"pictures and masks: wanted the same names in {pictures} and {masks},"
            f" got only one of both for {', '.join(alone[:5])}"
        )
    images, labels = [], []
    for stem, path in found["pictures"].items():
        image = read_image(path)
        mask = read_annotation(found["masks"][stem], palette)
        height, width = image.shape[-2:]
        if abs(mask.width / mask.height - width / height) > _SAME_PROPORTIONS:
            raise ValueError(
                f"{found['masks'][stem]}: wanted the proportions of its picture, {width} x"
                f" {height}, got {mask.width} x {mask.height}; crop both to the same square"
            )
        images.append(read_image(image, size=size))
        labels.append(torch.from_numpy(mask.cropped().resized(size).indices.copy()))
    return AnnotatedPictures(torch.cat(images), torch.stack(labels), palette)
