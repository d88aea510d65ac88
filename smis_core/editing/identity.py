"""Which generator a latent, a direction or a saved picture belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..checkpoints import fingerprint
from ..networks.generator_base import GeneratorBase

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A generator by its weights and the shape of its W+. Raises ValueError for what is none."""

    network: str
    """SHA-256 over all weights, as `smis_core.checkpoints.fingerprint` gives it"""
    mapping: str
    """the same of the mapping network alone, which defines W"""
    num_ws: int
    """rows of W+"""
    w_dim: int
    """width of a row"""

    def __post_init__(self) -> None:
        for name in ("network", "mapping"):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) != 64 or set(value) - _HEX:
                raise ValueError(f"{name}: wanted 64 hexadecimal digits, got {value!r:.40}")
        for name in ("num_ws", "w_dim"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= 8192:
                raise ValueError(f"{name}: wanted a whole number from 1 to 8192, got {value!r:.40}")

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Identity:
        """The inverse of `to_dict`.

        Raises:
            ValueError: a field is missing, unknown or refused.
        """
        try:
            return cls(**values)
        except TypeError as problem:
            raise ValueError(f"wanted the identity of a generator, got {[*values]}") from problem


def identify(generator: GeneratorBase | Identity) -> Identity:
    """What tells a generator from others; an identity is returned as it is.

    It hashes the weights: milliseconds for the bundled generator, most of a second for a large
    one. What is asked for often should be kept.
    """
    if isinstance(generator, Identity):
        return generator
    return Identity(
        network=fingerprint(generator),
        mapping=fingerprint(generator.mapping),
        num_ws=generator.num_ws,
        w_dim=generator.config.w_dim,
    )


def check_same_space(what: str, made_for: Identity, generator: Identity) -> None:
    """Refuse what was made for another W+.

    A copy that was tuned to one picture (Roich et al. 2021) keeps its mapping network, so that
    directions still mean there what they meant.

    Raises:
        ValueError: the generator has another mapping network or other rows.
    """
    if (made_for.num_ws, made_for.w_dim) != (generator.num_ws, generator.w_dim):
        raise ValueError(
            f"{what} was made for a generator whose W+ has {made_for.num_ws} rows of "
            f"{made_for.w_dim}, but this one has {generator.num_ws} rows of {generator.w_dim}: "
            f"open the generator {made_for.network[:12]}…, or compute it anew for this one"
        )
    if made_for.mapping != generator.mapping:
        raise ValueError(
            f"{what} was made for the generator {made_for.network[:12]}…, but this is "
            f"{generator.network[:12]}…, whose mapping network is another, so that the same "
            "numbers mean something else there: open that generator, or compute it anew for this "
            "one"
        )
