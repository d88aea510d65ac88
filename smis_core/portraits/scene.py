"""What is behind and below the head: background, neck and clothes."""

from __future__ import annotations

import torch
from torch import Tensor

from .canvas import Canvas
from .character import Character
from .pose import Pose
from .shapes import circle, ellipse, ramp, rounded_box, triangle_wave

NECK, CLOTH = 17, 18


def background(character: Character, pose: Pose) -> Tensor:
    """A soft two-colour gradient under one of five patterns: ``[N, 3, S, S]`` in [0, 1]."""
    x, y = pose.x, pose.y
    a, b, c = character["scene_a"], character["scene_b"], character["scene_c"]
    first = character.colour("sky_hue", "sky_saturation", "sky_value")
    second = character.colour(
        (character["sky_hue"] + character["ground_hue"]) % 1.0,
        character["sky_saturation"] * 0.9,
        (character["sky_value"] + character["ground_value"]).clamp(0.3, 1.0),
    )
    angle = (a - 0.5) * 1.6
    down = ramp((x - 0.5) * angle.sin() + (y - 0.5) * angle.cos(), -0.55, 0.55)
    picture = torch.lerp(first, second, down)
    kind = character["scene"].floor()
    soft = 0.012
    discs = torch.zeros_like(down)
    for index, (p, q, r) in enumerate(((a, b, c), (b, c, a), (c, a, b))):
        distance = circle(x - (1.2 * p - 0.1), y - (0.9 * q - 0.05), 0.07 + 0.13 * r)
        discs = torch.maximum(discs, ramp(distance, soft, -soft) * (0.9 - 0.2 * index))
    stripes = triangle_wave((x * angle.cos() - y * angle.sin()) * (4.0 + 5.0 * b) + c)
    stripes = ramp(stripes, 0.5 - 6 * soft, 0.5 + 6 * soft)
    hill = 0.50 + 0.25 * b + 0.06 * (x * (5.0 + 4.0 * c) + 6.0 * a).sin()
    hills = ramp(y - hill, -soft, soft)
    halo = ramp(circle(x - 0.5 - character["x"], y - 0.42, 0.30 + 0.16 * b), soft, -soft)
    pattern = stripes * (kind == 1) + discs * (kind == 2) + hills * (kind == 3) + halo * (kind == 4)
    tint = torch.where(c > 0.5, 1.0, -1.0) * torch.where(kind == 3, 0.14, 0.08)
    return picture.add_(pattern * tint).clamp_(0.0, 1.0)


def body(character: Character, pose: Pose, canvas: Canvas, skin: Tensor) -> None:
    """Neck and clothes, below a head that is painted later."""
    u, v = pose.body_u, pose.body_v + 0.32
    collar = character["collar"].floor()
    lean = u - (2.2 - v).clamp(0.0, 1.5) * pose.roll_slope
    flare = (v - 1.9).clamp(0.0, 0.8).square() * 0.9
    neck = torch.maximum((lean - 0.06 * pose.sine).abs() - 0.36 - flare, 0.6 - v)
    neck = torch.maximum(neck, v - 3.4)
    canvas.paint(neck, skin * 0.93, NECK, outline=0.045)

    colour = character.colour("cloth_hue", "cloth_saturation", "cloth_value")
    trim = character.colour("trim_hue", character["cloth_saturation"] * 0.8, "trim_value")
    shoulders = rounded_box(u, v - 4.72, 1.95, 2.3, 0.95)
    shoulders = torch.minimum(shoulders, torch.maximum(u.abs() * 0.55 + 2.02 - v, v - 4.0))
    round_neck = ellipse(u, v - 2.12, 0.62, 0.52)
    vee = torch.maximum(u.abs() * 0.88 + (v - 3.35) * 0.48, 1.2 - v)
    high = torch.maximum(torch.maximum(lean.abs() - 0.43, 1.72 - v), v - 2.8)
    opening = torch.where(collar == 1, vee, round_neck)
    garment = torch.where(
        collar == 2, torch.minimum(shoulders, high), torch.maximum(shoulders, -opening)
    )
    fold = ramp((u.abs() * 1.1 - 0.85 + 0.35 * v).sub_(1.5), 0.0, 1.2)
    shaded = colour * (1.04 - 0.2 * fold)
    bands = ramp(triangle_wave(v * 1.9 + character["trim_hue"]), 0.40, 0.5) * character["stripes"]
    shaded = torch.lerp(shaded, trim.expand_as(shaded), bands.expand_as(shaded[:, :1]))
    canvas.paint(garment, shaded, CLOTH, outline=0.06)
    edge = torch.maximum((opening - 0.07).abs() - 0.07, shoulders)
    lapels = torch.maximum(
        torch.maximum((u.abs() * 0.88 + (v - 3.0) * 0.5).abs() - 0.16, shoulders), v - 3.0
    )
    detail = torch.where(collar == 3, lapels, edge) + (collar == 2) * 9.0
    canvas.paint(detail, trim * 0.96, CLOTH, outline=0.035)


def under_chin(character: Character, pose: Pose, canvas: Canvas, face: Tensor) -> None:
    """The shadow of the head on the neck: where the face would be if it hung a little lower."""
    weight = ramp(face, 0.42, 0.30) * (canvas.labels == NECK)
    canvas.shade(weight, 0.74)
