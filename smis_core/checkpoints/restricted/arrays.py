"""NumPy's arrays, scalars and dtypes, put together from their description and bytes by us."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import shown
from .source import Source, Span
from .stubs import Buildable, Stub

_KIND = re.compile(r"([<>|=]?)(?:([biu])([1248])|(f)([248])|([SU])([1-9][0-9]{0,5}))")


class DType(Buildable):
    """A dtype of numbers, truth values or plain text; BUILD brings its byte order."""

    def __init__(self, kind: str, order: str) -> None:
        self._kind = kind
        self._order = order
        self._built = False

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self._order + self._kind)

    def build(self, source: Source, state: Any) -> None:
        # Version, byte order, subarray, field names, fields, then size, alignment and flags,
        # which are -1 or already said by the kind.
        if self._built or type(state) is not tuple or not 5 <= len(state) <= 8:
            raise source.refused("a numpy dtype with an unknown state")
        if any(part is not None for part in state[2:5]):
            raise source.refused("a numpy dtype with fields is not something that weights need")
        order = state[1]
        if type(order) is not str or order not in ("<", ">", "|", "="):
            raise source.damaged("a numpy dtype has no byte order")
        self._order = order
        self._built = True


class Array(Buildable):
    """An array before and after its state was set."""

    def __init__(self) -> None:
        self._parts: tuple[Span, DType, tuple[int, ...], str] | None = None
        self._value: NDArray[Any] | None = None

    def build(self, source: Source, state: Any) -> None:
        if self._parts is not None or type(state) is not tuple or len(state) not in (4, 5):
            raise source.refused("a numpy array with an unknown state")
        shape, dtype, fortran, content = state[-4:]
        if type(content) is list:
            raise source.refused("a numpy array of Python objects")
        if type(fortran) not in (bool, int):
            raise source.damaged("a numpy array has no order of its axes")
        self.describe(source, content, dtype, shape, "F" if fortran else "C")

    def describe(self, source: Source, content: Any, dtype: Any, shape: Any, order: str) -> Array:
        if type(dtype) is not DType:
            raise source.damaged("a numpy array has no dtype")
        span = as_span(source, content)
        sizes = checked_sizes(source, shape, "a numpy array")
        wanted = math.prod(sizes) * dtype.dtype.itemsize
        if wanted != span.size:
            raise source.damaged(
                f"a numpy array of {list(sizes)} {dtype.dtype} wants {wanted:,} bytes, but "
                f"{span.size:,} came"
            )
        self._parts = (span, dtype, sizes, order)
        return self

    def value(self, source: Source) -> NDArray[Any]:
        if self._parts is None:
            raise source.damaged("a numpy array never got its content")
        if self._value is None:
            span, described, shape, order = self._parts
            self._value = _as_array(source, span, described.dtype, shape, order)
        return self._value


class Scalar:
    """One number or text with a dtype."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def value(self, source: Source) -> np.generic:
        array: Any = self._array.value(source)
        scalar: np.generic = array[()]
        return scalar


def as_span(source: Source, content: Any) -> Span:
    """Bytes as bytes: what Python 2 wrote as ASCII text comes back as such."""
    if type(content) is Span and not content.text:
        return content
    if type(content) is str and content.isascii():
        return made_span(source, content.encode("ascii"))
    raise source.damaged(f"bytes are wanted, but a {type(content).__name__} came")


def made_span(source: Source, content: bytes) -> Span:
    """A span over bytes that are in no file as they are."""
    return Span(source.within(content), 0, len(content))


def checked_sizes(source: Source, sizes: Any, what: str) -> tuple[int, ...]:
    """A shape of few, not negative whole numbers whose product stays sane."""
    shape = checked_steps(source, sizes, what)
    if math.prod(size for size in shape if size) >= 2**47:
        raise source.refused(f"{what} of the shape {shown(str(list(shape)))}")
    return shape


def checked_steps(source: Source, sizes: Any, what: str) -> tuple[int, ...]:
    """A shape or strides: few whole numbers, not negative and not beyond any file."""
    if type(sizes) is not tuple or any(type(size) is not int for size in sizes):
        raise source.damaged(f"the shape of {what} is no tuple of whole numbers")
    if len(sizes) > source.limits.dimensions:
        raise source.refused(f"{what} of {len(sizes)} dimensions")
    if any(size < 0 for size in sizes):
        raise source.damaged(f"{what} has a negative size in {shown(str(list(sizes)))}")
    if any(size >= 2**47 for size in sizes):
        raise source.refused(f"{what} of the shape {shown(str(list(sizes)))}")
    return sizes


def _as_array(
    source: Source, span: Span, dtype: np.dtype[Any], shape: tuple[int, ...], order: str
) -> NDArray[Any]:
    flat = span.tensor().numpy().view(dtype)
    if not flat.dtype.isnative:
        span = made_span(source, flat.byteswap().tobytes())
        flat = span.tensor().numpy().view(dtype.newbyteorder("="))
    if dtype.kind == "U" and (flat.view(np.uint32) > 0x10FFFF).any():
        raise source.damaged("a numpy text holds what is no letter")
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _dtype(source: Source, arguments: tuple[Any, ...]) -> DType:
    kind = arguments[0] if arguments else None
    if type(kind) is not str or len(arguments) > 3:
        raise source.refused("a numpy dtype that is not described by its code")
    match = _KIND.fullmatch(kind)
    if match is None or kind in ("b2", "b4", "b8"):
        raise source.refused(f"the numpy dtype {shown(kind)!r} is not something that weights need")
    order, *parts = match.groups()
    code = "".join(part for part in parts if part)
    return DType(code, order or "=")


def _reconstruct(source: Source, arguments: tuple[Any, ...]) -> Array:
    kind = arguments[0] if len(arguments) == 3 else None
    if getattr(kind, "name", None) != "numpy.ndarray":
        raise source.refused("a numpy array of an unknown class")
    return Array()


def _scalar(source: Source, arguments: tuple[Any, ...]) -> Scalar:
    if len(arguments) != 2:
        raise source.refused("a numpy scalar without its bytes")
    dtype, content = arguments
    return Scalar(Array().describe(source, content, dtype, (), "C"))


def _frombuffer(source: Source, arguments: tuple[Any, ...]) -> Array:
    if len(arguments) != 4 or arguments[3] not in ("C", "F"):
        raise source.refused("a numpy array from a buffer without dtype, shape and order")
    content, dtype, shape, order = arguments
    return Array().describe(source, content, dtype, shape, order)


ARRAYS = {
    "numpy.dtype": Stub(_dtype),
    "numpy.ndarray": Stub(),
    **{
        f"numpy.{core}.{name}": Stub(call)
        for core in ("core", "_core")
        for name, call in [
            ("multiarray._reconstruct", _reconstruct),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _frombuffer),
        ]
    },
}
"""What may be named of numpy, under the names of its first and its second version."""
