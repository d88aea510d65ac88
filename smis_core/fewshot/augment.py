"""Making exact masks look as if a person had drawn them, and was not finished."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED


@dataclass(frozen=True)
class AugmentOptions:
    """How often a mask meets which distortion."""

    clean: float = 0.3
    """share of masks that stay as they are"""
    drop_classes: float = 0.3
    """share of the others that lose some classes, or keep only some"""
    drop_regions: float = 0.3
    """share that lose blobs of any class"""
    wobble: float = 0.5
    """share whose outlines shift smoothly"""
    redraw: float = 0.3
    """share whose corners are rounded while parts swell and shrink"""
    strokes: float = 0.15
    """share with strokes of the pen or the eraser across"""
    wobble_size: float = 0.02
    """spread of the shift, as a share of the picture's side"""


def distort(
    labels: Tensor,  # uint8 [N, S, S]; 255 is not painted
    *,
    rng: torch.Generator,
    options: AugmentOptions | None = None,
) -> Tensor:
    """Masks as a person might have drawn them.

    Args:
        rng: a CPU generator; the same state distorts in the same way.

    Returns:
        uint8 [N, S, S]; 255 where regions were dropped.
    """
    options = options or AugmentOptions()
    dirty = torch.rand(len(labels), generator=rng) >= options.clean

    def chosen(share: float) -> Tensor:
        lot = dirty & (torch.rand(len(labels), generator=rng) < share)
        return lot.nonzero()[:, 0].to(labels.device)

    labels = labels.clone()
    changes: tuple[tuple[float, Callable[[Tensor], Tensor]], ...] = (
        (options.wobble, lambda some: _wobble(some, options.wobble_size, rng)),
        (options.redraw, lambda some: _redraw(some, rng)),
        (options.strokes, lambda some: _strokes(some, rng)),
        (options.drop_regions, lambda some: _drop_regions(some, rng)),
        (options.drop_classes, lambda some: _drop_classes(some, rng)),
    )
    for share, change in changes:
        lot = chosen(share)
        if len(lot):
            labels[lot] = change(labels[lot])
    return labels


def _smooth(count: int, channels: int, cells: int, size: int, rng: torch.Generator) -> Tensor:
    """[N, channels, size, size]: a random field that varies over `cells` cells."""
    coarse = torch.randn(count, channels, cells, cells, generator=rng)
    return F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)


def _wobble(labels: Tensor, spread: float, rng: torch.Generator) -> Tensor:
    count, size = labels.shape[0], labels.shape[-1]
    cells = int(torch.randint(3, 9, (), generator=rng))
    strength = torch.rand(count, 1, 1, 1, generator=rng) * 2 * spread * 2  # grid_sample's side is 2
    shift = (_smooth(count, 2, cells, size, rng) * strength).movedim(1, -1).to(labels.device)
    identity = torch.eye(2, 3, device=labels.device).expand(count, -1, -1)
    grid = F.affine_grid(identity, [count, 1, size, size], align_corners=False) + shift
    moved = F.grid_sample(
        labels[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False
    )
    return moved[:, 0].to(torch.uint8)


def _redraw(labels: Tensor, rng: torch.Generator) -> Tensor:
    """Blurred classes compete again, each with a random handicap: round corners, thick and thin
    parts."""
    count, size = labels.shape[0], labels.shape[-1]
    present = (
        torch.bincount(labels.flatten().long(), minlength=256).nonzero()[:, 0].to(labels.dtype)
    )
    planes = (labels[:, None] == present[:, None, None]).float()
    width = max(size // 32, 1) * 2 + 1
    blurred = F.avg_pool2d(planes, width, stride=1, padding=width // 2, count_include_pad=False)
    # What is small would lose every contest after blurring, so that a part's handicap grows with
    # its size.
    size_of_part = planes.mean(dim=(2, 3), keepdim=True).clamp_min(1e-4).sqrt()
    handicap = torch.rand(count, len(present), 1, 1, generator=rng).to(labels.device)
    winner = (blurred * (0.5 + handicap) / (0.25 + size_of_part)).argmax(dim=1)
    return present[winner]


def _strokes(labels: Tensor, rng: torch.Generator) -> Tensor:
    count, size = labels.shape[0], labels.shape[-1]
    axis = torch.linspace(0, 1, size)
    rows, columns = axis[:, None], axis[None, :]
    for _ in range(2):
        start, end = torch.rand(2, count, 2, 1, 1, generator=rng)
        along = end - start
        length = along.square().sum(dim=1, keepdim=True).clamp_min(1e-6)
        place = torch.stack([columns.expand(size, size), rows.expand(size, size)])[None] - start
        progress = ((place * along).sum(dim=1, keepdim=True) / length).clamp(0, 1)
        distance = (place - progress * along).square().sum(dim=1).sqrt()
        thickness = 0.01 + 0.03 * torch.rand(count, 1, 1, generator=rng)
        # The colour is that of a place in the mask; every other stroke is the eraser's.
        spot = torch.randint(size, (count, 2), generator=rng)
        colour = labels[torch.arange(count), spot[:, 0], spot[:, 1]]
        erased = (torch.rand(count, generator=rng) < 0.5).to(labels.device)
        colour = torch.where(erased, torch.full_like(colour, UNPAINTED), colour)
        hit = (distance < thickness).to(labels.device)
        labels = torch.where(hit, colour[:, None, None], labels)
    return labels


def _drop_regions(labels: Tensor, rng: torch.Generator) -> Tensor:
    count, size = labels.shape[0], labels.shape[-1]
    cells = int(torch.randint(2, 9, (), generator=rng))
    field = _smooth(count, 1, cells, size, rng)[:, 0]
    level = (
        torch.rand(count, 1, 1, generator=rng) * 2 - 0.5
    )  # from two thirds dropped to a few blobs
    return labels.masked_fill((field > level).to(labels.device), UNPAINTED)


def _drop_classes(labels: Tensor, rng: torch.Generator) -> Tensor:
    count = labels.shape[0]
    share = torch.rand(count, 1, generator=rng)
    dropped = torch.rand(count, 256, generator=rng) < share
    table = torch.arange(256, dtype=torch.uint8).repeat(count, 1)
    table = table.masked_fill(dropped, UNPAINTED).to(labels.device)
    return table.gather(1, labels.flatten(1).long()).view_as(labels)
