"""Seeds to pictures: one after another, in a folder, or on one sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import smis_core
from smis_core.checkpoints import fingerprint
from smis_core.devices import inference_precision
from smis_core.images import MAX_SIDE, check_writable, save_image, to_uint8
from smis_core.latents import WPlus, check_seeds, sample_noise, sample_z
from smis_core.networks import GeneratorBase
from smis_core.recipes.drawing import (
    DrawOptions,
    as_rgb,
    check_new_file,
    device_of,
    one_by_one,
)

_GAP = 2


@dataclass(frozen=True, eq=False)
class SampleStep:
    """One picture is drawn."""

    index: int
    """from 1"""
    total: int
    """how many seeds there are"""
    seed: int
    image: Tensor
    """float32 [1, C, R, R] in about [-1, 1], on the CPU"""
    wplus: WPlus
    """[1, L, w], truncated, on the CPU"""


@dataclass(frozen=True)
class FileStep:
    """One picture of a folder or sheet is there."""

    index: int
    """from 1"""
    total: int
    """how many seeds there are"""
    seed: int
    path: Path
    """where it is, or will be with the last step"""
    drawn: bool
    """False where the folder held it already"""


def sample(
    generator: GeneratorBase, *, seeds: Sequence[int], options: DrawOptions | None = None
) -> Iterator[SampleStep]:
    """Draw a picture for each seed, in batches sized to memory.

    A seed's code and noise are the same whatever the batch. Its picture is the same to rounding:
    convolutions of another batch sum in another order, which moves float32 pictures by less than
    1e-4.

    Args:
        generator: of any family.
        seeds: whole numbers from 0 up, below 2^63.
        options: see `DrawOptions`.

    Returns:
        The steps, one a picture, in the order of the seeds. Arguments are checked before the
        first.

    Raises:
        ValueError: no seeds, a seed out of range, or options that do not fit the generator.
        MemoryError: while drawing, not even one picture fits.
    """
    options = options or DrawOptions()
    checked = check_seeds(seeds)
    options.check(generator)
    return _sample(generator, checked, options)


def sample_folder(
    generator: GeneratorBase,
    out: str | Path,
    *,
    seeds: Sequence[int],
    options: DrawOptions | None = None,
    overwrite: bool = False,
) -> Iterator[FileStep]:
    """Draw a picture for each seed into a folder: `seed0042.png`.

    Seed, truncation, class, noise, precision and the generator's fingerprint stand in the text
    chunks of each file. A file that already holds the picture asked for is left as it is, so that
    what was interrupted goes on where it stopped.

    Args:
        generator, seeds, options: as in `sample`.
        out: the folder; made where it is missing.
        overwrite: draw and replace every file.

    Returns:
        The steps, one a seed. Arguments are checked before the first.

    Raises:
        ValueError: as in `sample`; the folder cannot be written; or, without `overwrite`, a file
            of such a name holds another picture.
        MemoryError: as in `sample`.
    """
    out, options = Path(out), options or DrawOptions()
    checked = [*dict.fromkeys(check_seeds(seeds))]
    options.check(generator)
    check_writable(out, folder=True)
    mark = fingerprint(generator)
    there = set()
    for seed in checked:
        path = _path(out, seed)
        if path.exists():
            check_writable(path)
            if not overwrite:
                _check_same(path, _metadata(seed, mark, options))
                there.add(seed)
    return _sample_folder(generator, out, checked, there, mark, options)


def sample_grid(
    generator: GeneratorBase,
    path: str | Path,
    *,
    seeds: Sequence[int],
    columns: int | None = None,
    options: DrawOptions | None = None,
    overwrite: bool = False,
) -> Iterator[FileStep]:
    """Draw a picture for each seed on one sheet, row by row.

    Pictures are made smaller where the sheet would be longer than `smis_core.images.MAX_SIDE`.

    Args:
        generator, seeds, options: as in `sample`.
        path: the PNG to write.
        columns: pictures in a row; None makes the sheet about square.
        overwrite: replace the file where it exists.

    Returns:
        The steps, one a picture; the file is there after the last. Arguments are checked before
        the first.

    Raises:
        ValueError: as in `sample`; no column; more pictures than a sheet can show; a path that
            cannot be written or, without `overwrite`, is there already.
        MemoryError: as in `sample`.
    """
    path, options = Path(path), options or DrawOptions()
    checked = check_seeds(seeds)
    options.check(generator)
    columns = math.ceil(math.sqrt(len(checked))) if columns is None else columns
    if columns < 1:
        raise ValueError(f"columns: at least 1 was wanted, got {columns}")
    columns = min(columns, len(checked))
    rows = -(-len(checked) // columns)
    side = min(generator.config.resolution, (MAX_SIDE + _GAP) // max(columns, rows) - _GAP)
    if side < 8:
        raise ValueError(
            f"seeds: {columns} × {rows} pictures do not fit a sheet of {MAX_SIDE}²; give fewer"
        )
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: a sheet is a PNG; give a name that ends in .png")
    check_new_file(path, overwrite=overwrite)
    return _sample_grid(generator, path, checked, (columns, rows, side), options)


def _sample(
    generator: GeneratorBase, seeds: list[int], options: DrawOptions
) -> Iterator[SampleStep]:
    device = device_of(generator)
    fresh = options.noise == "random" and generator.synthesis.takes_noise

    def draw(part: range) -> tuple[Tensor, Tensor]:
        these = [seeds[index] for index in part]
        ws = options.codes(generator, sample_z(these, generator.config.z_dim).tensor)
        noise = options.noise
        maps = [each.to(device) for each in sample_noise(these, generator).maps] if fresh else noise
        with inference_precision(options.precision, device):
            return generator.synthesis(ws, noise=maps), ws

    drawn = one_by_one(generator, draw, len(seeds), batch=options.batch)
    for index, (seed, (image, ws)) in enumerate(zip(seeds, drawn, strict=True), start=1):
        yield SampleStep(index, len(seeds), seed, image, WPlus(ws))


def _sample_folder(
    generator: GeneratorBase,
    out: Path,
    seeds: list[int],
    there: set[int],
    mark: str,
    options: DrawOptions,
) -> Iterator[FileStep]:
    steps = _sample(generator, [seed for seed in seeds if seed not in there], options)
    for index, seed in enumerate(seeds, start=1):
        path = _path(out, seed)
        if seed not in there:
            image = as_rgb(next(steps).image)
            save_image(to_uint8(image)[0], path, metadata=_metadata(seed, mark, options))
        yield FileStep(index, len(seeds), seed, path, seed not in there)


def _sample_grid(
    generator: GeneratorBase,
    path: Path,
    seeds: list[int],
    layout: tuple[int, int, int],
    options: DrawOptions,
) -> Iterator[FileStep]:
    columns, rows, side = layout
    pitch = side + _GAP
    sheet = np.full((rows * pitch - _GAP, columns * pitch - _GAP, 3), 255, dtype=np.uint8)
    for step in _sample(generator, seeds, options):
        image = as_rgb(step.image)
        if image.shape[-1] != side:
            image = torch.nn.functional.interpolate(image, size=(side, side), mode="area")
        row, column = divmod(step.index - 1, columns)
        top, left = row * pitch, column * pitch
        sheet[top : top + side, left : left + side] = to_uint8(image)[0]
        if step.index == step.total:
            facts = _metadata(seeds[0], fingerprint(generator), options)
            shown = ",".join(map(str, seeds))
            save_image(sheet, path, metadata=facts | {"smis:seed": shown})
        yield FileStep(step.index, step.total, step.seed, path, True)


def _path(out: Path, seed: int) -> Path:
    return out / f"seed{seed:04d}.png"


def _metadata(seed: int, mark: str, options: DrawOptions) -> dict[str, str]:
    facts = {
        "seed": seed,
        "truncation_psi": options.truncation_psi,
        "truncation_cutoff": options.truncation_cutoff,
        "class": options.label,
        "noise": options.noise,
        "precision": options.precision,
        "generator": mark,
    }
    named = {f"smis:{name}": str(value) for name, value in facts.items() if value is not None}
    return {"Software": f"smis {smis_core.__version__}"} | named


def _check_same(path: Path, wanted: dict[str, str]) -> None:
    try:
        with Image.open(path) as picture:
            came = {str(key): str(value) for key, value in picture.info.items()}
    except (OSError, SyntaxError, ValueError):
        came = {}  # no picture at all
    keys = [*came, *wanted]
    other = sorted({k for k in keys if k.startswith("smis:") and came.get(k) != wanted.get(k)})
    if other:
        first = other[0]
        raise ValueError(
            f"{path}: holds another picture ({first.removeprefix('smis:')} "
            f"{came.get(first, 'unknown')!r}, wanted {wanted.get(first, 'none')!r}); choose "
            "another folder, or overwrite it"
        )
