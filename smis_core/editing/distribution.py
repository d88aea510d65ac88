"""The distribution of W: its mean, its covariance, samples of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..latents import sample_z
from ..networks.generator_base import GeneratorBase

SAMPLES = 10_000
_BATCH = 1000


@dataclass(frozen=True, eq=False)
class Distribution:
    """W as a Gaussian, float32 on the CPU."""

    mean: Tensor
    """[w]"""
    covariance: Tensor
    """[w, w]"""


def distribution_of_w(
    generator: GeneratorBase,
    *,
    label: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> Distribution:
    """Mean and covariance of w.

    Args:
        generator: of any family.
        label: the class, where the generator has classes.
        samples: how many are drawn.
        seed: the first of consecutive seeds.

    Raises:
        ValueError: a class is missing, or there is none of this number.
    """
    ws = torch.cat([*sample_w(generator, samples, label=label, first_seed=seed)]).double()
    centred = ws - ws.mean(dim=0)
    covariance = centred.T @ centred / max(len(ws) - 1, 1)
    return Distribution(ws.mean(dim=0).float(), covariance.float())


@torch.no_grad()
def sample_w(
    generator: GeneratorBase,
    samples: int,
    *,
    label: int | None = None,
    first_seed: int = 0,
    batch: int = _BATCH,
) -> Iterator[Tensor]:
    """w of consecutive seeds, float32 `[n, w]` on the CPU, batch by batch.

    Raises:
        ValueError: as `one_hot`, or fewer than two samples.
    """
    if samples < 2:
        raise ValueError(f"samples: wanted at least 2, got {samples}")
    device = generator.mapping.w_avg.device
    for start in range(0, samples, batch):
        seeds = range(first_seed + start, first_seed + min(start + batch, samples))
        z = sample_z(seeds, generator.config.z_dim).tensor.to(device)
        ws: Tensor = generator.mapping(z, one_hot(generator, label, len(z)))
        yield ws[:, 0].float().cpu()


def one_hot(generator: GeneratorBase, label: int | None, count: int) -> Tensor | None:
    """A class for each of some latents `[count, c]`; None where the generator has no classes.

    Raises:
        ValueError: a class is missing, unknown or not wanted.
    """
    classes = generator.config.c_dim
    if classes == 0:
        if label is not None:
            raise ValueError(f"label: wanted None, this generator has no classes, got {label}")
        return None
    if not isinstance(label, int) or not 0 <= label < classes:
        raise ValueError(f"label: wanted a class from 0 to {classes - 1}, got {label}")
    c = torch.zeros(count, classes, device=generator.mapping.w_avg.device)
    c[:, label] = 1
    return c
