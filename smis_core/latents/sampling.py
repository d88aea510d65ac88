"""Sampling, truncation and style mixing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from ..networks.generator_base import GeneratorBase
from .codes import Noise, W, WPlus, Z


def sample_z(seeds: Sequence[int], z_dim: int) -> Z:
    """Standard normal codes, one a seed, the same at any batch size.

    Args:
        seeds: whole numbers from 0 up, below 2^63.
        z_dim: length of a code.

    Raises:
        ValueError: no seed, or one out of range.
    """
    draws = [_random(seed).standard_normal(z_dim) for seed in check_seeds(seeds)]
    return Z(torch.from_numpy(np.stack(draws).astype(np.float32)))


def sample_noise(seeds: Sequence[int], generator: GeneratorBase) -> Noise:
    """Standard normal noise maps, one set a seed, the same at any batch size.

    Args:
        seeds: as in `sample_z`, of which they are independent.
        generator: whose layers take them.

    Returns:
        A map `[N, 1, H, W]` for each layer; none for a family without noise.

    Raises:
        ValueError: as in `sample_z`.
    """
    layers = generator.synthesis.layers if generator.synthesis.takes_noise else ()
    draws = [_random(seed, stream=1) for seed in check_seeds(seeds)]
    maps = []
    for layer in layers:
        shape = (1, layer.resolution, layer.resolution)
        drawn = np.stack([draw.standard_normal(shape, dtype=np.float32) for draw in draws])
        maps.append(torch.from_numpy(drawn))
    return Noise((*maps,))


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """The seeds as plain numbers.

    Raises:
        ValueError: no seed, or one that is no whole number from 0 up, below 2^63.
    """
    checked = [*seeds]
    for seed in checked:
        if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= seed < 2**63:
            raise ValueError(f"seeds are whole numbers from 0 up, below 2^63; got {seed!r}")
    if not checked:
        raise ValueError("seeds are whole numbers from 0 up, at least one; got none")
    return [int(seed) for seed in checked]


def _random(seed: int, *, stream: int | None = None) -> np.random.Generator:
    spawned = () if stream is None else (stream,)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=spawned)))


def truncate(
    wplus: WPlus,
    w_avg: Tensor,  # [w]
    psi: float,
    *,
    cutoff: int | None = None,
) -> WPlus:
    """Pull codes towards the average (StyleGAN, appendix B).

    Args:
        wplus: codes.
        w_avg: the mapping network's average.
        psi: 1 keeps them, 0 gives the average.
        cutoff: rows that are truncated, counted from the coarsest; None is all.
    """
    rows = torch.arange(wplus.tensor.shape[1], device=wplus.tensor.device)
    near = rows < (len(rows) if cutoff is None else cutoff)
    return WPlus(torch.where(near[:, None], w_avg.lerp(wplus.tensor, psi), wplus.tensor))


def mix_styles(coarse: WPlus, fine: WPlus, from_layer: int) -> WPlus:
    """Rows before `from_layer` of one code and the rest of another (StyleGAN, section 3.1).

    Args:
        coarse, fine: of the same shape, or one of them a single code.
        from_layer: 0 gives `fine`, the number of rows gives `coarse`.

    Raises:
        ValueError: shapes that do not fit, or a layer that does not exist.
    """
    rows = coarse.tensor.shape[1]
    if coarse.tensor.shape[1:] != fine.tensor.shape[1:]:
        raise ValueError(
            f"both codes must have the same rows and width, but they are "
            f"{[*coarse.tensor.shape]} and {[*fine.tensor.shape]}"
        )
    if not 0 <= from_layer <= rows:
        raise ValueError(f"from_layer must be from 0 to {rows}, but is {from_layer}")
    count = max(len(coarse), len(fine))
    if {len(coarse), len(fine)} - {1, count}:
        raise ValueError(
            f"both must hold as many codes, or one of them a single one, but they hold "
            f"{len(coarse)} and {len(fine)}"
        )
    first, second = (c.tensor.expand(count, -1, -1) for c in (coarse, fine))
    return WPlus(torch.cat([first[:, :from_layer], second[:, from_layer:]], dim=1))


@torch.no_grad()
def w_statistics(
    generator: GeneratorBase, *, samples: int = 10_000, seed: int = 0
) -> tuple[W, Tensor]:
    """Mean of w `[1, w]`, and the scalar spread about it that projectors scale their noise by.

    The spread is the root of the summed squared distances divided by the number of samples
    (Karras et al. 2020, appendix D).
    """
    draws = np.random.Generator(np.random.PCG64(seed)).standard_normal(
        (samples, generator.config.z_dim)
    )
    device = generator.mapping.w_avg.device
    ws = generator.mapping(torch.from_numpy(draws.astype(np.float32)).to(device))[:, 0]
    mean = ws.mean(dim=0, keepdim=True)
    return W(mean), ((ws - mean).square().sum() / samples).sqrt()
