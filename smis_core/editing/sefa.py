"""Closed-form factorisation of the style layers (Shen and Zhou 2021, "Closed-Form Factorization of
Latent Semantics in GANs")."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .distribution import distribution_of_w
from .identity import identify
from .rows import chosen_rows, style_affines
from .scale import by_one_deviation, check_count, name_many, oriented, spread_over


@torch.no_grad()
def sefa(
    generator: GeneratorBase,
    *,
    rows: Iterable[int] | None = None,
    count: int = 8,
    label: int | None = None,
    prefix: str = "sefa",
) -> Directions:
    """The directions that change the styles of some layers most.

    They maximise the summed squared change of the styles, |A n|² (equation 7): the eigenvectors
    of AᵀA with the largest eigenvalues. Each layer's A is divided by its norm first, so that a
    wide layer does not outvote a narrow one.

    Args:
        generator: of any family.
        rows: of W+ in which to look and to act; None is all. `group_rows` names a group's.
        count: how many, strongest first; at most the width of W.
        label: the class whose spread of w is the unit of strength.
        prefix: they are called "sefa 1", "sefa 2", ….

    Returns:
        Orthogonal directions, equal in each of the rows.

    Raises:
        ValueError: rows, a count or a class that there are not.
    """
    chosen = chosen_rows(rows, generator.num_ws)
    check_count(count, generator.config.w_dim)
    spread = distribution_of_w(generator, label=label)
    gram = torch.zeros(generator.config.w_dim, generator.config.w_dim, dtype=torch.float64)
    for _, row, affine in style_affines(generator.synthesis):
        if row in chosen:
            weight = affine.weight.detach().double().cpu()
            gram += weight.T @ weight / weight.square().sum().clamp_min(1e-24)
    vectors = torch.linalg.eigh(gram)[1].flip(1)[:, :count].T.float()
    steps, normals = by_one_deviation(
        spread_over(oriented(vectors), chosen, generator.num_ws), spread.covariance
    )
    return Directions(
        names=name_many(prefix, count),
        steps=steps,
        normals=normals,
        centre=spread.mean,
        generator=identify(generator),
        method="SeFa",
        settings={"rows": [*chosen], "label": label},
    )
