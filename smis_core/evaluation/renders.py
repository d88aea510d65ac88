"""Renders kept on disk as bytes, so that a judge can look at each of them many times."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from .attributes import AttributeSpec

Array = np.ndarray[Any, np.dtype[Any]]
Mapped = np.memmap[Any, np.dtype[Any]]
_CHUNK = 128
_DESCRIPTION = "description.json"


class Rendered(Protocol):
    """Pictures with the truth about them."""

    @property
    def images(self) -> Tensor:
        """float32 [N, 3, S, S] in [-1, 1]."""
        ...

    @property
    def labels(self) -> Tensor:
        """uint8 [N, S, S], class indices."""
        ...

    @property
    def attributes(self) -> Mapping[str, Tensor]:
        """[N] by name."""
        ...


Render = Callable[[Sequence[int], int], Rendered]
"""Seeds and a side in pixels -> renders."""


class RenderCache:
    """Renders of consecutive seeds in three files, filled once and mapped into memory.

    What an earlier run filled is kept if its description is the same, and drawn anew otherwise.

    Args:
        folder: where the files go; made when missing.
        count: how many renders; 4 bytes a pixel each.
        resolution: side in pixels.
        first_seed: the seeds are first_seed … first_seed + count - 1.
        specs: attributes to keep.
        num_classes: labels must lie below it.
        source: what draws the renders and its version, in words.

    Raises:
        ValueError: count is below 1.
        OSError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        count: int,
        resolution: int,
        first_seed: int,
        specs: Sequence[AttributeSpec],
        num_classes: int,
        source: str,
    ) -> None:
        if count < 1:
            raise ValueError(f"count: wanted at least 1 render, got {count}")
        self.count, self.resolution, self.first_seed = count, resolution, first_seed
        self.specs, self.num_classes = tuple(specs), num_classes
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._identity = {
            "count": count,
            "resolution": resolution,
            "first_seed": first_seed,
            "attributes": [spec.name for spec in specs],
            "source": source,
        }
        self.filled = self._read_filled()
        side = resolution
        self._images = self._map("images", (count, side, side, 3), "uint8")
        self._labels = self._map("labels", (count, side, side), "uint8")
        self._attributes = self._map("attributes", (count, len(self.specs)), "float32")

    def fill(self, render: Render) -> Iterator[int]:
        """Draw what is missing, yielding how many renders there are after each chunk.

        Raises:
            ValueError: the renders have another size, an attribute is missing, or a label is out of
                range.
        """
        while self.filled < self.count:
            stop = min(self.filled + _CHUNK, self.count)
            drawn = render(
                range(self.first_seed + self.filled, self.first_seed + stop), self.resolution
            )
            self._check(drawn, stop - self.filled)
            rows = slice(self.filled, stop)
            pixels = (drawn.images.permute(0, 2, 3, 1) + 1).mul(127.5).round().clamp(0, 255)
            self._images[rows] = pixels.to(torch.uint8).cpu().numpy()
            self._labels[rows] = drawn.labels.cpu().numpy()
            for column, spec in enumerate(self.specs):
                self._attributes[rows, column] = drawn.attributes[spec.name].cpu().numpy()
            for file in (self._images, self._labels, self._attributes):
                file.flush()
            self.filled = stop
            (self._folder / _DESCRIPTION).write_text(json.dumps({**self._identity, "filled": stop}))
            yield stop

    def read(
        self,
        rows: Array,  # int [N]
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Some renders: uint8 [N, S, S, 3], uint8 [N, S, S], and float32 [N] by attribute."""
        attributes = torch.from_numpy(self._attributes[rows])
        return (
            torch.from_numpy(self._images[rows]),
            torch.from_numpy(self._labels[rows]),
            {spec.name: attributes[:, column] for column, spec in enumerate(self.specs)},
        )

    def _read_filled(self) -> int:
        file = self._folder / _DESCRIPTION
        try:
            found = json.loads(file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return 0
        filled = found.pop("filled", 0)
        if found != self._identity:
            file.unlink()
            return 0
        return int(filled)

    def _map(self, name: str, shape: tuple[int, ...], kind: str) -> Mapped:
        file = self._folder / f"{name}.npy"
        if self.filled and file.exists():
            mapped: Mapped = np.lib.format.open_memmap(file, mode="r+")
            if mapped.shape == shape:
                return mapped
        self.filled = 0
        return np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)

    def _check(self, drawn: Rendered, count: int) -> None:
        side = self.resolution
        if tuple(drawn.images.shape) != (count, 3, side, side) or tuple(drawn.labels.shape) != (
            count,
            side,
            side,
        ):
            raise ValueError(
                f"renders: wanted images [{count}, 3, {side}, {side}] "
                f"and labels [{count}, {side}, {side}], "
                f"got {tuple(drawn.images.shape)} and {tuple(drawn.labels.shape)}"
            )
        missing = [spec.name for spec in self.specs if spec.name not in drawn.attributes]
        if missing:
            raise ValueError(
                f"renders: wanted the attributes {missing}, got only {sorted(drawn.attributes)}"
            )
        if int(drawn.labels.max()) >= self.num_classes:
            raise ValueError(
                f"renders: wanted labels below {self.num_classes}, got {int(drawn.labels.max())}"
            )
