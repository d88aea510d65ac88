"""Torch's storages and the tensors that look into them, checked before any memory is taken."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .arrays import checked_sizes, checked_steps
from .source import Source, Span
from .stubs import Stub

_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Storage:
    """Numbers of one dtype in a row. Where they lie is set when it is known."""

    def __init__(self, dtype: torch.dtype, count: int) -> None:
        self.dtype = dtype
        self.count = count
        self.span: Span | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.count * self.dtype.itemsize

    def place(self, source: Source, span: Span, what: str) -> None:
        if span.size != self.size:
            raise source.damaged(f"{what} wants {self.size:,} bytes, but {span.size:,} are there")
        self.span = span

    def value(self, source: Source) -> Tensor:  # [count]
        """The numbers; tensors of one storage share them."""
        if self.span is None:
            raise source.damaged("the numbers of a tensor are missing")
        return self.span.tensor().view(self.dtype)


class View:
    """A tensor as a look into a storage, within its bounds."""

    def __init__(self, storage: Storage, offset: int, sizes: tuple[int, ...], strides: Any) -> None:
        self._parts = (storage, offset, sizes, strides)

    def value(self, source: Source) -> Tensor:
        storage, offset, sizes, strides = self._parts
        return torch.as_strided(storage.value(source), sizes, strides, offset)


def storage_of(source: Source, kind: Any, count: Any) -> Storage:
    """A storage from the class that a file names and the number of its elements."""
    stub = getattr(kind, "stub", None)
    if not isinstance(stub, Stub) or not isinstance(stub.value, torch.dtype):
        raise source.refused("a storage of an unknown class")
    if type(count) is not int or not 0 <= count < 2**47:
        raise source.damaged("a storage has no size")
    return Storage(stub.value, count)


def _rebuild_tensor(source: Source, arguments: tuple[Any, ...]) -> View:
    if len(arguments) < 4 or type(arguments[0]) is not Storage:
        raise source.refused("a tensor without a storage")
    storage, offset = arguments[:2]
    sizes = checked_sizes(source, arguments[2], "a tensor")
    strides = checked_steps(source, arguments[3], "the strides of a tensor")
    if type(offset) is not int or not 0 <= offset <= storage.count or len(sizes) != len(strides):
        raise source.damaged("a tensor begins outside its storage or has strides of another length")
    elements = 1
    for size in sizes:
        elements *= size
    last = offset + sum((size - 1) * step for size, step in zip(sizes, strides, strict=True))
    if elements and (last >= storage.count or elements > storage.count):
        raise source.damaged(
            f"a tensor of {list(sizes)} wants {max(last + 1, elements):,} numbers, but its storage "
            f"holds {storage.count:,}"
        )
    return View(storage, offset, sizes, strides)


def _rebuild_tensor_v2(source: Source, arguments: tuple[Any, ...]) -> View:
    if len(arguments) not in (6, 7) or (len(arguments) == 7 and arguments[6]):
        raise source.refused("a tensor with more than numbers, a shape and strides")
    if arguments[5]:
        raise source.refused("a tensor with hooks is not something that weights need")
    return _rebuild_tensor(source, arguments[:4])


def _rebuild_parameter(source: Source, arguments: tuple[Any, ...]) -> View:
    if len(arguments) != 3 or type(arguments[0]) is not View:
        raise source.refused("a parameter that is not of a tensor")
    if arguments[2]:
        raise source.refused("a parameter with hooks is not something that weights need")
    view: View = arguments[0]
    return view


def _size(source: Source, arguments: tuple[Any, ...]) -> tuple[int, ...]:
    if len(arguments) != 1:
        raise source.refused("a torch.Size of no tuple")
    return checked_sizes(source, arguments[0], "a torch.Size")


def _device(source: Source, arguments: tuple[Any, ...]) -> str:
    kind, index = (*arguments, None, None)[:2]
    plain = type(kind) is str and kind.isidentifier() and kind.isascii() and len(kind) < 20
    if not plain or not (index is None or (type(index) is int and 0 <= index < 1024)):
        raise source.refused("a torch.device that is none")
    return str(kind) if index is None else f"{kind}:{index}"


STORAGES = {
    **{
        f"{module}.{name}": Stub(value=dtype)
        for module in ("torch", "torch.cuda")
        for name, dtype in _STORAGES.items()
    },
    "torch.storage.UntypedStorage": Stub(value=torch.uint8),
}
"""The classes of storages, which are named and never called."""

TENSORS = {
    "torch._utils._rebuild_tensor": Stub(_rebuild_tensor),
    "torch._utils._rebuild_tensor_v2": Stub(_rebuild_tensor_v2),
    "torch._utils._rebuild_parameter": Stub(_rebuild_parameter),
    "torch.Size": Stub(_size),
    "torch.device": Stub(_device),
    **{
        f"torch.{name}": Stub(value=f"torch.{name}")
        for name in (
            "float16", "bfloat16", "float32", "float64", "uint8", "int8", "int16", "int32",
            "int64", "bool",
        )
    },
}  # fmt: skip
"""What may be named of torch besides storages; dtypes and devices become text."""
