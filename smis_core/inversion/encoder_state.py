"""What trainings of encoders share: rates, the running average, a file to resume from."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def rate_share(done: float) -> float:
    """The share of the learning rate after a share of the run: a ramp of 3%, then a cosine."""
    return min(1.0, (done + 1e-3) / 0.03) * (0.5 + 0.5 * math.cos(math.pi * done))


def follow(
    averaged: Iterable[Tensor], latest: Iterable[Tensor], *, index: int, half_life: float
) -> None:
    """Move running averages towards the latest weights.

    Args:
        averaged: what changes.
        latest: in the same order.
        index: steps done.
        half_life: in steps; while few are done, the average looks back at as few.
    """
    steps = min(max(half_life, 1.0), max(index / 8, 0.5))
    with torch.no_grad():
        torch._foreach_lerp_([*averaged], [*latest], 1 - 0.5 ** (1 / steps))


def write_state(path: Path, identity: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write what the next step depends on; a crash or a full disk leaves the former file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    try:
        torch.save({**values, "identity": dict(identity)}, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_state(path: Path, identity: Mapping[str, Any], *, device: torch.device) -> dict[str, Any]:
    """What `write_state` wrote.

    Raises:
        ValueError: the file does not open, or is of another run.
    """
    try:
        saved: Any = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path}: wanted the state of an encoder's training, got a file that does not"
            f" open ({error}); delete it to start again"
        ) from error
    known = saved.get("identity") if isinstance(saved, dict) else None
    if known != identity:
        known = known if isinstance(known, dict) else {}
        names = dict.fromkeys([*identity, *known])
        differ = ", ".join(each for each in names if known.get(each) != identity.get(each))
        raise ValueError(
            f"{path}: wanted the state of this run, got one with other {differ};"
            " delete it to start again"
        )
    state: dict[str, Any] = saved
    return state
