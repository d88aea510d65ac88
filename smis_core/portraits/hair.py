"""Hair: the mass behind the head, fringe, side locks and tails, in strands from the crown."""

from __future__ import annotations

import torch
from torch import Tensor

from .canvas import Canvas
from .character import Character
from .pose import Pose
from .shapes import circle, ramp, rounded_box, tapered_capsule, triangle_wave

HAIR = 13
_SHORTEST, _LONGEST = 0.72, 2.40


class Hair:
    """One character's hair as layers to be painted at their turns, in one shared shading."""

    def __init__(self, character: Character, pose: Pose) -> None:
        self.character, self.pose = character, pose
        self.centre = -0.10 * pose.sine
        self.radius = character["hair_volume"]
        self.bottom = _SHORTEST + (_LONGEST - _SHORTEST) * character["hair_length"]
        u, v = pose.u, pose.v
        # Strands fan out from the crown and hang down below the brow.
        fan = (0.5 * v.clamp(-1.7, 0.3)).add_(1.15)
        flow = (pose.fringe_u - character["parting"]) / fan
        self.wave = triangle_wave(flow * character["strands"] + character["strand_phase"])
        fine = triangle_wave(flow * (character["strands"] * 2.6) + character["strand_phase"] * 3.0)
        groove = ramp(self.wave, 0.16, 0.0) * 0.20 + ramp(fine, 0.25, 0.0) * 0.07
        arc = v + 0.92 - 0.22 * pose.fringe_u.square() + 0.10 * self.wave
        shine = ramp(arc.abs_(), 0.13, 0.05) * character["shine"]
        base = character.colour("hair_hue", "hair_saturation", "hair_value")
        side = ramp(u * torch.sign(character["light"]), -1.2, 1.2) * 0.10
        depth = ramp(v, -0.8, 2.4) * 0.16
        tone = (1.03 - depth).sub_(side).sub_(groove)
        lit = character.colour(
            "hair_hue",
            character["hair_saturation"] * 0.45,
            (character["hair_value"] + 0.3).clamp_max(1.0),
        )
        self.colour = torch.lerp(base * tone, lit.expand(-1, -1, *u.shape[2:]), shine.expand_as(u))
        self.skull = circle(u - self.centre, v + 0.22, self.radius)
        parted = (pose.fringe_u - character["parting"]).abs().clamp_max_(1.1)
        curtain = character["curtain"]
        edge = -0.48 - 0.70 * curtain + character["fringe_height"]
        edge = edge + (0.04 + 1.15 * curtain) * parted.square() * parted
        edge = edge + character["sweep"] * pose.fringe_u.clamp(-0.9, 0.9)
        edge = edge + character["teeth"] * (self.wave - 0.35)
        # Over the eyes a fringe ends above the lids, so that a mask never asks for eyes that cannot
        # be seen.
        edge = torch.minimum(edge, -0.37 + 2.2 * (pose.fringe_u.abs() - 0.86).clamp_min(0.0))
        self.front = torch.maximum(self.skull, v - edge)
        self.front = torch.maximum(self.front, v - 0.35)

    def behind(self, canvas: Canvas) -> None:
        """The mass behind neck and face, and tails where the character has them."""
        u, v, character = self.pose.u - self.centre, self.pose.v, self.character
        spread = character["hair_flare"] * v.clamp(0.0, 2.0)
        half = (self.bottom + 0.6) / 2
        mass = rounded_box(u, v - (self.bottom - half), self.radius - 0.03 + spread, half, 0.42)
        mass = mass + 0.30 * ramp(v, self.bottom - 0.6, self.bottom) * (1.0 - self.wave)
        tail_u = self.pose.beside(1.12, -0.1)
        height = character["tail_height"]
        tails = tapered_capsule(
            tail_u, v, (0.18, height), (0.45, height + 0.9 + self.bottom * 0.6), 0.36, 0.12
        )
        tails = tails + (1.0 - character["tails"]) * 9.0
        canvas.paint(
            torch.minimum(tails, torch.minimum(mass, self.skull)),
            self.colour * 0.80,
            HAIR,
            outline=0.06,
        )

    def shadow(self, canvas: Canvas, face: Tensor) -> None:
        """What the fringe throws on the forehead."""
        weight = ramp(self.front, 0.20, 0.10) * canvas.coverage(face)
        canvas.shade(weight, 0.84)

    def over_face(self, canvas: Canvas) -> None:
        """Fringe and side locks."""
        character, v = self.character, self.pose.v
        canvas.paint(self.front, self.colour, HAIR, outline=0.05)
        lock_u = self.pose.beside(0.98, 0.40)
        width = character["lock"].clamp_min(0.0)
        locks = tapered_capsule(
            lock_u, v, (0.03, -0.40), (-0.03, character["lock_length"]), width + 0.01, width * 0.3
        )
        locks = locks + (width < 0.07) * 9.0
        canvas.paint(locks, self.colour * 0.97, HAIR, outline=0.045)
