"""Directions kept on disk, so that a generator's are computed once."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..checkpoints import cache_folder
from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .directions_file import load_directions, save_directions
from .identity import Identity, identify


def cached_path(
    generator: GeneratorBase | Identity,
    method: str,
    settings: Mapping[str, Any],
    *,
    folder: Path | None = None,
) -> Path:
    """Where directions of a generator, a method and its settings are kept.

    Args:
        generator: whose directions they are.
        method: as "sefa".
        settings: what else decides the result, as plain values.
        folder: None is "directions" in `smis_core.checkpoints.cache_folder()`.
    """
    text = json.dumps([identify(generator).network, method, settings], sort_keys=True)
    name = f"{method}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.safetensors"
    return (folder or cache_folder() / "directions") / name


def cached_directions(
    generator: GeneratorBase,
    method: str,
    settings: Mapping[str, Any],
    make: Callable[[], Directions],
    *,
    folder: Path | None = None,
) -> Directions:
    """Directions from disk, or made and kept there.

    `cached_directions(G, "sefa", {"rows": [0, 1]}, lambda: sefa(G, rows=[0, 1]))`

    Args:
        generator, method, settings, folder: as in `cached_path`.
        make: computes them, where they are not yet kept.

    Returns:
        The directions. A kept file that is damaged is replaced; a disk that refuses to keep them
        costs the next call its time and nothing else.
    """
    mine = identify(generator)
    path = cached_path(mine, method, settings, folder=folder)
    try:
        return load_directions(path, mine)
    except (FileNotFoundError, ValueError):
        found = make()
    with contextlib.suppress(OSError, ValueError):
        save_directions(path, found)
    return found
