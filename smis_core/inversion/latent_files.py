"""Codes on disk: a safetensors file that says in which space they live, and whose they are."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..images import check_writable
from ..latents import Noise, StyleSpace, W, WPlus, Z
from .step import Latent

_FORMAT = "smis-latent-1"
_NAMES: dict[type[Latent], str] = {Z: "z", W: "w", WPlus: "wplus", StyleSpace: "s"}


def latent_tensors(latent: Latent, noise: Noise | None = None) -> dict[str, Tensor]:
    """Contiguous CPU copies by name: "wplus" or "s0", "s1", …, and "noise0", …"""
    name = _NAMES[type(latent)]
    if isinstance(latent, StyleSpace):
        tensors = {f"s{index}": style for index, style in enumerate(latent.styles)}
    else:
        tensors = {name: latent.tensor}
    for index, each in enumerate(noise.maps if noise else ()):
        tensors[f"noise{index}"] = each
    return {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}


def latent_from(tensors: dict[str, Tensor]) -> tuple[Latent, Noise | None]:
    """The inverse of `latent_tensors`; KeyError where there is no code among them."""
    maps = _numbered(tensors, "noise")
    noise = Noise(tuple(maps)) if maps else None
    for kind, name in ((Z, "z"), (W, "w"), (WPlus, "wplus")):
        if name in tensors:
            return kind(tensors[name]), noise
    return StyleSpace((tensors["s0"], *_numbered(tensors, "s")[1:])), noise


def save_latent(
    path: str | os.PathLike[str],
    latent: Latent,
    *,
    noise: Noise | None = None,
    generator: str = "",
    settings: str = "",
    picture: str = "",
    classes: Sequence[int] | None = None,
) -> None:
    """Writes a code, replacing what was there in one step.

    Args:
        path: by convention ending in `.safetensors`.
        latent: in any space.
        noise: maps that belong to it.
        generator: the fingerprint of the network whose code it is.
        settings: how it was found, in words.
        picture: a digest of what it was found for.
        classes: of a conditional generator, one a code; `load_classes` gives them back.

    Raises:
        ValueError: the place cannot be written.
    """
    path = Path(path)
    check_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    metadata = {"format": _FORMAT, "space": _NAMES[type(latent)], "generator": generator}
    metadata |= {"settings": settings, "picture": picture}
    if classes is not None:
        metadata["classes"] = json.dumps([*classes])
    try:
        save_file(latent_tensors(latent, noise), partial, metadata)
        partial.chmod(0o644)  # safetensors writes files that only their owner reads
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_latent(
    path: str | os.PathLike[str], *, generator: str = ""
) -> tuple[Latent, Noise | None]:
    """The code that `save_latent` wrote, on the CPU.

    Args:
        path: the file.
        generator: a fingerprint; a code of another network is refused.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no code, or that of another generator.
    """
    metadata, tensors = _read(path)
    if generator and metadata.get("generator", "") not in ("", generator):
        raise ValueError(
            f"{path}: wanted a code of this generator, got one of another; open the generator that"
            " it was found with"
        )
    try:
        return latent_from(tensors)
    except (KeyError, ValueError) as problem:
        raise ValueError(f"{path}: wanted a latent code, got {sorted(tensors)}") from problem


def load_classes(path: str | os.PathLike[str]) -> tuple[int, ...] | None:
    """The classes that `save_latent` wrote: with them `draw` knows a code in Z of a conditional
    generator again, by `labels=class_labels(generator, classes)`. None where it wrote none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no code.
    """
    metadata, _ = _read(path)
    try:
        classes = json.loads(metadata.get("classes", "null"))
        return None if classes is None else tuple(int(each) for each in classes)
    except (ValueError, TypeError) as problem:
        raise ValueError(
            f"{path}: wanted whole numbers as classes, got {metadata['classes']!r}"
        ) from problem


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What a file says of itself, and its tensors."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: there is no such file; check the path")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as problem:
        raise ValueError(f"{path}: wanted a latent code, got a broken file ({problem})") from None
    if metadata.get("format") != _FORMAT:
        raise ValueError(f"{path}: wanted a latent code, got a file of another kind")
    return metadata, tensors


def _numbered(tensors: dict[str, Tensor], name: str) -> list[Tensor]:
    found: list[Tensor] = []
    while f"{name}{len(found)}" in tensors:
        found.append(tensors[f"{name}{len(found)}"])
    return found
