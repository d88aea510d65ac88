"""Where the parts of a head lie in the picture.

Head units: the eyes of a frontal head lie at (-0.5, 0) and (0.5, 0), the mouth near (0, 1.1), the
chin near (0, 1.75). One unit is 0.24 of the picture at scale 1, which is the frame of CelebAMask-
HQ. A part at depth ``z`` moves by ``z sin(theta)`` when the head turns by ``theta``: that parallax
is all there is of a third dimension.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .character import Character

UNIT = 0.24
_NECK = 1.9  # the head tilts about a point this far below the eyes
_EYE_DEPTH, _NOSE_DEPTH, _MOUTH_DEPTH, _FRINGE_DEPTH = 0.60, 0.80, 0.70, 0.50
_MAX_ROLL = math.radians(20.0)


class Pose:
    """Planes of coordinates ``[N, 1, S, S]`` for the parts; the size of a pixel in head units."""

    def __init__(self, character: Character, size: int) -> None:
        device = character["x"].device
        steps = (torch.arange(size, device=device, dtype=torch.float32) + 0.5) / size
        unit = character["scale"] * UNIT
        self.x, self.y = steps.view(1, 1, 1, -1), steps.view(1, 1, -1, 1)
        self.pixel = 1.0 / (size * unit)
        self.theta = character["theta"]
        self.sine, self.cosine = self.theta.sin(), self.theta.cos()
        roll = character["roll"] * _MAX_ROLL
        roll_sine, roll_cosine = roll.sin(), roll.cos()
        # The eyes stay where the character has them, less half of what the tilt moves them by: the
        # body gives way too.
        eye_x = 0.5 + character["x"] + 0.5 * _NECK * unit * roll_sine
        neck_x = eye_x - _NECK * unit * roll_sine
        neck_y = character["y"] + _NECK * unit * roll_cosine
        self.body_u = (self.x - neck_x) / unit
        self.body_v = (self.y - neck_y) / unit + _NECK
        du, dv = self.body_u, self.body_v - _NECK
        self.u = du * roll_cosine + dv * roll_sine
        self.v = dv * roll_cosine - du * roll_sine + _NECK
        self.roll_slope = roll_sine / roll_cosine

        self.right = self.u > 0.68 * self.sine  # the viewer's right, the subject's left
        self.outward = self.right.float().mul_(2.0).sub_(1.0)
        self.eye_u = self._mirrored(0.5, _EYE_DEPTH, turn=0.5)
        self.nose_u = self.u - _NOSE_DEPTH * self.sine
        self.mouth_u = (self.u - _MOUTH_DEPTH * self.sine) / self.cosine
        self.fringe_u = self.u - _FRINGE_DEPTH * self.sine

    def _mirrored(self, offset: float, depth: float, turn: float) -> Tensor:
        """Distance outward from the nearer of two mirrored parts, foreshortened in a turn."""
        centres, widths = [], []
        for side in (-1.0, 1.0):
            centres.append(side * offset * self.cosine + depth * self.sine)
            seen = (self.theta + side * turn).cos() / math.cos(turn)
            widths.append(seen.clamp(0.42, 1.04))
        centre = torch.where(self.right, centres[1], centres[0])
        width = torch.where(self.right, widths[1], widths[0])
        return (self.u - centre).mul_(self.outward).div_(width)

    def beside(self, offset: float, depth: float) -> Tensor:
        """Outward distance from two mirrored parts at the sides of the head."""
        right = self.u > 0.0
        outward = right.float().mul_(2.0).sub_(1.0)
        return (self.u - depth * self.sine).mul_(outward).sub_(offset * (0.4 + 0.6 * self.cosine))
