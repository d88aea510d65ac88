"""Where training pictures come from: any function of indices, kept decoded on disk."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
CHUNK = 64


class PictureSource(Protocol):
    """Pictures by index, and how a model card should call them."""

    @property
    def resolution(self) -> int:
        """Side in pixels."""
        ...

    @property
    def description(self) -> str:
        """What the pictures are, in words; the same words mean the same pictures."""
        ...

    def __len__(self) -> int:
        """How many different pictures there are."""
        ...

    def read(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """Those pictures: float32 [N, 3, S, S] in [-1, 1]."""
        ...


Draw = Callable[[Sequence[int]], Tensor]
"""Indices -> pictures [<=N, 3, S, S] in [-1, 1]; what cannot be drawn is left out."""


class PictureCache:
    """A `PictureSource` that draws each picture once and keeps it as uint8 in a file.

    Args:
        draw: makes pictures from indices; called once for each index below `count`.
        count: how many indices there are.
        resolution: side in pixels.
        folder: where the file goes; made when missing.
        description: what the pictures are; a cache of another description is drawn anew.

    Raises:
        ValueError: count is 0.
        OSError: the folder cannot be written.
    """

    def __init__(
        self, draw: Draw, *, count: int, resolution: int, folder: Path, description: str
    ) -> None:
        if count < 1:
            raise ValueError(f"a picture cache wants at least one picture; got count={count}")
        self._draw = draw
        self._count = count
        self._resolution = resolution
        self._description = description
        folder.mkdir(parents=True, exist_ok=True)
        self._pixels_path = folder / f"pictures_{resolution}.u8"
        self._notes_path = folder / f"pictures_{resolution}.json"
        self._asked, self._stored = self._read_notes()
        self._pixels: np.ndarray | None = None

    @property
    def resolution(self) -> int:
        """Side in pixels."""
        return self._resolution

    @property
    def description(self) -> str:
        """What the pictures are."""
        return self._description

    @property
    def count(self) -> int:
        """How many indices there are, readable or not."""
        return self._count

    @property
    def complete(self) -> bool:
        """Whether every picture has been drawn."""
        return self._asked == self._count

    def __len__(self) -> int:
        return self._stored

    def fill(self) -> Iterator[int]:
        """Draw what is missing, continuing where an earlier call stopped.

        Yields:
            How many indices are done.

        Raises:
            ValueError: none of the pictures could be drawn, or their size is another.
        """
        side = self._resolution
        if not self.complete:
            with self._pixels_path.open("r+b" if self._asked else "wb") as file:
                while not self.complete:
                    stop = min(self._asked + CHUNK, self._count)
                    images = self._draw(range(self._asked, stop))
                    if images.shape[1:] != (3, side, side):
                        raise ValueError(
                            f"pictures of [3, {side}, {side}] are wanted; drawn were "
                            f"{list(images.shape[1:])}: draw them at this resolution"
                        )
                    pixels = images.clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
                    file.seek(self._stored * side * side * 3)
                    file.write(pixels.permute(0, 2, 3, 1).contiguous().numpy().tobytes())
                    file.flush()
                    self._asked, self._stored = stop, self._stored + len(images)
                    self._write_notes()
                    yield stop
        if not self._stored:
            raise ValueError(
                f"none of the {self._count} pictures ({self._description}) could be read"
            )

    def read(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """Those pictures: float32 [N, 3, S, S] in [-1, 1], channels last in memory.

        Raises:
            RuntimeError: `fill` has not been run to its end.
        """
        if not self.complete:
            raise RuntimeError("the picture cache is not complete: run through fill() first")
        if self._pixels is None:
            shape = (self._stored, self._resolution, self._resolution, 3)
            self._pixels = np.memmap(self._pixels_path, dtype=np.uint8, mode="r", shape=shape)
        chosen = torch.from_numpy(np.asarray(self._pixels[np.asarray(indices)]))
        return chosen.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)

    def _read_notes(self) -> tuple[int, int]:
        """How many indices were asked for, and how many pictures that gave."""
        try:
            notes = json.loads(self._notes_path.read_text())
            size = self._pixels_path.stat().st_size
        except (OSError, ValueError):
            return 0, 0
        wanted = {"description": self._description, "count": self._count}
        same = {name: notes.get(name) for name in wanted} == wanted
        whole = same and size >= notes["stored"] * self._resolution**2 * 3
        return (notes["asked"], notes["stored"]) if whole else (0, 0)

    def _write_notes(self) -> None:
        notes = {
            "description": self._description,
            "count": self._count,
            "asked": self._asked,
            "stored": self._stored,
        }
        fresh = self._notes_path.with_suffix(".new")
        fresh.write_text(json.dumps(notes))
        os.replace(fresh, self._notes_path)


def find_pictures(folder: str | Path) -> list[Path]:
    """All picture files below a folder, in the order of their names.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no picture in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not a folder: training wants a folder of pictures, or 'portraits'"
        )
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not paths:
        raise ValueError(
            f"{folder} holds no picture: files ending in {', '.join(SUFFIXES)} are looked for, "
            f"in its sub-folders too"
        )
    return paths


def folder_cache(folder: str | Path, *, resolution: int, scratch: Path) -> PictureCache:
    """A cache of the pictures below a folder, cut to their central square and resized.

    A file that cannot be decoded is named in a warning and left out; so is named, and
    enlarged, a picture whose shorter side is below `resolution`.

    Args:
        folder: searched with its sub-folders.
        resolution: side in pixels.
        scratch: folder for the decoded pictures.

    Raises:
        FileNotFoundError, ValueError: as `find_pictures`.
    """
    paths = find_pictures(folder)
    facts = [(str(p.relative_to(folder)), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    mark = hashlib.sha256(repr(facts).encode()).hexdigest()[:12]

    def draw(indices: Sequence[int]) -> Tensor:
        pictures = [_read_square(paths[i], resolution) for i in indices]
        readable = [torch.from_numpy(picture) for picture in pictures if picture is not None]
        if not readable:
            return torch.empty(0, 3, resolution, resolution)
        return torch.stack(readable).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)

    return PictureCache(
        draw,
        count=len(paths),
        resolution=resolution,
        folder=scratch,
        description=f"folder {Path(folder).name}, {len(paths)} files, {mark}",
    )


def _read_square(path: Path, side: int) -> np.ndarray | None:
    """uint8 [side, side, 3], or None (with a warning) when the file cannot be decoded."""
    try:
        with Image.open(path) as file:
            upright = ImageOps.exif_transpose(file).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        warnings.warn(f"{path} is left out, it cannot be read: {problem}", stacklevel=2)
        return None
    if min(upright.size) < side:
        warnings.warn(
            f"{path} ({upright.width} x {upright.height}) is smaller than {side} x {side} "
            f"and was enlarged",
            stacklevel=2,
        )
    return np.asarray(ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)).copy()
