"""Randomness as a function of (seed, step), so that nothing of it needs to be saved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derived_seed(*parts: int | str) -> int:
    """A 63-bit seed that differs unrelatedly whenever any part does."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


@contextmanager
def seeded(*parts: int | str, device: torch.device) -> Iterator[None]:
    """Within: torch's generators start from the seed of `parts`; after: they are as before."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derived_seed(*parts))
        yield


class PictureOrder:
    """An endless order of pictures: each epoch a new permutation, a function of its number."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self._epoch = -1
        self._permutation = np.empty(0, dtype=np.int64)

    def __getitem__(self, span: slice) -> np.ndarray:
        """Indices of the pictures at the positions start … stop - 1, counted from the first."""
        positions = np.arange(span.start, span.stop)
        indices = np.empty(len(positions), dtype=np.int64)
        for epoch in range(span.start // self.count, (span.stop - 1) // self.count + 1):
            if epoch != self._epoch:
                generator = np.random.default_rng(derived_seed("order", self.seed, epoch))
                self._permutation, self._epoch = generator.permutation(self.count), epoch
            inside = positions // self.count == epoch
            indices[inside] = self._permutation[positions[inside] % self.count]
        return indices
