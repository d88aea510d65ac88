"""The face and what is on it: ears, nose, mouth, eyes, brows, glasses and hat."""

from __future__ import annotations

import torch
from torch import Tensor

from .canvas import Canvas
from .character import Character
from .pose import Pose
from .shapes import circle, ellipse, ramp, rounded_box, tapered_capsule

SKIN, NOSE, GLASSES, MOUTH, UPPER_LIP, LOWER_LIP, HAT = 1, 2, 3, 10, 11, 12, 14
# (the subject's left, the subject's right)
EYES, BROWS, EARS = (4, 5), (6, 7), (8, 9)
_TONES = ((1.0, 0.90, 0.83), (0.93, 0.74, 0.60), (0.62, 0.42, 0.31))


def skin_colour(character: Character) -> Tensor:
    light, tan, dark = (
        torch.tensor(tone, device=character["skin"].device).view(1, 3, 1, 1) for tone in _TONES
    )
    skin = character["skin"]
    return torch.where(
        skin < 0.5, torch.lerp(light, tan, skin * 2), torch.lerp(tan, dark, skin * 2 - 1)
    )


class Head:
    """One character's head as layers to be painted at their turns."""

    def __init__(self, character: Character, pose: Pose, skin: Tensor) -> None:
        self.character, self.pose, self.skin = character, pose, skin
        sine, jaw = pose.sine, character["jaw"]
        self.face = tapered_capsule(
            pose.u,
            pose.v,
            (0.10 * sine, 0.08),
            (0.36 * sine, character["chin"] - jaw),
            character["face_width"],
            jaw,
        )
        cheeks = ellipse(
            pose.u - 0.22 * sine,
            pose.v - 0.35,
            0.94 * character["face_width"],
            character["chin"] - 0.40,
        )
        self.face = torch.minimum(self.face, cheeks)
        anger = (-character["mood"]).clamp_min(0.0)
        ex, half_width = pose.eye_u, character["eye_width"]
        height = character["eye_height"] * (1.0 - 0.12 * anger)
        bow = 1.0 - (ex / half_width).square()
        slant = character["eye_slant"] + 0.16 * anger
        self.lid = -height * bow.clamp_min(-1.5) - slant * ex
        self.eye = torch.maximum(
            self.lid - pose.v, pose.v - (0.80 * height * bow.clamp_min(-1.5) - 0.5 * slant * ex)
        )

    def _sided(self, labels: tuple[int, int]) -> Tensor:
        left, right = (
            torch.tensor(label, dtype=torch.uint8, device=self.skin.device) for label in labels
        )
        return torch.where(self.pose.right, left, right)

    def ears(self, canvas: Canvas, *, near_only: bool) -> None:
        """Both ears before the face hides what it may; the one turned to us again, after it."""
        pose = self.pose
        ear = ellipse(pose.beside(1.04, -0.06), pose.v - 0.32, 0.20, 0.34)
        inner = ear + 0.09
        side = torch.where(pose.u > 0.0, 1.0, -1.0)
        if near_only:
            near = (side * pose.sine) < -0.12
            ear, inner = ear + ~near * 9.0, inner + ~near * 9.0
        label = torch.where(pose.u > 0.0, EARS[0], EARS[1]).to(torch.uint8)
        canvas.paint(ear, self.skin * 0.96, label, outline=0.045)
        canvas.paint(
            inner, self.skin * torch.tensor((0.88, 0.76, 0.74), device=side.device).view(1, 3, 1, 1)
        )

    def base(self, canvas: Canvas) -> None:
        """Skin with its shaded side and blush."""
        pose, character = self.pose, self.character
        light = character["light"]
        shade = ramp(pose.u * torch.sign(light) - 0.3 * pose.sine, 0.35, 0.95) * (
            0.05 + 0.10 * light.abs()
        )
        colour = self.skin * (1.0 - shade)
        canvas.paint(self.face, colour, SKIN, outline=0.05)
        cheeks = ellipse(pose.eye_u - 0.08, pose.v - 0.58, 0.30, 0.17)
        rose = torch.tensor((0.95, 0.45, 0.42), device=shade.device).view(1, 3, 1, 1)
        weight = ramp(cheeks, 0.07, -0.12) * character["blush"] * canvas.coverage(self.face)
        canvas.picture.lerp_(rose.expand_as(canvas.picture), weight.expand_as(canvas.picture))

    def nose(self, canvas: Canvas) -> None:
        pose = self.pose
        u, v = pose.nose_u, pose.v
        turn = 0.10 * pose.sine
        nose = tapered_capsule(-u, -v, (-turn, -0.60), (0.0, -0.34), 0.125, 0.06)
        canvas.paint(
            nose,
            self.skin * torch.tensor((0.95, 0.86, 0.83), device=u.device).view(1, 3, 1, 1),
            NOSE,
        )
        canvas.paint(circle(u - turn + 0.02, v - 0.55, 0.06), (self.skin * 1.08).clamp_max(1.0))
        under = torch.maximum(circle(u - turn, v - 0.58, 0.115), 0.64 - v)
        canvas.paint(
            under, self.skin * torch.tensor((0.72, 0.56, 0.53), device=u.device).view(1, 3, 1, 1)
        )

    def mouth(self, canvas: Canvas) -> None:
        """Lips that the mood bends, open by up to a third of a unit, teeth and tongue inside."""
        pose, character = self.pose, self.character
        mood, width = character["mood"], character["mouth_width"]
        gap = character["mouth_open"] * 0.17
        width = width * (1.0 + 0.12 * mood.clamp_min(0.0) - 0.35 * gap)
        reach = (pose.mouth_u / width).square()
        bow = 1.0 - reach
        line = pose.v - 1.10 - 0.17 * (mood + 0.25) * (0.5 - reach.clamp_max(1.6))
        arch = bow.clamp_min(-1.0)
        inside = line.abs() - gap * arch
        upper = torch.maximum(-line - (gap + 0.105) * arch, line + gap * arch)
        lower = torch.maximum(line - (gap + 0.130) * arch, -line + gap * arch)
        ends = (pose.mouth_u.abs() - width * 1.02) * pose.cosine
        red = torch.tensor((0.86, 0.36, 0.38), device=line.device).view(1, 3, 1, 1)
        lips = torch.lerp(
            self.skin * torch.tensor((0.95, 0.68, 0.66), device=line.device).view(1, 3, 1, 1),
            red,
            character["lip_redness"],
        )
        canvas.paint(torch.maximum(lower, ends), lips, LOWER_LIP)
        canvas.paint(torch.maximum(upper, ends), lips * 0.80, UPPER_LIP)
        seam = torch.maximum(line.abs() - 0.022, ends - 0.03)
        canvas.paint(seam, lips * 0.45)
        dark = torch.tensor((0.42, 0.12, 0.15), device=line.device).view(1, 3, 1, 1)
        hollow = torch.maximum(inside, ends) + (gap < 0.015) * 9.0
        canvas.paint(hollow, dark, MOUTH)
        open_wide = (gap - 0.03).clamp_min(0.0)
        white = torch.tensor((0.97, 0.96, 0.94), device=line.device).view(1, 3, 1, 1)
        canvas.paint(torch.maximum(hollow + 0.012, line + gap - 0.9 * open_wide - 0.01), white)
        tongue = torch.tensor((0.88, 0.42, 0.44), device=line.device).view(1, 3, 1, 1)
        canvas.paint(
            torch.maximum(
                hollow + 0.02, ellipse(pose.mouth_u, line - gap, width * 0.6, 0.9 * gap + 0.01)
            ),
            tongue,
        )

    def eyes(self, canvas: Canvas) -> None:
        """White, iris, pupil, two highlights and the lashes, both sides at once."""
        pose, character = self.pose, self.character
        ex, v = pose.eye_u, pose.v
        label = self._sided(EYES)
        lash_width = 0.055 + 0.05 * (ex / character["eye_width"]).clamp(-0.6, 1.2)
        wing = character["eye_width"] * 1.12
        lash = torch.maximum((v - self.lid).abs() - lash_width, ex.abs() - wing)
        dark = character.colour(
            "hair_hue", character["hair_saturation"] * 0.6, character["hair_value"] * 0.22 + 0.04
        )
        below = ramp(v - self.lid, 0.22, 0.04)
        white = 0.99 - 0.20 * below
        canvas.paint(self.eye, white.expand(-1, 3, -1, -1), label)
        # Gaze goes with the picture, not with the mirror.
        look = 0.14 * character["gaze"] * pose.outward
        iu, iv = ex - look, v - 0.02
        height = character["eye_height"]
        iris = torch.maximum(ellipse(iu, iv, 0.205, height * 0.92), self.eye)
        colour = character.colour("eye_hue", "eye_saturation", "eye_value")
        tone = 0.50 + 0.62 * ramp(iv, -0.8 * height, 0.85 * height)
        canvas.paint(iris, (colour * tone).clamp_max(1.0), outline=0.04)
        pupil = torch.maximum(ellipse(iu, iv + 0.01, 0.085, height * 0.42), self.eye)
        canvas.paint(pupil, colour * 0.16)
        canvas.paint(lash, dark.expand_as(colour), label)
        screen = iu * pose.outward
        bright = torch.ones_like(colour)
        canvas.paint(circle(screen + 0.075, iv + 0.45 * height, 0.072), bright)
        canvas.paint(circle(screen - 0.08, iv - 0.42 * height, 0.045), bright, opacity=0.8)

    def brows(self, canvas: Canvas) -> None:
        pose, character = self.pose, self.character
        ex, mood = pose.eye_u, character["mood"]
        anger, joy = (-mood).clamp_min(0.0), mood.clamp_min(0.0)
        arc = (
            -0.60 - 0.07 * joy + 0.07 * anger + 0.42 * ex.square() * (1.0 + 0.4 * joy - 0.6 * anger)
        )
        arc = arc - 0.36 * (anger - 0.35 * joy - 0.12) * ex
        thickness = character["brow"] * (1.12 - 0.5 * (ex / 0.4).clamp(-0.5, 1.0))
        brow = torch.maximum((pose.v - arc).abs() - thickness, ex.abs() - 0.37)
        colour = character.colour(
            "hair_hue", "hair_saturation", character["hair_value"] * 0.42 + 0.03
        )
        canvas.paint(brow, colour, self._sided(BROWS))

    def lenses(self, canvas: Canvas) -> None:
        """Tinted glass below the eyes' own colours; its class gives way to theirs."""
        glass = self._lens()
        tint = torch.tensor((0.80, 0.90, 0.97), device=glass.device).view(1, 3, 1, 1)
        weight = canvas.coverage(glass) * 0.22
        canvas.picture.lerp_(tint.expand_as(canvas.picture), weight.expand_as(canvas.picture))
        canvas.labels.masked_fill_(glass < 0, GLASSES)

    def frames(self, canvas: Canvas) -> None:
        pose, character = self.pose, self.character
        glass = self._lens()
        rim = (glass - 0.03).abs() - 0.042
        absent = (1.0 - character["glasses"]) * 9.0
        bridge = torch.maximum((pose.v - 0.0).abs() - 0.04, pose.nose_u.abs() - 0.2) + absent
        arm = torch.maximum((pose.v - 0.0).abs() - 0.035, (pose.eye_u - 0.6).abs() - 0.18) + absent
        colour = character.colour("frame_hue", character["frame_shape"] * 0.7, "frame_value")
        canvas.paint(torch.minimum(rim, torch.minimum(bridge, arm)), colour, GLASSES)

    def _lens(self) -> Tensor:
        pose, character = self.pose, self.character
        u, v = pose.eye_u - 0.02, pose.v - 0.06
        shape = torch.where(
            character["frame_shape"] > 0.5,
            ellipse(u, v, 0.45, 0.42),
            rounded_box(u, v, 0.45, 0.37, 0.12),
        )
        return shape + (1.0 - character["glasses"]) * 9.0

    def hat(self, canvas: Canvas) -> None:
        """A knitted cap with a band, or a hat with a brim."""
        pose, character = self.pose, self.character
        u, v = pose.u + 0.06 * pose.sine, pose.v
        absent = (1.0 - character["hat"]) * 9.0
        brimmed = character["hat_kind"] > 0.55
        sag = 0.16 * (pose.fringe_u / 1.3).square()
        colour = character.colour("hat_hue", "hat_saturation", "hat_value")
        dome = (
            torch.maximum(circle(u, v + 0.42, character["hair_volume"] + 0.14), v + 0.72 - sag)
            + absent
        )
        ribs = ramp((u / (v * 0.5 + 1.5)).mul(9.0).sin(), 0.3, 0.9) * ~brimmed
        canvas.paint(
            dome,
            colour
            * (1.0 - 0.12 * ribs - 0.10 * ramp(u * torch.sign(character["light"]), -1.0, 1.2)),
            HAT,
            outline=0.06,
        )
        reach = torch.where(brimmed, 1.85, character["hair_volume"] + 0.10)
        thick = torch.where(brimmed, 0.13, 0.17)
        band = torch.maximum((v + 0.80 - sag).abs() - thick, u.abs() - reach) + absent
        ribbon = torch.maximum((v + 1.05 - sag).abs() - 0.13, dome) + ~brimmed * 9.0
        trim = character.colour(
            "trim_hue", character["hat_saturation"], character["hat_value"] * 0.8
        )
        canvas.paint(ribbon, trim, HAT)
        canvas.paint(band, torch.where(brimmed, colour * 0.92, trim), HAT, outline=0.05)
