"""Landmarks and the cross of a face from exact masks: what sparse synthesis is measured on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from smis_core.labels import UNPAINTED, LabelClass, Palette

LANDMARKS = Palette(
    "landmarks",
    (
        LabelClass(1, "left eye", (26, 146, 134), "1"),
        LabelClass(2, "right eye", (41, 112, 247), "2"),
        LabelClass(3, "mouth", (214, 48, 92), "3"),
    ),
)
CROSS = Palette("cross", (LabelClass(1, "cross", (214, 48, 92), "1"),))
"""The lines with which illustrators block in a face: through the eyes, and down to the mouth."""

PARTS: dict[str, tuple[int, ...]] = {"left eye": (4,), "right eye": (5,), "mouth": (10, 11, 12)}
"""Classes of portraits whose centres are landmarks."""
_LEAST_SHARE = 0.0004
_DOT = 0.02
_WIDTH = 0.016


def centres(
    labels: Tensor,  # uint8 [N, R, R] of portraits
) -> tuple[Tensor, Tensor]:
    """Where the parts lie.

    Returns:
        [N, 3, 2] as (x, y) in [0, 1], in the order of `PARTS`, and bool [N, 3]: whether the part
        shows.
    """
    side = labels.shape[-1]
    axis = ((torch.arange(side, device=labels.device) + 0.5) / side).float()
    places, shown = [], []
    for classes in PARTS.values():
        covers = torch.stack([labels == index for index in classes]).any(dim=0).float()
        count = covers.sum(dim=(1, 2))
        across = (covers.sum(dim=1) * axis).sum(dim=1) / count.clamp_min(1)
        down = (covers.sum(dim=2) * axis).sum(dim=1) / count.clamp_min(1)
        places.append(torch.stack([across, down], dim=1))
        shown.append(count >= max(_LEAST_SHARE * side**2, 1))
    return torch.stack(places, dim=1), torch.stack(shown, dim=1)


def landmark_sketch(
    places: Tensor,  # [3, 2]
    side: int,
) -> Tensor:
    """A dot for each part: uint8 [side, side]."""
    radius = max(_DOT * side, 1)

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for index, (x, y) in enumerate((places * side - 0.5).tolist(), start=1):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=index)

    return _drawn(side, draw)


def cross_sketch(
    places: Tensor,  # [3, 2]
    side: int,
) -> Tensor:
    """A line through both eyes and one from the forehead through the mouth: uint8 [side, side]."""
    left, right, mouth = places * side - 0.5
    middle, half, down = (left + right) / 2, (left - right) / 2, mouth - (left + right) / 2
    lines = ((middle - 1.8 * half, middle + 1.8 * half), (middle - 0.8 * down, middle + 1.4 * down))
    width = max(round(_WIDTH * side), 1)

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for start, end in lines:
            pen.line([tuple(start.tolist()), tuple(end.tolist())], fill=1, width=width)

    return _drawn(side, draw)


def landmark_errors(
    wanted: Tensor,  # [N, 3, 2]
    found: Tensor,  # [N, 3, 2]
) -> Tensor:
    """Distance of each part from its landmark, in sides of the picture: [N, 3]."""
    distance: Tensor = torch.linalg.vector_norm(found - wanted, dim=2)
    return distance


def cross_errors(
    wanted: Tensor,  # [N, 3, 2], the parts that the cross was drawn through
    found: Tensor,  # [N, 3, 2]
) -> Tensor:
    """Distance of each eye from the line across and of the mouth from the line down: [N, 3]."""
    middle = wanted[:, :2].mean(dim=1)
    across = _off_line(found[:, :2], middle, wanted[:, 0] - wanted[:, 1])
    down = _off_line(found[:, 2:], middle, wanted[:, 2] - middle)
    return torch.cat([across, down], dim=1)


def _off_line(points: Tensor, start: Tensor, along: Tensor) -> Tensor:
    """Distances [N, P] of points [N, P, 2] from lines through `start` [N, 2]."""
    normal = torch.stack([-along[:, 1], along[:, 0]], dim=1)
    length = torch.linalg.vector_norm(normal, dim=1, keepdim=True)
    normal = normal / length.clamp_min(1e-6)
    distance: Tensor = ((points - start[:, None]) * normal[:, None]).sum(dim=2).abs()
    return distance


def _drawn(side: int, draw: Callable[[ImageDraw.ImageDraw], None]) -> Tensor:
    picture = Image.new("L", (side, side), UNPAINTED)
    draw(ImageDraw.Draw(picture))
    return torch.from_numpy(np.array(picture))
