"""Style mixing as a grid that opens in the sliders, and what can stand at its edges."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import torch

from ..latents import W, WPlus
from ..networks.generator_base import GeneratorBase
from .draw import check_state, resolve
from .edit import Edit
from .identity import Identity
from .png import extract
from .pools import Pool
from .rows import chosen_rows
from .seeds import split_seed
from .state import EditState, Found, Seeded, Source

Readable: TypeAlias = int | str | Seeded | Found | WPlus | W | EditState | os.PathLike[str] | bytes
"""A seed, a source, a latent, a state, or a PNG (path or bytes) that a state was saved in."""


def read_source(generator: GeneratorBase, what: Readable, *, label: int | None = None) -> Source:
    """What some sign for a picture of a generator stands for.

    Args:
        generator: whose picture.
        what: see `Readable`.
        label: the class of seeds, where the generator has classes.

    Returns:
        A source. An edited state becomes the latent that its edit leads to.

    Raises:
        ValueError: no seed, several latents or some of another shape, a picture without a state or
            with that of another generator.
        TypeError: something else.
    """
    if isinstance(what, os.PathLike | bytes):
        what = extract(what)
    if isinstance(what, EditState):
        check_state(generator, what)
        if what.edit.is_neutral:
            return what.a
        found = resolve(generator, what)
        name = str(what.a.seed) if isinstance(what.a, Seeded) else what.a.name
        return Found(found.wplus, found.noise, name)
    if isinstance(what, W):
        what = what.broadcast(generator.num_ws)
    if isinstance(what, WPlus):
        what = Found(what)
    if isinstance(what, Found):
        shape = (1, generator.num_ws, generator.config.w_dim)
        if tuple(what.wplus.tensor.shape) != shape:
            raise ValueError(
                f"{what.name!r:.60}: wanted a latent {[*shape]} for this generator, got "
                f"{[*what.wplus.tensor.shape]}"
            )
        return what
    if isinstance(what, Seeded):
        return what
    if isinstance(what, int | str):
        return Seeded(*split_seed(what), label=label)
    raise TypeError(f"wanted a seed, a latent, a state or a saved picture, got {type(what)}")


class MixPool(Pool):
    """Every source of one set with some rows of every source of another, row by row of the grid.

    Args:
        generator: of any family.
        down: what the grid's rows begin with.
        across: what its columns bring.
        rows: of W+ that come from `across`.
        psi: truncation of all.
        identity: see `Pool`.

    Raises:
        ValueError: no sources on a side, or rows that there are not.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        down: Sequence[Source],
        across: Sequence[Source],
        *,
        rows: Iterable[int],
        psi: float = 1.0,
        identity: Identity | None = None,
    ) -> None:
        if not down or not across:
            raise ValueError(
                f"wanted a source on each side at least, got {len(down)} and {len(across)}"
            )
        super().__init__(generator, len(down) * len(across), identity=identity)
        self._down, self._across, self._psi = tuple(down), tuple(across), psi
        self._rows = chosen_rows(rows, generator.num_ws)

    @torch.no_grad()
    def latents(self, numbers: Sequence[int]) -> WPlus:
        """See `Pool.latents`."""
        each = [resolve(self.generator, self.state(number)).wplus.tensor for number in numbers]
        return WPlus(torch.cat(each))

    def state(self, number: int) -> EditState:
        """See `Pool.state`: both sources, and the blend that mixes them."""
        row, column = divmod(number, len(self._across))
        edit = Edit.neutral(self.generator.num_ws).changed(psi=self._psi)
        return EditState(
            generator=self.identity, a=self._down[row], b=self._across[column],
            edit=edit.changed(self._rows, blend=1.0),
        )  # fmt: skip

    def edge(self, place: int, *, across: bool) -> EditState:
        """A source at the grid's edge, unmixed."""
        edit = Edit.neutral(self.generator.num_ws).changed(psi=self._psi)
        source = (self._across if across else self._down)[place]
        return EditState(generator=self.identity, a=source, edit=edit)
