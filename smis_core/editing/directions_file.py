"""Directions on disk: one safetensors file, with a card as networks have it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..checkpoints import bundled_path
from ..checkpoints.native import FORMAT
from ..images import check_writable
from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .identity import Identity

KIND = "directions"
BUNDLED = "portraits/directions"


def save_directions(
    path: str | os.PathLike[str],
    directions: Directions,
    *,
    card: Mapping[str, Any] | None = None,
) -> None:
    """Write directions as one safetensors file, replacing what was there in one step.

    Args:
        path: by convention ending in `.safetensors`.
        directions: what to keep.
        card: what else to say of them, as plain values.

    Raises:
        ValueError: the place cannot be written.
    """
    path = Path(path)
    check_writable(path)
    config = {
        "names": directions.names,
        "generator": directions.generator.to_dict(),
        "method": directions.method,
        "settings": dict(directions.settings),
        "circles": dict(directions.circles),
        "middles": dict(directions.middles),
    }
    metadata = {
        "format": FORMAT,
        "kind": KIND,
        "config": json.dumps(config),
        "card": json.dumps(dict(card or {})),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(
            {"steps": directions.steps, "normals": directions.normals, "centre": directions.centre},
            partial,
            metadata=metadata,
        )
        partial.chmod(0o644)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_directions(
    source: str | os.PathLike[str] | None = None,
    generator: GeneratorBase | Identity | None = None,
) -> Directions:
    """The directions in a file.

    Args:
        source: a file; a bundled name ("portraits/directions"); None takes the bundled ones.
        generator: what they are wanted for; None takes them for whatever they were made.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, holds something else, or belongs to another generator.
    """
    path = bundled_path(BUNDLED) if source is None else Path(source)
    if not path.exists() and isinstance(source, str) and "/" in source and not path.suffix:
        path = bundled_path(source)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there are no directions; check the path")
    again = "get the file again from where it came from, or compute the directions anew"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT or metadata.get("kind") != KIND:
                raise ValueError(
                    f"{path}: wanted directions, got {metadata.get('kind', 'something else')!r:.60}"
                )
            tensors = {name: file.get_tensor(name) for name in ("steps", "normals", "centre")}
        values = json.loads(metadata["config"])
        directions = Directions(
            names=tuple(values["names"]),
            generator=Identity.from_dict(values["generator"]),
            method=str(values["method"]),
            settings=dict(values["settings"]),
            circles=dict(values["circles"]),
            middles=dict(values.get("middles", {})),
            **tensors,
        )
    except SafetensorError as problem:
        raise ValueError(f"{path} is not a whole file of directions ({problem}); {again}") from None
    except (AttributeError, KeyError, TypeError, RecursionError, json.JSONDecodeError) as problem:
        raise ValueError(f"{path} is damaged ({problem}); {again}") from problem
    if generator is not None:
        directions.check(generator)
    return directions
