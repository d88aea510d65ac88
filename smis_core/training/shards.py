"""Named tensors and a few facts as a folder: files of bounded size, replaced as a whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

SHARD_BYTES = 15 * 2**20
"""Largest sum of tensors in a file; with its header it stays below 16 MB."""
FACTS = "state.json"


def write_folder(
    folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, limit: int = 0
) -> None:
    """Write tensors named 'group/name' and facts; what was in the folder is replaced.

    A new folder is written and swapped in by renaming, so that a process that dies at any
    moment leaves the earlier state or this one.

    Args:
        folder: where; its parent is made when missing.
        tensors: one file, or several, are written for each group.
        facts: what JSON can hold.
        limit: largest bytes of tensors in a file; 0 means `SHARD_BYTES`.

    Raises:
        OSError: the place cannot be written.
    """
    limit = limit or SHARD_BYTES
    fresh, former = _beside(folder, "new"), _beside(folder, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    shards: dict[str, dict[str, Tensor]] = {}
    fill: dict[str, tuple[int, int]] = {}
    shapes: dict[str, list[int]] = {}
    for name, tensor in tensors.items():
        group = name.split("/", 1)[0]
        shapes[name] = list(tensor.shape)
        flat = tensor.detach().cpu().contiguous().flatten()
        for part, piece in enumerate(torch.split(flat, max(1, limit // flat.element_size()))):
            size = piece.numel() * piece.element_size()
            number, used = fill.get(group, (0, 0))
            if used and used + size > limit:
                number, used = number + 1, 0
            fill[group] = (number, used + size)
            file = f"{group}-{number:02d}.safetensors"
            shards.setdefault(file, {})[f"{name}#{part}"] = piece.clone()
    for file, pieces in shards.items():
        save_file(pieces, fresh / file)
    notes = {**facts, "files": sorted(shards), "shapes": shapes}
    (fresh / FACTS).write_text(json.dumps(notes, indent=1) + "\n")
    shutil.rmtree(former, ignore_errors=True)
    if folder.exists():
        os.replace(folder, former)
    os.replace(fresh, folder)
    shutil.rmtree(former, ignore_errors=True)


def holds_state(folder: Path) -> bool:
    """Whether `read_folder` would find something there."""
    return _current(folder) is not None


def read_folder(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The inverse of `write_folder`.

    Raises:
        FileNotFoundError: nothing was saved there.
        ValueError: a file is missing, truncated or not ours.
    """
    current = _current(folder)
    if current is None:
        raise FileNotFoundError(
            f"{folder} holds no training state: a folder with {FACTS} is wanted, as training "
            f"writes it"
        )
    try:
        facts: dict[str, Any] = json.loads((current / FACTS).read_text())
        pieces: dict[str, Tensor] = {}
        for file in facts.pop("files"):
            with safe_open(current / file, framework="pt") as shard:
                pieces.update({key: shard.get_tensor(key) for key in shard.keys()})  # noqa: SIM118 (not iterable)
        tensors = {}
        for name, shape in facts.pop("shapes").items():
            parts: list[Tensor] = []
            while f"{name}#{len(parts)}" in pieces:
                parts.append(pieces[f"{name}#{len(parts)}"])
            tensors[name] = torch.cat(parts).reshape(shape)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as problem:
        raise ValueError(
            f"the training state in {current} cannot be read ({problem}): a file of it is "
            f"missing or damaged; restore the folder, or start anew in an empty one"
        ) from problem
    return tensors, facts


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}.{suffix}")


def _current(folder: Path) -> Path | None:
    """The folder, or its predecessor where a process died between the two renamings."""
    for candidate in (folder, _beside(folder, "old")):
        if (candidate / FACTS).is_file():
            return candidate
    return None
