"""Which implementation of an op runs."""

from typing import Literal, get_args

Impl = Literal["auto", "reference", "native"]


def check_impl(impl: Impl) -> None:
    """Refuse an implementation that does not exist."""
    if impl not in get_args(Impl):
        raise ValueError(
            f"impl must be one of {get_args(Impl)}, but is {impl!r}; 'auto' always works"
        )
