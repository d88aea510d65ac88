"""What every way of inverting asks of its arguments, before any work."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .perceptual import Perceptual, discriminator_distance
from .targets import Target

TargetLike = Tensor | Target | Sequence[Target]


def checked_target(
    generator: GeneratorBase, target: TargetLike, weight: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Pictures [N, 3, R, R] and their weights [N or 1, 1, R, R] on the generator's device.

    Raises:
        ValueError: another shape, numbers out of range, pictures without content, or a weight mask
            that covers nothing.
    """
    if isinstance(target, Target):
        target = [target]
    if not isinstance(target, Tensor):
        if not target or weight is not None:
            raise ValueError("target: wanted at least one prepared target, with its own weight")
        if any(each.weight is not None for each in target):
            weight = torch.cat(
                [
                    torch.ones_like(each.image[:, :1]) if each.weight is None else each.weight
                    for each in target
                ]
            )
        sizes = {tuple(each.image.shape) for each in target}
        if len(sizes) > 1:
            raise ValueError(f"target: wanted targets of one size, got {sorted(sizes)}")
        target = torch.cat([each.image for each in target])
    side = generator.config.resolution
    if generator.config.img_channels != 3:
        raise ValueError(
            "generator: wanted one that draws in colour, with 3 channels, got"
            f" {generator.config.img_channels}"
        )
    if target.ndim != 4 or tuple(target.shape[1:]) != (3, side, side) or not len(target):
        raise ValueError(
            f"target: wanted [N, 3, {side}, {side}], got {list(target.shape)}; bring it to that"
            f" size with smis_core.inversion.prepare_target(picture, {side})"
        )
    if not bool(torch.isfinite(target).all()) or float(target.abs().max()) > 1.01:
        raise ValueError(
            f"target: wanted finite values in [-1, 1], got {float(target.min()):.3g} to"
            f" {float(target.max()):.3g}"
        )
    flat = (target.amax(dim=(1, 2, 3)) - target.amin(dim=(1, 2, 3))) < 1e-3
    if bool(flat.any()):
        raise ValueError(
            f"target: wanted pictures with content, but number {int(flat.nonzero()[0]) + 1} of"
            f" {len(target)} is of a single colour"
        )
    if weight is not None:
        _check_weight(weight, len(target), side)
    device = generator.mapping.w_avg.device
    return target.detach().to(device), None if weight is None else weight.to(device)


def _check_weight(weight: Tensor, count: int, side: int) -> None:
    if weight.ndim != 4 or weight.shape[0] not in (1, count) or weight.shape[1:] != (1, side, side):
        raise ValueError(
            f"weight: wanted [{count} or 1, 1, {side}, {side}], got {list(weight.shape)}"
        )
    if not bool(torch.isfinite(weight).all()) or float(weight.min()) < 0:
        raise ValueError(
            f"weight: wanted finite numbers of at least 0, got {float(weight.min()):.3g} to"
            f" {float(weight.max()):.3g}"
        )
    if float(weight.sum(dim=(1, 2, 3)).min()) <= 0:
        raise ValueError(
            "weight: wanted masks that leave something to look at, got one that covers nothing;"
            " paint what matters, or leave the mask out"
        )


def checked_perceptual(
    generator: GeneratorBase, perceptual: Perceptual | AnyDiscriminator | None
) -> Perceptual | None:
    """A discriminator as the distance in its features.

    Raises:
        ValueError: a discriminator of another size.
    """
    if perceptual is None or isinstance(perceptual, Perceptual):
        return perceptual
    side = generator.config.resolution
    if perceptual.config.resolution != side:
        raise ValueError(
            f"perceptual: wanted a discriminator of {side}², the generator's size, got"
            f" {perceptual.config.resolution}²"
        )
    return discriminator_distance(perceptual)


def checked_classes(
    generator: GeneratorBase, classes: Sequence[int] | int | None, count: int
) -> list[int] | None:
    """One class a target; None where they are to be searched, or there are none.

    Raises:
        ValueError: classes for an unconditional generator, of another number, or unknown.
    """
    known = generator.config.c_dim
    if classes is None:
        return None
    if not known:
        raise ValueError("classes: wanted None for this generator, which has none")
    given = [classes] * count if isinstance(classes, int) else [*classes]
    if len(given) != count or any(not 0 <= each < known for each in given):
        raise ValueError(
            f"classes: wanted {count} numbers from 0 to {known - 1}, one a target, got {given}"
        )
    return given
