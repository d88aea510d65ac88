"""Signed distances of the shapes a portrait is made of.

Every function takes planes of coordinates ``[N, 1, H, W]`` in head units and parameters ``[N, 1, 1,
1]`` or numbers, and returns a plane that is negative inside. Distances are exact for circles, boxes
and tapered capsules and first order elsewhere, which is enough for an edge that is one pixel wide.
"""

from __future__ import annotations

import torch
from torch import Tensor

Value = Tensor | float


def circle(u: Tensor, v: Tensor, radius: Value) -> Tensor:
    return torch.hypot(u, v).sub_(radius)


def ellipse(u: Tensor, v: Tensor, half_width: Value, half_height: Value) -> Tensor:
    """First-order distance: the implicit function over the length of its gradient."""
    p, q = u / half_width, v / half_height
    length = torch.hypot(p, q)
    slope = torch.hypot(p / half_width, q / half_height).clamp_min_(1e-3)
    return length.sub(1.0).mul_(length).div_(slope)


def rounded_box(
    u: Tensor, v: Tensor, half_width: Value, half_height: Value, radius: Value
) -> Tensor:
    du = u.abs() - (half_width - radius)
    dv = v.abs() - (half_height - radius)
    inside = torch.maximum(du, dv).clamp_max(0.0)
    return torch.hypot(du.clamp_min_(0.0), dv.clamp_min_(0.0)).add_(inside).sub_(radius)


def tapered_capsule(
    u: Tensor,
    v: Tensor,
    start: tuple[Value, Value],
    end: tuple[Value, Value],
    start_radius: Value,
    end_radius: Value,
) -> Tensor:
    """Two discs and the tangents that join them; ``start_radius`` is the larger one."""
    axis_u, axis_v = torch.as_tensor(end[0] - start[0]), torch.as_tensor(end[1] - start[1])
    length = torch.hypot(axis_u, axis_v)
    axis_u, axis_v = axis_u / length, axis_v / length
    pu, pv = u - start[0], v - start[1]
    across = (pu * axis_v - pv * axis_u).abs_()
    along = pu.mul_(axis_u).addcmul_(pv, axis_v)
    sine = (start_radius - end_radius) / length
    cosine = (1.0 - sine * sine).clamp_min(1e-4).sqrt()
    position = along * cosine - across * sine
    side = across * cosine + along * sine - start_radius
    near = torch.hypot(across, along).sub_(start_radius)
    far = torch.hypot(across, along - length).sub_(end_radius)
    return torch.where(position < 0, near, torch.where(position > cosine * length, far, side))


def triangle_wave(x: Tensor) -> Tensor:
    """0 at every integer, 1 half-way between them."""
    return (x - x.floor()).mul_(2.0).sub_(1.0).abs_().neg_().add_(1.0)


def ramp(x: Tensor, low: Value, high: Value) -> Tensor:
    """0 below ``low``, 1 above ``high``, linear in between."""
    return ((x - low) / (high - low)).clamp_(0.0, 1.0)
