"""Our checkpoint format: one safetensors file that says what network it holds and where it is from.

The metadata of the file carry the kind of the network, its configuration and a model card, each
as JSON. Opening a file runs nothing that came in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..devices import resolve_device
from ..images import check_writable
from ..networks.configs import DiscriminatorConfig, GeneratorConfig, StridedConfig
from ..networks.discriminator import Discriminator
from ..networks.strided import StridedDiscriminator
from ..networks.stylegan2 import Generator
from .restricted.errors import shown
from .untouched import Untouched

FORMAT = "smis-1"
_AGAIN = "get the file again from where it came from"


class Config(Protocol):
    """What `register_kind` wants of a configuration: a way to plain values."""

    def to_dict(self) -> dict[str, Any]: ...


class ConfigType(Protocol):
    """What `register_kind` wants of the class of a configuration: the way back."""

    def from_dict(self, values: Mapping[str, Any], /) -> Any: ...


class _Kind(NamedTuple):
    network: type[nn.Module]
    config: ConfigType


_KINDS: dict[str, _Kind] = {}


def register_kind(name: str, network: type[nn.Module], config: ConfigType) -> None:
    """Make networks of a class known to `save_network` and `load_network`.

    Args:
        name: what the files call it, e.g. "stylegan2-generator".
        network: built as `network(config)`; keeps its configuration as `.config`.
        config: the configuration's class, with `to_dict` and `from_dict`.
    """
    _KINDS[name] = _Kind(network, config)


register_kind("stylegan2-generator", Generator, GeneratorConfig)
register_kind("stylegan2-discriminator", Discriminator, DiscriminatorConfig)
register_kind("strided-discriminator", StridedDiscriminator, StridedConfig)


def save_network(
    path: str | os.PathLike[str],
    network: nn.Module,
    *,
    card: Mapping[str, Any] | None = None,
    half: bool = False,
) -> None:
    """Write a network, replacing what was there in one step.

    Args:
        path: the file, by convention ending in `.safetensors`.
        network: of a registered class, with its configuration as `.config`.
        card: what to say of it, as plain values: data, command, figures, ….
        half: store float16, which halves the file and keeps about three digits.

    Raises:
        TypeError: a network of no registered class.
        ValueError: the place cannot be written.
    """
    name = next((n for n, kind in _KINDS.items() if type(network) is kind.network), None)
    if name is None:
        raise TypeError(
            f"a network of one of {', '.join(sorted(_KINDS))} is wanted, but came "
            f"{type(network).__name__}; introduce its class with register_kind"
        )
    path = Path(path)
    check_writable(path)
    config: Config = network.config  # type: ignore[assignment]
    metadata = {
        "format": FORMAT,
        "kind": name,
        "config": json.dumps(config.to_dict()),
        "card": json.dumps(dict(card or {})),
    }
    tensors = {}
    for key, value in network.state_dict().items():
        value = value.detach().cpu()
        if half and value.is_floating_point():
            value = value.half()
        # safetensors refuses shared and channels-last storage.
        tensors[key] = value.contiguous().clone()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(tensors, partial, metadata=metadata)
        partial.chmod(0o644)  # safetensors writes files that only their owner reads
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_network(path: str | os.PathLike[str], *, device: str | torch.device = "auto") -> nn.Module:
    """The network that `save_network` wrote, in float32, ready for use: eval mode, frozen.

    Args:
        path: the file.
        device: where it goes.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a file of ours, truncated, of an unknown kind, or tensors that do not fit
            the configuration.
    """
    target = resolve_device(device)
    metadata, tensors = _read(path)
    kind = _KINDS.get(metadata["kind"])
    if kind is None:
        raise ValueError(
            f"{path} holds a network of kind '{shown(metadata['kind'])}', but known are "
            f"{', '.join(sorted(_KINDS))}: import the package that defines it first, such as "
            "smis_core.fewshot, smis_core.inversion or smis_core.evaluation"
        )
    network = _described(path, kind, metadata["config"], len(tensors))
    built = network.state_dict()
    wanted = {key: tuple(value.shape) for key, value in built.items()}
    came = {key: tuple(value.shape) for key, value in tensors.items()}
    if wanted != came:
        wrong = sorted(
            key for key in wanted.keys() | came.keys() if wanted.get(key) != came.get(key)
        )
        first = wrong[0]
        raise ValueError(
            f"{path} does not hold the network that its configuration describes: {len(wrong)} "
            f"tensors differ, first {first!r} (wanted {wanted.get(first)}, came "
            f"{came.get(first)}); get the file again from where it came from"
        )
    for key, value in built.items():
        if value.is_floating_point() != tensors[key].is_floating_point():
            raise ValueError(f"{path} holds {key} as {tensors[key].dtype}; {_AGAIN}")
        if tensors[key].dtype == torch.float16 and not is_finite(tensors[key]):
            raise ValueError(
                f"{path} holds infinities or NaN in {key} (half precision): what was saved was too "
                f"large for it; save the network again without `half`"
            )
    network.load_state_dict({key: _widened(value) for key, value in tensors.items()}, assign=True)
    return network.to(target).eval().requires_grad_(False)


def _described(path: str | os.PathLike[str], kind: _Kind, text: str, tensors: int) -> nn.Module:
    """The network of a configuration, which a damaged or hostile file may have made up: of no more
    layers than the file has tensors, and without memory for its weights."""
    try:
        values = json.loads(text)
        config = kind.config.from_dict(values)
        largest = max((v for k, v in values.items() if k.endswith("layers")), default=0)
        if largest > tensors:
            raise ValueError(f"{largest:,} layers, but {tensors} tensors")
        if values.get("resolution", 0) > 2**14:
            raise ValueError("pictures of more than 16,384 pixels a side")
        with Untouched():
            network: nn.Module = kind.network(config)
    except (ArithmeticError, AttributeError, KeyError, MemoryError, RuntimeError,
            TypeError, ValueError) as problem:  # fmt: skip
        raise ValueError(
            f"{path} has a configuration that makes no network ({problem}); get the file again "
            f"from where it came from"
        ) from None
    return network


def _widened(value: Tensor) -> Tensor:
    """float32; elsewhere than on Windows, where a mapped file could not be replaced, what is
    float32 in the file stays there until it is used."""
    dtype = torch.float32 if value.is_floating_point() else value.dtype
    return value.to(dtype, copy=os.name == "nt")


def is_finite(value: Tensor) -> bool:
    """Whether no number is infinite or NaN."""
    # A sum needs no mask the size of the weights; that of halves is taken in float32, and one
    # that overflowed by itself is taken again in float64.
    return any(
        bool(torch.isfinite(value.sum(dtype=dtype))) for dtype in (torch.float32, torch.float64)
    )


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The model card in a file of ours, without reading the weights.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a file of ours.
    """
    with _opened(path) as file:
        text = _metadata(path, file.metadata())["card"]
    try:
        card = json.loads(text)
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise ValueError(f"{path} has a model card that is none; {_AGAIN}")
    return card


def fingerprint(network: str | os.PathLike[str] | nn.Module) -> str:
    """SHA-256 over names, shapes and values of the weights, as 64 hexadecimal digits.

    Values are compared in float32, so that a file stored in float16 and the network loaded from
    it have the same fingerprint.
    """
    tensors = network.state_dict() if isinstance(network, nn.Module) else _read(network)[1]
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu()
        value = value.float() if value.is_floating_point() else value
        digest.update(f"{name} {[*value.shape]}".encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _opened(path: str | os.PathLike[str]) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(f"no weights at {path}: check the path, or save a network there")
    try:
        return safe_open(path, framework="pt")
    except SafetensorError as problem:
        raise ValueError(
            f"{path} is not a whole safetensors file ({problem}): it was cut off or is of another "
            f"format; get it again from where it came from"
        ) from None


def _metadata(
    path: str | os.PathLike[str], metadata: Mapping[str, str] | None
) -> Mapping[str, str]:
    if metadata is None or metadata.get("format") != FORMAT:
        found = shown((metadata or {}).get("format", "none"))
        raise ValueError(
            f"{path} has the format {found}, but {FORMAT} is wanted: it is of another program, or "
            f"of a newer SMIS: update"
        )
    if lacking := [name for name in ("kind", "config", "card") if name not in metadata]:
        raise ValueError(f"{path} lacks {lacking[0]} in its metadata; {_AGAIN}")
    return metadata


def _read(path: str | os.PathLike[str]) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    with _opened(path) as file:
        metadata = _metadata(path, file.metadata())
        return metadata, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
