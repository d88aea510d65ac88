"""Looking for the one: neighbours, mixtures, order, and the grid of styles."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from ..latents import WPlus
from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .distribution import distribution_of_w, sample_w
from .rows import chosen_rows
from .seeds import LARGEST_SEED

_SAMPLES = 2000


def neighbours(
    generator: GeneratorBase,
    wplus: WPlus,  # [1, L, w]
    *,
    count: int = 12,
    rows: Iterable[int] | None = None,
    radius: float = 0.4,
    seed: int = 0,
    label: int | None = None,
    psi: float = 1.0,
) -> WPlus:
    """More like this one.

    w' = m + cos(a) (w − m) + sin(a) (s − m), with the mean m of W, fresh samples s and
    sin(a) = radius: as far from the mean as the samples of W are, so that neighbours of a likely
    latent are likely too.

    Args:
        generator: whose W it is.
        wplus: the one.
        count: how many.
        rows: of W+ that differ; None is all. `group_rows` names a group's.
        radius: 0 gives the one itself, 1 samples that have nothing to do with it.
        seed: the first of `count` consecutive seeds: the same seeds give the same neighbours.
        label: the class, where the generator has classes.
        psi: truncation of the fresh samples: that of the one, so that they do not stray further.

    Returns:
        `[count, L, w]` on the latent's device; rows that are not named are those of the one.

    Raises:
        ValueError: another shape than one latent of this generator, or numbers out of range.
    """
    _check_shape(generator, wplus, 1)
    chosen = list(chosen_rows(rows, generator.num_ws))
    if count < 1 or not 0 <= radius <= 1 or not 0 <= seed <= LARGEST_SEED - max(count, 2):
        raise ValueError(
            f"wanted a count from 1 up, a radius from 0 to 1 and a seed from 0 to 2^63 − 1, got "
            f"{count}, {radius} and {seed}"
        )
    # One more seed than asked for, because a single sample is no distribution.
    drawn = torch.cat([*sample_w(generator, max(count, 2), label=label, first_seed=seed)])[:count]
    one = wplus.tensor
    # The average of all classes is not that of this one.
    mean = distribution_of_w(generator, label=label, samples=_SAMPLES).mean.to(one)
    away = psi * (drawn.to(one) - mean)[:, None]
    found = one.repeat(count, 1, 1)
    if radius:
        stay = math.sqrt(1 - radius**2)
        found[:, chosen] = mean + stay * (found[:, chosen] - mean) + radius * away
    return WPlus(found)


def between(
    wplus: WPlus,  # [N, L, w], at least two
    *,
    count: int = 12,
    seed: int = 0,
) -> WPlus:
    """Latents between some: evenly along the line between two, at random inside of more.

    Args:
        wplus: the ones between which to look.
        count: how many.
        seed: of the random weights (uniform over the simplex) between three and more.

    Returns:
        `[count, L, w]`; none of the ends themselves.

    Raises:
        ValueError: fewer than two latents, or numbers out of range.
    """
    if len(wplus) < 2 or count < 1 or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(
            f"wanted at least two latents, a count from 1 up and a seed from 0 to 2^63 − 1, got "
            f"{len(wplus)}, {count} and {seed}"
        )
    if len(wplus) == 2:
        share = np.arange(1, count + 1) / (count + 1)
        shares = np.stack([1 - share, share], axis=1)
    else:
        shares = np.random.Generator(np.random.PCG64(seed)).dirichlet(np.ones(len(wplus)), count)
    weights = torch.from_numpy(shares).to(wplus.tensor)
    return WPlus(torch.einsum("cn,nlw->clw", weights, wplus.tensor))


def ordered_by(
    directions: Directions, name: str, wplus: WPlus, *, descending: bool = False
) -> tuple[int, ...]:
    """Places of latents in the order of their position along a direction.

    Raises:
        ValueError: no such direction, or latents of another shape.
    """
    values = directions.read(wplus)[:, directions.index(name)]
    order = torch.argsort(values, descending=descending, stable=True)
    return tuple(int(index) for index in order)


def filtered_by(
    directions: Directions, ranges: Mapping[str, tuple[float, float]], wplus: WPlus
) -> tuple[int, ...]:
    """Places of the latents that lie in all of some ranges, in their order.

    Args:
        directions: whose positions are meant.
        ranges: lowest and highest position by direction, in its steps from the average; infinite
            for no limit.
        wplus: among which.

    Raises:
        ValueError: no such direction, a range that is none, or latents of another shape.
    """
    read = directions.read(wplus)
    kept = torch.ones(len(wplus), dtype=torch.bool)
    for name, (low, high) in ranges.items():
        if not low <= high:
            raise ValueError(f"ranges: wanted lowest and highest of {name!r}, got {low} and {high}")
        values = read[:, directions.index(name)]
        kept &= (values >= low) & (values <= high)
    return tuple(int(index) for index in kept.nonzero()[:, 0])


def mixing_grid(
    down: WPlus,  # [R, L, w]
    across: WPlus,  # [C, L, w]
    *,
    rows: Iterable[int],
) -> WPlus:
    """Every source of one set with every source of another (StyleGAN, figure 3).

    Args:
        down: sources that the grid's rows begin with.
        across: sources whose rows of W+ the grid's columns take over.
        rows: of W+ that come from `across`; the rest is from `down`.

    Returns:
        `[R · C, L, w]`, row by row of the grid.

    Raises:
        ValueError: latents of different shapes, or rows that there are not.
    """
    if down.tensor.shape[1:] != across.tensor.shape[1:] or not len(down) or not len(across):
        raise ValueError(
            f"wanted latents of the same rows and width on both sides, got "
            f"{[*down.tensor.shape]} and {[*across.tensor.shape]}"
        )
    chosen = list(chosen_rows(rows, down.tensor.shape[1]))
    grid: Tensor = down.tensor[:, None].repeat(1, len(across), 1, 1)
    grid[:, :, chosen] = across.tensor[None, :, chosen].to(grid)
    return WPlus(grid.flatten(0, 1))


def _check_shape(generator: GeneratorBase, wplus: WPlus, count: int) -> None:
    wanted = (count, generator.num_ws, generator.config.w_dim)
    if tuple(wplus.tensor.shape) != wanted:
        raise ValueError(f"wplus: wanted {[*wanted]}, got {[*wplus.tensor.shape]}")
