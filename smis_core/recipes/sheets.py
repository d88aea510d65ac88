"""Masks to portraits on disk: one picture a style, and a contact sheet to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import smis_core
from smis_core.annotations import read_annotation
from smis_core.fewshot.synthesis import Synthesizer
from smis_core.images import check_writable, image_grid, read_image, save_image
from smis_core.labels import PORTRAITS, LabelMap, Palette

MASK_SUFFIXES = (".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
"""Files of a mask folder that are read; others (photographs beside them) are left alone."""

ROWS_PER_SHEET = 16
TILE = 256
_GAP = 6


@dataclass(frozen=True, eq=False)
class SheetStep:
    """One mask is drawn."""

    index: int
    """from 1"""
    total: int
    """how many masks there are"""
    name: str
    """of the mask"""
    portraits: tuple[Path, ...]
    """the files written, one a style"""
    images: Tensor
    """[styles, 3, R, R] in about [-1, 1]"""
    fidelity: tuple[float, ...]
    """of each style, see `Synthesis.fidelity`"""
    sheet: Path | None
    """the contact sheet, when one has been completed with this mask"""


def read_masks(source: str | Path, palette: Palette = PORTRAITS) -> dict[str, LabelMap]:
    """One mask, or all masks of a folder and its sub-folders.

    Args:
        source: a mask file or a folder.
        palette: the classes that are wanted; see `read_annotation`. Maps of oblong photographs are
            cropped to the square in the middle.

    Returns:
        Label maps by name, in the order of the names: a mask's path inside the folder, without
        suffix and with ``-`` for ``/``.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: a file is no mask or shows classes that the palette lacks, the folder holds
            none, or two masks share a name.
    """
    source = Path(source)
    if not source.is_dir():
        return {source.stem: read_annotation(source, palette).cropped()}
    files = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in MASK_SUFFIXES and not path.name.startswith(".")
    )
    if not files:
        raise ValueError(
            f"{source}: a folder with masks ({', '.join(MASK_SUFFIXES)}) was wanted, it holds none"
        )
    masks: dict[str, LabelMap] = {}
    for path in files:
        name = "-".join(path.relative_to(source).with_suffix("").parts)
        if name in masks:
            raise ValueError(f"{path}: a second mask is called {name!r}; rename one of them")
        masks[name] = read_annotation(path, palette).cropped()
    return masks


def draw_sheets(
    synthesizer: Synthesizer,
    masks: Mapping[str, LabelMap],
    out: str | Path,
    *,
    styles: int = 6,
    seed: int = 0,
) -> Iterator[SheetStep]:
    """Draw every mask in several styles.

    Writes ``<name>_style<seed>.png`` for each portrait, with mask, seed and mixing layer in its
    text chunks, and ``contact_sheet.png``: a row for each mask, the mask first (numbered sheets
    follow after ``ROWS_PER_SHEET`` masks).

    Args:
        synthesizer: what draws.
        masks: label maps by name.
        out: the folder to write into; made where it is missing.
        styles: portraits of each mask.
        seed: of the first style; the others count up from it.

    Returns:
        The steps, one a mask. Arguments are checked before the first.

    Raises:
        ValueError: no masks, fewer than one style, a negative seed, or a folder that cannot be
            written.
    """
    check_styles(styles, seed)
    seeds = range(seed, seed + styles)
    return _draw(synthesizer, masks, SheetWriter(out, masks, [f"style{s}" for s in seeds]), seeds)


def check_styles(styles: int, seed: int) -> None:
    """Refuse, by a ValueError, fewer than one style, and a first seed below 0."""
    if styles < 1:
        raise ValueError(f"styles: wanted at least 1, got {styles}")
    if seed < 0:
        raise ValueError(f"seed: wanted 0 or more, got {seed}")


class SheetWriter:
    """Writes the portraits of masks, and contact sheets of them.

    Args:
        out: the folder to write into; made where it is missing.
        masks: label maps by name.
        styles: what the portraits of each mask are called: ``<mask>_<style>.png``.

    Raises:
        ValueError: no masks, or a folder that cannot be written.
    """

    def __init__(
        self, out: str | Path, masks: Mapping[str, LabelMap], styles: Sequence[str]
    ) -> None:
        self._out, self._masks, self._styles = Path(out), masks, styles
        self._rows: list[Tensor] = []
        self._done = 0
        if not masks:
            raise ValueError("masks: at least one was wanted, got none")
        check_writable(self._out, folder=True)
        for name in masks:
            for path in self.portraits(name):
                check_writable(path)
        for number in range(-(-len(masks) // ROWS_PER_SHEET)):
            check_writable(self._sheet(number))

    def portraits(self, name: str) -> tuple[Path, ...]:
        """The files of a mask's portraits."""
        return tuple(self._out / f"{name}_{style}.png" for style in self._styles)

    def write(
        self,
        name: str,
        images: Tensor,  # [styles, 3, R, R] in about [-1, 1]
        metadata: Sequence[Mapping[str, str]],
    ) -> Path | None:
        """Write the portraits of the next mask, with text chunks.

        Returns:
            The contact sheet, when one has been completed with this mask.
        """
        for picture, path, texts in zip(images, self.portraits(name), metadata, strict=True):
            save_image(picture, path, metadata=texts)
        self._rows.append(contact_row(self._masks[name], images))
        self._done += 1
        if len(self._rows) < ROWS_PER_SHEET and self._done < len(self._masks):
            return None
        sheet = self._sheet((self._done - 1) // ROWS_PER_SHEET)
        grid = image_grid(torch.cat(self._rows), columns=1 + len(self._styles), gap=_GAP)
        save_image(grid, sheet)
        self._rows.clear()
        return sheet

    def _sheet(self, number: int) -> Path:
        return self._out / (f"contact_sheet_{number + 1}.png" if number else "contact_sheet.png")


def contact_row(
    mask: LabelMap,
    images: Tensor,  # [N, 3, R, R] in [-1, 1]
) -> Tensor:
    """The mask in its colours, then its portraits, all at one size: [1 + N, 3, S, S]."""
    side = max(TILE, images.shape[-1])
    drawn = read_image(mask.resized(side).colours())
    enlarged = torch.nn.functional.interpolate(
        images.detach().float().cpu(), size=(side, side), mode="bicubic", align_corners=False
    )
    return torch.cat([drawn, enlarged.clamp(-1, 1)])


def _draw(
    synthesizer: Synthesizer, masks: Mapping[str, LabelMap], writer: SheetWriter, seeds: range
) -> Iterator[SheetStep]:
    for index, (name, mask) in enumerate(masks.items()):
        synthesis = synthesizer.synthesize(mask, style_seeds=seeds)
        texts = [
            portrait_texts(synthesizer, name) | {"smis:style_seed": str(seed)} for seed in seeds
        ]
        sheet = writer.write(name, synthesis.images, texts)
        yield SheetStep(
            index + 1,
            len(masks),
            name,
            writer.portraits(name),
            synthesis.images,
            tuple(synthesis.fidelity),
            sheet,
        )


def portrait_texts(
    synthesizer: Synthesizer, name: str, *, mix_from: int | None = None
) -> dict[str, str]:
    """Text chunks of the portrait of a mask, in whatever style.

    Args:
        synthesizer: what drew it.
        name: of the mask.
        mix_from: the first row of W+ with the style; by default the synthesizer's.
    """
    start = synthesizer.default_mix_from if mix_from is None else mix_from
    return {
        "Software": f"smis {smis_core.__version__}",
        "smis:mask": name,
        "smis:mix_from": str(start),
        "smis:resolution": str(synthesizer.resolution),
    }
