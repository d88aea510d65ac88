"""Many pictures, a batch at a time, each written down as soon as it is found."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..checkpoints.native import fingerprint
from ..images import ImageSource, check_writable, save_image
from ..latents import Noise, StyleSpace
from ..networks.generator_base import GeneratorBase
from .latent_files import save_latent
from .reading import read_linear
from .spaces import draw
from .statistics import class_labels
from .step import InversionStep, Latent
from .targets import Target, prepare_target

Method = Callable[[GeneratorBase, list[Target]], Iterator[InversionStep]]
"""What inverts a batch, e.g. `lambda g, targets: hybrid(g, targets, encoder=encoder)`."""


@dataclass(frozen=True, eq=False)
class ManyStep(InversionStep):
    """One step of inverting many pictures; `index` counts within the batch."""

    names: tuple[str, ...] = ()
    """of the batch at work"""
    done: int = 0
    """pictures found so far, those of former runs included"""
    of: int = 0
    """pictures in all"""
    written: tuple[Path, ...] = ()
    """codes written with this step, when a batch is found"""
    failed: Mapping[str, str] | None = None
    """pictures that could not be read, and why, when a batch begins"""


def invert(
    generator: GeneratorBase,
    images: Mapping[str, ImageSource | Target],
    out: str | os.PathLike[str],
    method: Method,
    *,
    batch: int = 8,
    settings: str = "",
) -> Iterator[ManyStep]:
    """Inverts pictures into a folder: `<name>.safetensors`, the code, and `<name>.png`, what it
    draws.

    Each picture is on disk when its batch is found, and a later run with the same settings leaves
    it out, unless it has become another picture. One that cannot be read is told in `failed` and
    passed over.

    Args:
        generator: frozen.
        images: by the name under which each is written.
        out: the folder; made where it is missing.
        method: what inverts a batch; with a folder as its `state` a batch that was interrupted goes
            on as well.
        batch: pictures at a time.
        settings: what the method is, in words; codes found by another one are found anew.

    Returns:
        The steps of the batches, one after the other; none where everything is there already.

    Raises:
        ValueError: before any work: no pictures, a name that is no file name, a batch below 1, or a
            folder that cannot be written. While it works: a method that tunes the generator, whose
            copies would have to be kept beside the codes; none of the pictures that were left could
            be read.
    """
    out = Path(out)
    if not images or batch < 1:
        raise ValueError(
            f"images and batch: wanted at least one of each, got {len(images)} and {batch}"
        )
    for name in images:
        if not name or Path(name).name != name:
            raise ValueError(f"images: wanted plain names, which become file names, got {name!r}")
    check_writable(out, folder=True)
    return _invert(generator, images, out, method, batch, (fingerprint(generator), settings))


def _invert(
    generator: GeneratorBase,
    images: Mapping[str, ImageSource | Target],
    out: Path,
    method: Method,
    batch: int,
    owner: tuple[str, str],
) -> Iterator[ManyStep]:
    left = [
        name
        for name, source in images.items()
        if not _is_found(out / f"{name}.safetensors", owner, source)
    ]
    done = len(images) - len(left)
    failed: dict[str, str] = {}
    told: ManyStep | None = None
    for first in range(0, len(left), batch):
        targets: dict[str, Target] = {}
        digests: list[str] = []
        for name in left[first : first + batch]:
            source = images[name]
            try:
                digest = _digest(source)
                targets[name] = (
                    source
                    if isinstance(source, Target)
                    else prepare_target(source, generator.config.resolution)
                )
                digests.append(digest)
            except (ValueError, OSError, TypeError) as problem:
                failed[name] = str(problem)
        done += len(left[first : first + batch]) - len(targets)
        if not targets:
            continue
        last: InversionStep | None = None
        for step in method(generator, [*targets.values()]):
            if step.generator is not None:
                raise ValueError(
                    "method: wanted one that finds codes of this generator, got one that tunes a"
                    " copy of it; tune after the codes are found, and keep the copy with"
                    " smis_core.checkpoints.save_network"
                )
            if last is not None:
                yield _many(last, tuple(targets), done, len(images), failed=failed or None)
                failed = {}
            last = step
        assert last is not None
        best = last.best_so_far
        done += len(targets)
        paths = _write(generator, best, dict(zip(targets, digests, strict=True)), out, owner)
        told = _many(last, tuple(targets), done, len(images), written=paths, failed=failed or None)
        failed = {}
        yield told
    if failed and told is not None:
        yield replace(told, done=done, written=(), failed=failed)
    elif failed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        raise ValueError(f"images: wanted at least one that can be inverted, got none: {reasons}")


def _many(
    step: InversionStep,
    names: tuple[str, ...],
    done: int,
    of: int,
    *,
    written: tuple[Path, ...] = (),
    failed: Mapping[str, str] | None = None,
) -> ManyStep:
    values = {field.name: getattr(step, field.name) for field in fields(InversionStep)}
    return ManyStep(**values, names=names, done=done, of=of, written=written, failed=failed)


def _write(
    generator: GeneratorBase,
    step: InversionStep,
    digests: Mapping[str, str],
    out: Path,
    owner: tuple[str, str],
) -> tuple[Path, ...]:
    paths = []
    labels = None if step.classes is None else class_labels(generator, step.classes)
    with torch.no_grad():
        pictures = draw(generator, step.latent, noise=step.noise, labels=labels)
    for index, name in enumerate(digests):
        noise = step.noise
        if noise is not None:
            noise = Noise(tuple(each[index : index + 1] for each in noise.maps))
        path = out / f"{name}.safetensors"
        save_image(
            pictures[index],
            out / f"{name}.png",
            metadata={"smis:losses": json.dumps(step.losses)},
        )
        save_latent(
            path,
            _one(step.latent, index),
            noise=noise,
            generator=owner[0],
            settings=owner[1],
            picture=digests[name],
            classes=None if step.classes is None else step.classes[index : index + 1],
        )
        paths.append(path)
    return tuple(paths)


def _one(latent: Latent, index: int) -> Latent:
    def row(values: Tensor) -> Tensor:
        return values[index : index + 1]

    if isinstance(latent, StyleSpace):
        return StyleSpace(tuple(row(each) for each in latent.styles))
    return replace(latent, tensor=row(latent.tensor))


def _digest(source: ImageSource | Target) -> str:
    """Of a picture as it came; a file is not decoded for it."""
    digest = hashlib.sha256()
    if isinstance(source, (str, os.PathLike)):
        digest.update(Path(source).read_bytes())
        return digest.hexdigest()
    tensors = (
        [source.image, source.weight] if isinstance(source, Target) else [read_linear(source)[0]]
    )
    for each in tensors:
        digest.update(b"" if each is None else each.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _is_found(path: Path, owner: tuple[str, str], source: ImageSource | Target) -> bool:
    """Whether a file holds the code of this picture, for this generator and by this method."""
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
        kept = (about.get("generator"), about.get("settings"), about.get("picture"))
        return kept[:2] == owner and kept[2] == _digest(source)
    except (SafetensorError, OSError, ValueError, TypeError):
        return False
