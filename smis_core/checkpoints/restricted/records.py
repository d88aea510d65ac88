"""What NVIDIA's files hold besides tensors, arrays and plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class PersistentObject:
    """A network, or a part of one, of NVIDIA's PyTorch files. Its source code was not read."""

    class_name: str
    """The name of its class, e.g. "Generator"; an identifier."""

    state: dict[str, Any]
    """Its attributes; `_parameters`, `_buffers` and `_modules` are dicts by name."""


@dataclass(frozen=True)
class TensorFlowNetwork:
    """A network of NVIDIA's TensorFlow files. Its source code was not read."""

    name: str
    """As it was called in its graph, e.g. "Gs"."""

    version: int
    """Of the file's layout: 3 for StyleGAN, 4 for StyleGAN2, 5 for StyleGAN2-ADA."""

    static_kwargs: dict[str, Any]
    """The arguments that it was built with."""

    components: dict[str, TensorFlowNetwork]
    """Its parts: "mapping" and "synthesis", where it has any."""

    variables: dict[str, NDArray[Any]]
    """Its own variables by name, in TensorFlow's layouts; numbers have no dimensions."""

    build_func_name: str
    """The name of the function that built it, e.g. "G_main"."""
