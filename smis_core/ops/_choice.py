"""Which implementation of an op runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, get_args

Impl = Literal["auto", "reference", "native"]


def check_impl(impl: Impl) -> None:
    """Refuse an implementation that does not exist."""
    if impl not in get_args(Impl):
        raise ValueError(
            f"impl must be one of {get_args(Impl)}, but is {impl!r}; 'auto' always works"
        )


_preferred: ContextVar[Impl] = ContextVar("preferred", default="auto")


@contextmanager
def preferring(impl: Impl) -> Iterator[None]:
    """What "auto" means within, in this thread: to compare implementations of whole networks.

    Args:
        impl: "auto", "reference" or "native", as the ops take it.

    Raises:
        ValueError: an implementation that does not exist.
    """
    check_impl(impl)
    token = _preferred.set(impl)
    try:
        yield
    finally:
        _preferred.reset(token)


def chosen(impl: Impl) -> Impl:
    """The implementation that is meant, with `preferring` considered."""
    check_impl(impl)
    return _preferred.get() if impl == "auto" else impl
