"""How many cores a worker takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def thread_count(threads: int | None) -> int:
    """The count as given, checked; by default one core is left to the interface."""
    if threads is None:
        return max(1, (os.cpu_count() or 2) - 1)
    if threads < 1:
        raise ValueError(f"threads: at least one was wanted, got {threads}")
    return threads


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Torch uses so many threads for what this thread asks of it."""
    # OpenMP's thread count belongs to the thread that sets it, so the caller's own work keeps its
    # cores; torch also hands the number to threads born later, hence the way back.
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
