"""Directions from what a person shows: two piles of pictures, or pairs before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ..latents import WPlus
from ..networks.generator_base import GeneratorBase
from .directions import Directions
from .distribution import distribution_of_w
from .identity import identify
from .rows import chosen_rows
from .scale import by_one_deviation

_NEWTON_STEPS = 50


def boundary(
    generator: GeneratorBase,
    more: WPlus,  # [N, L, w], at least one
    less: WPlus,  # [M, L, w], at least one
    *,
    name: str,
    rows: Iterable[int] | None = None,
    label: int | None = None,
    ridge: float = 1.0,
) -> Directions:
    """The direction that tells two piles of latents apart (Shen et al. 2020, "InterFaceGAN").

    A logistic regression with a ridge, in which both piles weigh the same. Latents are first
    measured in the root of their covariance's mean: with three examples a pile the ridge leaves
    little more than the difference of the means, and each further example sharpens it.

    Args:
        generator: of any family.
        more, less: latents of the two piles; `W.broadcast` brings w here.
        name: what to call it; strength 1 leads from `less` towards `more`.
        rows: of W+ in which to look and to act; None is all.
        label: the class whose spread of w is the unit of strength.
        ridge: how much the classifier is held back; 0 trusts the examples alone.

    Returns:
        One direction.

    Raises:
        ValueError: latents of another shape, not finite or not there, the same latent in both
            piles, a negative ridge, rows that there are not.
    """
    chosen = list(chosen_rows(rows, generator.num_ws))
    for pile, codes in (("more", more), ("less", less)):
        check_latents(pile, codes, generator)
    if not ridge >= 0:
        raise ValueError(f"ridge: wanted a number from 0 up, got {ridge}")
    spread = distribution_of_w(generator, label=label)
    both = torch.cat([more.tensor, less.tensor]).detach().cpu()[:, chosen].flatten(1).double()
    if bool((torch.cdist(both[: len(more)], both[len(more) :]) == 0).any()):
        raise ValueError("the same latent lies in both piles: take it out of one")
    unit = spread.covariance.diagonal().mean().double().sqrt() * len(chosen) ** 0.5
    signs = torch.ones(len(both), dtype=torch.float64)
    signs[len(more) :] = -1
    found = _logistic((both - both.mean(dim=0)) / unit.clamp_min(1e-12), signs, ridge)
    shape = torch.zeros(1, generator.num_ws, generator.config.w_dim)
    shape[0, chosen] = found.float().view(len(chosen), -1)
    settings = {"rows": chosen, "label": label, "ridge": ridge,
                "examples": [len(more), len(less)]}  # fmt: skip
    return _one(generator, name, shape, spread.mean, spread.covariance, "boundary", settings)


def pair_direction(
    generator: GeneratorBase,
    before: WPlus,  # [N, L, w]
    after: WPlus,  # [N, L, w]
    *,
    name: str,
    rows: Iterable[int] | None = None,
    label: int | None = None,
) -> Directions:
    """What leads on average from the first of a pair to the second.

    Args:
        generator: of any family.
        before, after: latents of pairs, such as inverted pictures of one person.
        name: what to call it.
        rows: of W+ in which it acts; None is all.
        label: the class whose spread of w is the unit of strength.

    Returns:
        One direction.

    Raises:
        ValueError: latents of another shape, not finite, not as many on both sides, or equal.
    """
    chosen = list(chosen_rows(rows, generator.num_ws))
    for side, codes in (("before", before), ("after", after)):
        check_latents(side, codes, generator)
    if len(before) != len(after):
        raise ValueError(
            f"before and after: wanted as many latents on both sides, got {len(before)} and "
            f"{len(after)}"
        )
    spread = distribution_of_w(generator, label=label)
    moved = (after.tensor - before.tensor).detach().cpu().float().mean(dim=0)
    shape = torch.zeros_like(moved)
    shape[chosen] = moved[chosen]
    settings = {"rows": chosen, "label": label, "pairs": len(before)}
    return _one(generator, name, shape[None], spread.mean, spread.covariance, "pairs", settings)


def check_latents(what: str, codes: WPlus, generator: GeneratorBase) -> None:
    """Refuse latents of another generator's shape, none, or some that are not finite."""
    wanted = (generator.num_ws, generator.config.w_dim)
    if tuple(codes.tensor.shape[1:]) != wanted or not len(codes):
        raise ValueError(
            f"{what}: wanted latents [N, {wanted[0]}, {wanted[1]}], at least one, for this "
            f"generator, got {[*codes.tensor.shape]}"
        )
    if not bool(torch.isfinite(codes.tensor).all()):
        raise ValueError(f"{what}: wanted finite latents, got NaN or infinities")


def _one(
    generator: GeneratorBase,
    name: str,
    shape: Tensor,
    mean: Tensor,
    covariance: Tensor,
    method: str,
    settings: Mapping[str, object],
) -> Directions:
    steps, normals = by_one_deviation(shape, covariance)
    return Directions(
        names=(name,), steps=steps, normals=normals, centre=mean,
        generator=identify(generator), method=method, settings={name: settings},
    )  # fmt: skip


def _logistic(
    points: Tensor,  # [N, D] float64
    signs: Tensor,  # [N], 1 or -1
    ridge: float,
) -> Tensor:
    """The weights `[D]` that minimise the mean logistic loss of both piles plus ridge/2 |weights|²
    over the number of points, by Newton's method in the space that the points span."""
    weight = torch.where(signs > 0, 0.5 / (signs > 0).sum(), 0.5 / (signs < 0).sum())
    penalty = max(ridge, 1e-6) / len(points)
    # An orthonormal basis of what the points span: nothing outside it helps to tell them apart.
    left, values, right = torch.linalg.svd(points, full_matrices=False)
    inside = left * values  # [N, R]
    inside = torch.cat([inside, torch.ones_like(inside[:, :1])], dim=1)
    held = torch.full((inside.shape[1],), penalty, dtype=points.dtype)
    held[-1] = 1e-9  # the intercept is free
    weights = torch.zeros_like(held)
    for _ in range(_NEWTON_STEPS):
        wrong = torch.sigmoid(-signs * (inside @ weights))
        gradient = held * weights - inside.T @ (weight * signs * wrong)
        curvature = weight * wrong * (1 - wrong)
        step = torch.linalg.solve(
            inside.T @ (curvature[:, None] * inside) + torch.diag(held), gradient
        )
        # A full step may overshoot where the piles are far apart and the ridge is small.
        weights = weights - step * min(1.0, 10 / max(float(step.norm()), 1e-12))
        if float(step.norm()) <= 1e-10 * (1 + float(weights.norm())):
            break
    normal: Tensor = weights[:-1] @ right
    return normal
