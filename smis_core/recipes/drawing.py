"""Many pictures of one generator: as many at a time as memory holds."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from smis_core.devices import Precision, resolve_precision
from smis_core.images import check_writable
from smis_core.networks import GeneratorBase, StyleGAN3Generator

Noise = Literal["const", "random", "none"]

_CPU_BUDGET = 2**30
_MOST_AT_ONCE = {"cuda": 64}
_MOST_ELSEWHERE = 16  # a CPU gains nothing from more
_COPIES = 6
_COPIES_STYLEGAN3 = 16  # activations run at a higher rate
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


class SampleNote(UserWarning):
    """Says what was done otherwise than asked."""


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """How codes become pictures."""

    truncation_psi: float = 0.7
    """1 keeps the code, 0 gives the average; models of the zoo name a good one"""
    truncation_cutoff: int | None = None
    """rows of W+ that are truncated, counted from the coarsest; None is all"""
    label: int | None = None
    """class of a conditional generator"""
    noise: Noise = "const"
    """the maps stored with the weights, maps drawn from each seed, or none"""
    precision: Precision = "float32"
    """of convolutions; "auto" is faster where bfloat16 is"""
    batch: int | None = None
    """pictures at a time; None is what memory holds"""

    def check(self, generator: GeneratorBase) -> None:
        """Raise ValueError where they do not fit a generator."""
        classes, rows = generator.config.c_dim, generator.num_ws
        if not math.isfinite(self.truncation_psi):
            raise ValueError(f"truncation_psi: a number was wanted, got {self.truncation_psi}")
        if self.truncation_cutoff is not None and not 0 <= self.truncation_cutoff <= rows:
            raise ValueError(
                f"truncation_cutoff: 0 to {rows} rows were wanted, got {self.truncation_cutoff}"
            )
        if self.label is None and classes:
            raise ValueError(f"label: this generator draws {classes} classes, 0 to {classes - 1}; "
                             "name one")  # fmt: skip
        if self.label is not None and not 0 <= self.label < classes:
            known = f"has the classes 0 to {classes - 1}" if classes else "has no classes"
            raise ValueError(f"label: this generator {known}, got {self.label}")
        if self.noise not in get_args(Noise):
            raise ValueError(f"noise: one of {get_args(Noise)} was wanted, got {self.noise!r}")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"batch: at least 1 was wanted, got {self.batch}")
        resolve_precision(self.precision, device_of(generator))

    def codes(
        self,
        generator: GeneratorBase,
        z: Tensor,  # [N, z]
    ) -> Tensor:
        """`[N, L, w]`, truncated, on the generator's device."""
        device = device_of(generator)
        c = None
        if self.label is not None:
            c = torch.zeros(len(z), generator.config.c_dim, device=device)
            c[:, self.label] = 1
        with torch.autocast(device.type, enabled=False):
            ws: Tensor = generator.mapping(
                z.to(device), c,
                truncation_psi=self.truncation_psi, truncation_cutoff=self.truncation_cutoff,
            )  # fmt: skip
        return ws


def device_of(generator: GeneratorBase) -> torch.device:
    """Where a generator is."""
    return next(generator.parameters()).device


def one_by_one(
    generator: GeneratorBase,
    draw: Callable[[range], tuple[Tensor, Tensor]],
    total: int,
    *,
    batch: int | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pictures with their codes, drawn in batches and given out one at a time, on the CPU.

    Where memory does not suffice, the batch is halved for the rest, and a `SampleNote` warning
    says so.

    Args:
        generator: what draws.
        draw: pictures `[n, C, R, R]` and codes `[n, L, w]` of a range of indices.
        total: how many there are.
        batch: how many to begin with; None is what memory holds.

    Raises:
        MemoryError: there is not enough for a single picture.
    """
    size = batch or batch_size(generator)
    done = 0
    while done < total:
        part = range(done, min(done + size, total))
        drawn = _attempt(draw, part)
        if drawn is None:
            # Out of the handler, so that nothing of the failed attempt is held any more.
            size = _halved(generator, len(part))
            continue
        images, codes = (each.cpu() for each in drawn)
        for image, code in zip(images, codes, strict=True):
            yield image[None], code[None]
        done += len(part)


def batch_size(generator: GeneratorBase) -> int:
    """How many pictures are drawn at a time: half of a GPU's free memory, or 1 GiB elsewhere."""
    device = device_of(generator)
    budget = _CPU_BUDGET
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        budget = (torch.cuda.mem_get_info(device)[0] + unused) // 2
    most = _MOST_AT_ONCE.get(device.type, _MOST_ELSEWHERE)
    return max(1, min(most, budget // picture_bytes(generator)))


def picture_bytes(generator: GeneratorBase) -> int:
    """About what drawing one picture takes beside the weights: as much as some copies of the
    largest features in float32, which was measured for each family."""
    if isinstance(generator, StyleGAN3Generator):
        bands = generator.config.bands
        return 4 * _COPIES_STYLEGAN3 * max(band.channels * band.size**2 for band in bands)
    layers = generator.synthesis.layers
    return 4 * _COPIES * max(layer.channels * layer.resolution**2 for layer in layers)


def check_new_file(path: Path, *, overwrite: bool) -> None:
    """Raise ValueError where a file cannot be written, or is there and may not be replaced."""
    check_writable(path)
    if path.exists() and not overwrite:
        raise ValueError(f"{path}: is there already; choose another name, or overwrite it")


def as_rgb(image: Tensor) -> Tensor:
    """[1, C, R, R] with three channels: the first ones of more, one for all of fewer."""
    return image[:, :3] if image.shape[1] >= 3 else image[:, :1].expand(-1, 3, -1, -1)


def _attempt(
    draw: Callable[[range], tuple[Tensor, Tensor]], part: range
) -> tuple[Tensor, Tensor] | None:
    try:
        with torch.no_grad():
            return draw(part)
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if known or any(sign in str(error) for sign in _SIGNS):
            return None
        raise


def _halved(generator: GeneratorBase, size: int) -> int:
    device = device_of(generator)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    side = generator.config.resolution
    if size == 1:
        cure = "use the CPU" if device.type != "cpu" else "use a smaller generator"
        raise MemoryError(
            f"a picture of {side}² takes about {picture_bytes(generator) / 2**20:.0f} MiB beside "
            f"the weights, which {device} does not have; close what else runs on it, or {cure}"
        )
    warnings.warn(
        f"memory does not hold {size} pictures of {side}² at a time; going on with {size // 2}",
        SampleNote,
        stacklevel=4,
    )
    return size // 2
