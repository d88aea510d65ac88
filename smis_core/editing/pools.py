"""What one looks through in search of the one: any number of latents, made when they are looked at.

A pool gives the same latent for the same number each time, so that a wall can forget a picture and
draw it again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from ..latents import WPlus, check_seeds, sample_z, truncate
from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .distribution import one_hot
from .draw import resolve
from .edit import Edit
from .identity import Identity, check_same_space, identify
from .search import between, neighbours
from .seeds import LARGEST_SEED
from .state import EditState, Found, Seeded, Source

_CHUNK = 32
"""Neighbours are made so many at a time: each time costs as much as the mean of W does."""
_CHUNKS_HELD = 64


class Pool(ABC):
    """Latents by number.

    Args:
        generator: whose W+ it is.
        size: how many there are; None: as many as one likes.
        identity: the generator's, where it is known already.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        size: int | None = None,
        *,
        identity: Identity | None = None,
    ) -> None:
        self.generator = generator
        self.size = size
        self.identity = identity or identify(generator)

    @abstractmethod
    def latents(self, numbers: Sequence[int]) -> WPlus:
        """The latents `[N, L, w]` of some numbers, as they are drawn, on the generator's device."""

    @abstractmethod
    def state(self, number: int) -> EditState:
        """What opens in the sliders."""

    def _state(self, source: Source, edit: Edit | None = None) -> EditState:
        edit = edit or Edit.neutral(self.generator.num_ws)
        return EditState(generator=self.identity, a=source, edit=edit)


class SeedPool(Pool):
    """Consecutive seeds.

    Args:
        generator: of any family.
        first: the seed of number 0.
        label: the class, where the generator has classes.
        psi: truncation, 1 keeps the latents as they are.
        identity: see `Pool`.

    Raises:
        ValueError: no seed, a class that is missing or unknown, or a psi beyond 0 to 2.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        *,
        first: int = 0,
        label: int | None = None,
        psi: float = 1.0,
        identity: Identity | None = None,
    ) -> None:
        (self.first,) = check_seeds([first])
        if not 0 <= psi <= 2:
            raise ValueError(f"psi: wanted a number from 0 to 2, got {psi}")
        one_hot(generator, label, 1)
        super().__init__(generator, LARGEST_SEED - self.first + 1, identity=identity)
        self.label, self.psi = label, psi

    @torch.no_grad()
    def latents(self, numbers: Sequence[int]) -> WPlus:
        """See `Pool.latents`."""
        mapping, config = self.generator.mapping, self.generator.config
        z = sample_z([self.first + number for number in numbers], config.z_dim).tensor
        c = one_hot(self.generator, self.label, len(z))
        wplus = WPlus(mapping(z.to(mapping.w_avg.device), c))
        return wplus if self.psi == 1 else truncate(wplus, mapping.w_avg, self.psi)

    def state(self, number: int) -> EditState:
        """See `Pool.state`."""
        edit = Edit.neutral(self.generator.num_ws).changed(psi=self.psi)
        return self._state(Seeded(self.first + number, label=self.label), edit)


class StatePool(Pool):
    """Some states, such as favourites.

    Raises:
        ValueError: none, or one of another generator's W+; a tuned copy's is taken.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        states: Sequence[EditState],
        *,
        identity: Identity | None = None,
    ) -> None:
        super().__init__(generator, len(states), identity=identity)
        if not states:
            raise ValueError("states: wanted at least one, got none")
        for state in states:
            check_same_space("the state", state.generator, self.identity)
        self.states = tuple(states)

    @torch.no_grad()
    def latents(self, numbers: Sequence[int]) -> WPlus:
        """See `Pool.latents`."""
        each = [resolve(self.generator, self.states[number]).wplus.tensor for number in numbers]
        return WPlus(torch.cat(each))

    def state(self, number: int) -> EditState:
        """See `Pool.state`."""
        return self.states[number]


class LikePool(Pool):
    """The one at number 0, and others like it, see `neighbours`.

    Args:
        generator: of any family.
        one: whom the others are like.
        rows: of W+ in which they differ; None is all.
        radius: how much, from 0 to 1.
        name: what they are called, each with its number behind it.
        label: the class of the fresh samples, where the generator has classes.
        psi: truncation of the fresh samples.
        identity: see `Pool`.

    Raises:
        ValueError: a state of another generator's W+; as `neighbours`, or as `resolve`.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        one: EditState,
        *,
        rows: Iterable[int] | None = None,
        radius: float = 0.4,
        name: str = "like it",
        label: int | None = None,
        psi: float = 1.0,
        identity: Identity | None = None,
    ) -> None:
        super().__init__(generator, LARGEST_SEED - 2 * _CHUNK, identity=identity)
        check_same_space("the state", one.generator, self.identity)
        self.one = one
        self._wplus = resolve(generator, one).wplus
        self._rows = None if rows is None else tuple(rows)
        self._radius, self._name, self._label, self._psi = radius, name, label, psi
        self._chunks: dict[int, Tensor] = {}
        self._chunk(0)  # refuses what it cannot do before anything is shown

    def latents(self, numbers: Sequence[int]) -> WPlus:
        """See `Pool.latents`."""
        each = [
            self._wplus.tensor[0]
            if number == 0
            else self._chunk((number - 1) // _CHUNK)[(number - 1) % _CHUNK]
            for number in numbers
        ]
        return WPlus(torch.stack(each))

    def state(self, number: int) -> EditState:
        """See `Pool.state`."""
        if number == 0:
            return self.one
        return self._state(Found(self.latents([number]), name=f"{self._name} {number}"))

    def _chunk(self, place: int) -> Tensor:
        if place not in self._chunks:
            while len(self._chunks) >= _CHUNKS_HELD:
                self._chunks.pop(next(iter(self._chunks)))
            self._chunks[place] = neighbours(
                self.generator, self._wplus, count=_CHUNK, rows=self._rows, radius=self._radius,
                seed=place * _CHUNK, label=self._label, psi=self._psi,
            ).tensor  # fmt: skip
        return self._chunks[place]


class BetweenPool(Pool):
    """Some states, and what lies between them, see `between`: of two the way from one to the other
    in order, of more first themselves.

    Args:
        generator: of any family.
        ends: at least two.
        count: how many between them.
        name: what these are called, each with its number behind it.
        identity: see `Pool`.

    Raises:
        ValueError: a state of another generator's W+; as `between` and `resolve`.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        ends: Sequence[EditState],
        *,
        count: int = 22,
        name: str = "between",
        identity: Identity | None = None,
    ) -> None:
        super().__init__(generator, len(ends) + count, identity=identity)
        if not ends:
            raise ValueError("ends: wanted at least two, got none")
        for state in ends:
            check_same_space("the state", state.generator, self.identity)
        codes = torch.cat([resolve(generator, state).wplus.tensor for state in ends])
        found = between(WPlus(codes), count=count).tensor
        middle = [
            self._state(Found(WPlus(each[None]), name=f"{name} {place + 1}"))
            for place, each in enumerate(found)
        ]
        if len(ends) == 2:
            self._codes = torch.cat([codes[:1], found, codes[1:]])
            self._states = [ends[0], *middle, ends[1]]
        else:
            self._codes = torch.cat([codes, found])
            self._states = [*ends, *middle]

    def latents(self, numbers: Sequence[int]) -> WPlus:
        """See `Pool.latents`."""
        return WPlus(self._codes[list(numbers)])

    def state(self, number: int) -> EditState:
        """See `Pool.state`."""
        return self._states[number]


def positions(directions: Directions, wplus: WPlus) -> dict[str, Tensor]:
    """Where latents lie, `[N]` each: in steps along a direction, in turns from -0.5 to 0.5 on a
    circle (whose two directions are not named by themselves).

    Raises:
        ValueError: latents of another shape.
    """
    read = directions.read(wplus)
    circling = {name for pair in directions.circles.values() for name in pair}
    found = {
        name: read[:, index] for index, name in enumerate(directions.names) if name not in circling
    }
    for circle in directions.circles:
        x, y = directions.around(circle, read).unbind(dim=1)
        found[circle] = torch.atan2(y, x) / (2 * math.pi)
    return found


class Sieve:
    """Those of a pool that lie in some ranges, found as they are asked for.

    Args:
        pool: which.
        directions: whose `positions` are meant; needed where there are ranges.
        ranges: lowest and highest position by name; infinite for no limit. On a circle the lowest
            may lie above the highest: the range leads through half a turn then.
        limit: numbers of the pool that are looked at, at most.

    Raises:
        ValueError: a range that is none, or a name that is not among the positions.
    """

    def __init__(
        self,
        pool: Pool,
        directions: Directions | None = None,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        *,
        limit: int = 20_000,
    ) -> None:
        self.pool = pool
        self.found: list[int] = []
        self.looked = 0
        self._directions = directions
        self._ranges = dict(ranges or {})
        size = pool.size if pool.size is not None else limit
        # Without ranges everything passes, and nothing has to be looked at.
        self._limit = min(size, limit) if self._ranges else size
        if self._ranges and directions is None:
            raise ValueError("directions: there are ranges, but nothing to measure with")
        circles = () if directions is None else directions.circles
        known = set() if directions is None else {*directions.names, *circles}
        for name, (low, high) in self._ranges.items():
            if name not in known:
                raise ValueError(f"ranges: no direction or circle is called {name!r}")
            if not (low <= high or (name in circles and low > high)):
                raise ValueError(
                    f"ranges: wanted lowest and highest of {name!r}, got {low} and {high}"
                )

    @property
    def size(self) -> int | None:
        """How many there are in the end; None while that is not known."""
        if not self._ranges:
            return self.pool.size
        return len(self.found) if self.looked >= self._limit else None

    def number(self, place: int) -> int | None:
        """The pool's number at a place; None where it has not been found yet."""
        if not self._ranges:
            return place if place < self._limit else None
        return self.found[place] if place < len(self.found) else None

    def look(self, count: int = 256) -> None:
        """Look at some more of the pool."""
        numbers = range(self.looked, min(self.looked + count, self._limit))
        if not self._ranges or not numbers:
            return
        assert self._directions is not None
        read = positions(self._directions, self.pool.latents(numbers))
        inside = torch.ones(len(numbers), dtype=torch.bool)
        for name, (low, high) in self._ranges.items():
            above, below = read[name] >= low, read[name] <= high
            inside &= above & below if low <= high else above | below
        self.found += [numbers[int(place)] for place in inside.nonzero()[:, 0]]
        self.looked = numbers[-1] + 1
