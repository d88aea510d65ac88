"""Illustrated portraits from seeds: a picture, the class of every pixel, what there is to measure.

The bundled domain. A generator is trained on the pictures alone; masks and attributes are there to
check what it and the methods on top of it have learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .canvas import Canvas
from .character import BINARY, CIRCULAR, CONTINUOUS, SATURATIONS, draw_characters
from .hair import Hair
from .head import EYES, Head, skin_colour
from .pose import Pose
from .scene import background, body, under_chin

__all__ = [
    "BINARY",
    "CIRCULAR",
    "CONTINUOUS",
    "RENDERER_VERSION",
    "SATURATIONS",
    "Renders",
    "render",
]

RENDERER_VERSION = "1"
_CHUNK_PIXELS = 16 * 64 * 64  # planes of this size stay in the processor's cache
_VISIBLE_EYE = 0.0015  # of the picture


@dataclass(frozen=True)
class Renders:
    """Portraits and the truth about them.

    Attributes:
        images: float32 ``[N, 3, S, S]`` in [-1, 1].
        labels: uint8 ``[N, S, S]``, class indices of CelebAMask-HQ ('left' is the subject's).
        attributes: float32 ``[N]`` by name. ``yaw`` in [-1, 1], 1 = 45° towards the viewer's
            right; ``roll`` in [-1, 1], 1 = 20° clockwise; ``mood`` from -1 angry to 1 smiling;
            ``mouth_open`` in [0, 1]; ``gaze`` in [-1, 1], 1 = viewer's right; ``hair_length`` in
            [0, 1]; ``skin`` in [0, 1], 1 = dark; ``hair_hue`` and ``eye_hue`` in [0, 1), circular,
            with ``hair_saturation`` and ``eye_saturation``; ``glasses``, ``hat`` and
            ``eye_visible`` 0 or 1.
    """

    images: Tensor
    labels: Tensor
    attributes: dict[str, Tensor]


def render(
    seeds: Sequence[int],
    *,
    size: int = 64,
    overrides: Mapping[str, float | Tensor] | None = None,
    device: torch.device | str = "cpu",
) -> Renders:
    """Draw one portrait a seed. A seed gives the same character at any size and in any batch.

    Args:
        seeds: whole numbers from 0 up.
        size: side in pixels, 16 or more.
        overrides: traits to set instead of drawing them, one value or one a seed, for example
            ``{"mood": 1.0}``.
        device: where to draw.

    Raises:
        ValueError: no seeds, a negative seed, a side below 16, an unknown trait or a wrong
            number of values.
    """
    if len(seeds) == 0:
        raise ValueError("render wants at least one seed, got none")
    if size < 16:
        raise ValueError(f"a portrait is at least 16 pixels wide, got size={size}")
    step = max(1, _CHUNK_PIXELS // size**2)
    parts = []
    with torch.inference_mode():
        for first in range(0, len(seeds), step):
            some = slice(first, first + step)
            own = {
                name: torch.as_tensor(value).reshape(-1)[some]
                if torch.as_tensor(value).numel() > 1
                else value
                for name, value in (overrides or {}).items()
            }
            parts.append(_render(seeds[some], size, own, device))
    # Outside inference mode these are ordinary tensors that autograd may see.
    return Renders(
        images=torch.cat([part.images for part in parts]),
        labels=torch.cat([part.labels for part in parts]),
        attributes={
            name: torch.cat([part.attributes[name] for part in parts])
            for name in parts[0].attributes
        },
    )


def _render(
    seeds: Sequence[int],
    size: int,
    overrides: Mapping[str, float | Tensor],
    device: torch.device | str,
) -> Renders:
    character = draw_characters(seeds, overrides=overrides, device=device)
    pose = Pose(character, size)
    canvas = Canvas(background(character, pose), pose.pixel)
    skin = skin_colour(character)
    head, hair = Head(character, pose, skin), Hair(character, pose)
    hair.behind(canvas)
    body(character, pose, canvas, skin)
    under_chin(character, pose, canvas, head.face)
    head.ears(canvas, near_only=False)
    head.base(canvas)
    head.ears(canvas, near_only=True)
    hair.shadow(canvas, head.face)
    head.nose(canvas)
    head.mouth(canvas)
    head.lenses(canvas)
    head.eyes(canvas)
    hair.over_face(canvas)
    head.brows(canvas)
    head.frames(canvas)
    head.hat(canvas)
    labels = canvas.labels[:, 0]
    names = (*CONTINUOUS, *CIRCULAR, *SATURATIONS.values(), *BINARY)
    attributes = {name: character[name].flatten().clone() for name in names}
    shown = torch.maximum((labels == EYES[0]).sum((1, 2)), (labels == EYES[1]).sum((1, 2)))
    attributes["eye_visible"] = (shown >= _VISIBLE_EYE * size * size).float()
    return Renders(canvas.picture.clamp_(0.0, 1.0).mul_(2.0).sub_(1.0), labels, attributes)
