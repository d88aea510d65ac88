"""Opening any checkpoint: `load_generator`, `load_checkpoint`.

What a file is is told by its content; nothing that came in it is run.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Callable, Mapping
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..devices import resolve_device
from ..networks.discriminator import Discriminator
from ..networks.strided import StridedDiscriminator
from ..networks.stylegan1 import StyleGAN1Generator
from ..networks.stylegan2 import Generator
from ..networks.stylegan3 import StyleGAN3Generator
from .checkpoint import Checkpoint
from .formats import nvidia_tensorflow, nvidia_torch, psp, rosinality, state_dict
from .formats.assemble import Loaded, Unfit, plainly
from .inversion_encoder import InversionEncoder
from .native import load_network, read_card
from .restricted import TensorFlowNetwork, read_pickle, read_torch
from .sniff import Sniffed, sniff
from .zoo import bundled_path, entry_of_file, fetch, zoo_models

AnyGenerator = Generator | StyleGAN1Generator | StyleGAN3Generator
"""What draws: `mapping`, `synthesis`, `config`, `num_ws`."""
BUNDLED = "portraits/generator"

_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Loaded]], ...] = tuple(
    (module.holds, module.load)
    for module in (nvidia_torch, nvidia_tensorflow, psp, rosinality, state_dict)
)
_MAIN: tuple[str | int, ...] = ("G_ema", "g_ema", "state_dict", 2)
"""Where files keep their averaged networks: by key, or as the last of (G, D, Gs)."""
_BESIDE = ("latent_avg", "opts")
_MORE = ("D", "training_set_kwargs")
_WANTED = (
    "a StyleGAN checkpoint (.pkl of NVIDIA, .pt of the PyTorch port, of pSp or e4e, or "
    ".safetensors of SMIS) was wanted"
)
_CURES = {
    "empty": "the download was interrupted before it began; get it again",
    "html": (
        "the server sent a page to confirm, to log in or to say that its quota is used up; open "
        "the address in a browser and save the file that it offers"
    ),
    "archive": "unpack it and open the checkpoint inside",
    "picture": "to find the latent code of a picture, open a generator and project the picture",
    "text": "check the path, or get the file again from where it came from",
    "unknown": "check the path, or get the file again from where it came from",
}

# What arithmetic on shapes and settings raises where a file made them up.
_MISFITS = (
    ArithmeticError, AttributeError, IndexError, KeyError, MemoryError, RecursionError,
    RuntimeError, TypeError, ValueError,
)  # fmt: skip
_MISFIT = (
    f"{_WANTED}, but the parts of this file do not fit together: it is damaged or of another "
    "program; get it again from where it came from"
)


_SOURCES: WeakKeyDictionary[nn.Module, tuple[str, int]] = WeakKeyDictionary()
"""What opened a network, and how often its weights had been written to by then. By the network and
not in it: a copy is another network, which may be tuned."""


class CheckpointNote(UserWarning):
    """Says what a file lacked and what was taken in its place."""


def load_generator(
    source: str | os.PathLike[str] | None = None, *, device: str | torch.device = "auto"
) -> AnyGenerator:
    """The generator of any StyleGAN checkpoint, in float32, in eval mode, frozen.

    What the file lacks and had to be made up, as an average latent, is told as a
    `CheckpointNote` warning.

    Args:
        source: a file; a name of the zoo ("ffhq-1024"), which is downloaded once; a bundled
            network ("portraits/generator"); None takes the bundled portraits.
        device: where it goes: "auto", "cpu", "cuda", ….

    Returns:
        A StyleGAN 1, 2 or 3 with `mapping(z, c)` and `synthesis(ws)`.

    Raises:
        FileNotFoundError: neither a file nor a known name.
        UnsafeCheckpointError: the file asks for something that weights do not need; nothing of
            it was run.
        ValueError: the file is no checkpoint, holds no generator, is damaged, or contradicts
            itself.
        OSError: a download failed.
    """
    target = resolve_device(device)
    checkpoint = _load(find(source), target, generator_only=True)
    generator = checkpoint.generator
    if generator is None:
        raise ValueError(f"{checkpoint.path}: {_no_generator(checkpoint)}")
    for note in checkpoint.notes:
        warnings.warn(f"{checkpoint.path.name}: {note}", CheckpointNote, stacklevel=2)
    assert isinstance(generator, AnyGenerator)
    _remember(generator, source)
    return generator


def load_checkpoint(
    source: str | os.PathLike[str] | None = None, *, device: str | torch.device = "auto"
) -> Checkpoint:
    """Everything in a checkpoint: generator, discriminator, encoder, options, notes.

    Args:
        source: as in `load_generator`.
        device: where the networks go.

    Returns:
        A frozen object with a notebook representation; its `notes` say what was made up.

    Raises:
        FileNotFoundError, UnsafeCheckpointError, ValueError, OSError: as in `load_generator`,
            except that a file without a generator is welcome.
    """
    target = resolve_device(device)
    checkpoint = _load(find(source), target, generator_only=False)
    if checkpoint.generator is not None:
        _remember(checkpoint.generator, source)
    return checkpoint


def source_of(network: nn.Module) -> str | None:
    """What `load_generator` takes to get a generator again, as it was given when it was opened.

    Returns:
        A path or a name; None for a generator that came another way, for a copy, and for one whose
        weights were changed since.
    """
    source, written = _SOURCES.get(network, (None, 0))
    return source if written == _written(network) else None


def find(source: str | os.PathLike[str] | None = None) -> Path:
    """The file behind a path, a name of the zoo (downloaded where it is not yet there), a bundled
    name, or None for the bundled portraits.

    Raises:
        FileNotFoundError: neither a file nor a known name.
        OSError: the download failed.
    """
    if source is None:
        return bundled_path(BUNDLED)
    path = Path(source)
    if path.exists() or not isinstance(source, str):
        return path
    if source in zoo_models():
        return fetch(source)
    try:
        return bundled_path(source)
    except FileNotFoundError:
        near = difflib.get_close_matches(source, zoo_models(), n=1)
        raise FileNotFoundError(
            f"{source}: there is neither a file nor a model of this name; check the path, or "
            f"choose one that `smis zoo list` names{f', perhaps {near[0]}' if near else ''}"
        ) from None


def _remember(network: nn.Module, source: str | os.PathLike[str] | None) -> None:
    given = BUNDLED if source is None else os.fspath(source)
    _SOURCES[network] = given, _written(network)


def _written(network: nn.Module) -> int:
    """How often the weights were written to; those made under inference_mode do not count it."""
    weights = chain(network.parameters(), network.buffers())
    return sum(0 if each.is_inference() else each._version for each in weights)


def _load(path: Path, device: torch.device, *, generator_only: bool) -> Checkpoint:
    found = sniff(path)
    if not found.can_hold_weights:
        raise ValueError(
            f"{path}: {_WANTED}, but this is {found.description}: {_CURES[found.kind]}"
        )
    try:
        loaded = _opened(path, found, generator_only)
    except Unfit as problem:
        raise ValueError(f"{path}: {problem}") from None
    card: Mapping[str, Any] = read_card(path) if found.kind == "smis" else {}
    held: dict[str, Any] = {
        name: value.to(device) if isinstance(value, nn.Module) else value
        for name, value in vars(loaded).items()
    }
    return Checkpoint(**held, path=path, card=card, licence=_licence(path, card))


def _opened(path: Path, found: Sniffed, generator_only: bool) -> Loaded:
    if found.kind == "smis":
        return _ours(path)
    if found.kind == "safetensors":
        return _of_content(_safetensors(path), found)
    read = read_torch if found.kind in ("torch-zip", "torch-legacy") else read_pickle
    # Networks in training, optimisers and augmentations would cost as much again.
    chosen = {*_MAIN, *_BESIDE} if generator_only else {*_MAIN, *_BESIDE, *_MORE}
    content = read(path, only=chosen)
    if not _is_there(content):
        content = read(path)
    return _of_content(content, found)


def _is_there(content: Any) -> bool:
    """Whether one of the averaged networks was at its usual place."""
    if isinstance(content, Mapping):
        return any(content.get(name) is not None for name in _MAIN)
    if isinstance(content, list | tuple):
        return any(isinstance(part, TensorFlowNetwork) for part in content)
    return True


def _of_content(content: Any, found: Sniffed) -> Loaded:
    for holds, load in _FORMATS:
        if holds(content):
            try:
                return load(content)
            except Unfit:
                raise
            except _MISFITS as problem:
                raise Unfit(_MISFIT) from problem
    if isinstance(content, Mapping):
        if rosinality.holds_discriminator(content):
            raise Unfit(
                "it holds a discriminator only, which judges pictures and draws none: get the "
                "file with 'g_ema' of the same training"
            )
        keys = ", ".join(plainly(key) for key in [*content][:5])
        raise Unfit(
            f"{_WANTED}, but this is {found.description} with {keys or 'nothing'} in it: it "
            "belongs to another program; look for the file with 'G_ema', 'g_ema' or 'state_dict'"
        )
    raise Unfit(
        f"{_WANTED}, but this is {found.description} that holds a {type(content).__name__}: it "
        "belongs to another program"
    )


def _ours(path: Path) -> Loaded:
    network = load_network(path, device="cpu")
    if isinstance(network, AnyGenerator):
        return Loaded(format="smis", generator=network)
    if isinstance(network, Discriminator | StridedDiscriminator):
        return Loaded(format="smis", discriminator=network)
    if isinstance(network, InversionEncoder) or "Encoder" in type(network).__name__:
        return Loaded(format="smis", encoder=network)
    return Loaded(format="smis", other=network)


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as problem:
        raise Unfit(
            f"it is not a whole safetensors file ({problem}); get it again from where it came from"
        ) from None


def _licence(path: Path, card: Mapping[str, Any]) -> str | None:
    stated = card.get("licence") or card.get("license")
    if isinstance(stated, str):
        return stated
    if path.absolute().is_relative_to(Path(str(files("smis_core"))).absolute()):
        return "MIT"
    entry = entry_of_file(path)
    return entry.licence if entry else None


def _no_generator(checkpoint: Checkpoint) -> str:
    if checkpoint.discriminator is not None:
        return (
            "it holds a discriminator only, which judges pictures and draws none: get the file "
            "with 'G_ema' of the same training"
        )
    if checkpoint.encoder is not None:
        return (
            f"it holds an encoder ({checkpoint.network}), where a generator was wanted: open it "
            "with load_checkpoint(…).encoder, and the generator that it was trained for here"
        )
    return (
        f"a generator was wanted, but it holds a {checkpoint.network}: choose the generator's file"
    )
