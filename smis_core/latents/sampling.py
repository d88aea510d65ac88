"""Sampling, truncation and style mixing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..networks.generator_base import GeneratorBase
from .codes import W, WPlus, Z


def sample_z(seeds: Sequence[int], z_dim: int) -> Z:
    """Standard normal codes, one a seed, the same at any batch size.

    Args:
        seeds: whole numbers from 0 up.
        z_dim: length of a code.

    Raises:
        ValueError: no seed, or a negative one.
    """
    if len(seeds) == 0 or min(seeds) < 0:
        raise ValueError(f"seeds are whole numbers from 0 up, at least one; got {[*seeds]}")
    draws = [np.random.Generator(np.random.PCG64(seed)).standard_normal(z_dim) for seed in seeds]
    return Z(torch.from_numpy(np.stack(draws).astype(np.float32)))


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
