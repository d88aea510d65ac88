"""Seed -> what a character is like: the attributes that are measured and the style that is not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

CONTINUOUS = ("yaw", "roll", "mood", "mouth_open", "gaze", "hair_length", "skin")
CIRCULAR = ("hair_hue", "eye_hue")
BINARY = ("glasses", "hat")
SATURATIONS = {"hair_hue": "hair_saturation", "eye_hue": "eye_saturation"}

# name: (lowest, highest, shape of the distribution). "even" is uniform, "centred" the mean of two
# uniform draws, "rare" a coin that shows the highest value with the probability given in place of
# the lowest.
_DRAWS: dict[str, tuple[float, float, str]] = {
    "yaw": (-1.0, 1.0, "centred"),
    "roll": (-1.0, 1.0, "centred"),
    "mood": (-1.0, 1.0, "even"),
    "mouth_open": (-0.45, 1.0, "even"),
    "gaze": (-1.0, 1.0, "centred"),
    "hair_length": (0.0, 1.0, "even"),
    "skin": (0.0, 1.0, "even"),
    "hair_hue": (0.0, 1.0, "even"),
    "hair_saturation": (0.05, 0.85, "even"),
    "eye_hue": (0.0, 1.0, "even"),
    "eye_saturation": (0.25, 0.9, "even"),
    "glasses": (0.2, 1.0, "rare"),
    "hat": (0.16, 1.0, "rare"),
    "x": (-0.055, 0.055, "centred"),
    "y": (0.435, 0.525, "centred"),
    "scale": (0.80, 1.10, "centred"),
    "light": (-1.0, 1.0, "even"),
    "hair_value": (0.28, 0.95, "even"),
    "hair_volume": (1.20, 1.36, "even"),
    "hair_flare": (-0.06, 0.14, "even"),
    "parting": (-0.6, 0.6, "centred"),
    "curtain": (-0.25, 1.0, "even"),
    "fringe_height": (-0.08, 0.08, "even"),
    "sweep": (-0.5, 0.5, "even"),
    "teeth": (0.04, 0.24, "even"),
    "strands": (2.2, 3.8, "even"),
    "strand_phase": (0.0, 1.0, "even"),
    "shine": (0.15, 0.5, "even"),
    "lock": (-0.1, 0.21, "even"),
    "lock_length": (0.75, 2.3, "even"),
    "tails": (0.14, 1.0, "rare"),
    "tail_height": (-0.55, 0.35, "even"),
    "face_width": (0.94, 1.04, "even"),
    "chin": (1.60, 1.78, "even"),
    "jaw": (0.36, 0.62, "even"),
    "eye_height": (0.25, 0.33, "even"),
    "eye_width": (0.32, 0.39, "even"),
    "eye_slant": (-0.06, 0.08, "even"),
    "eye_value": (0.55, 0.95, "even"),
    "brow": (0.05, 0.07, "even"),
    "mouth_width": (0.30, 0.39, "even"),
    "lip_redness": (0.1, 0.75, "even"),
    "blush": (0.0, 0.4, "even"),
    "cloth_hue": (0.0, 1.0, "even"),
    "cloth_saturation": (0.05, 0.75, "even"),
    "cloth_value": (0.25, 0.97, "even"),
    "trim_hue": (0.0, 1.0, "even"),
    "trim_value": (0.3, 1.0, "even"),
    "collar": (0.0, 4.0, "even"),
    "stripes": (0.25, 1.0, "rare"),
    "sky_hue": (0.0, 1.0, "even"),
    "sky_saturation": (0.08, 0.5, "even"),
    "sky_value": (0.55, 1.0, "even"),
    "ground_hue": (-0.18, 0.18, "centred"),
    "ground_value": (-0.35, 0.1, "even"),
    "scene": (0.0, 5.0, "even"),
    "scene_a": (0.0, 1.0, "even"),
    "scene_b": (0.0, 1.0, "even"),
    "scene_c": (0.0, 1.0, "even"),
    "frame_shape": (0.0, 1.0, "even"),
    "frame_hue": (0.0, 1.0, "even"),
    "frame_value": (0.1, 0.7, "even"),
    "hat_kind": (0.0, 1.0, "even"),
    "hat_hue": (0.0, 1.0, "even"),
    "hat_saturation": (0.1, 0.75, "even"),
    "hat_value": (0.3, 0.95, "even"),
}
_BOUNDS = {
    "mouth_open": (0.0, 1.0),
    "curtain": (0.0, 1.0),
    "glasses": (0.0, 1.0),
    "hat": (0.0, 1.0),
    "tails": (0.0, 1.0),
}


class Character(dict[str, Tensor]):
    """A value a name and picture, float32 ``[N, 1, 1, 1]``, ready to meet planes of pixels."""

    def colour(self, hue: Tensor | str, saturation: Tensor | str, value: Tensor | str) -> Tensor:
        """RGB ``[N, 3, 1, 1]`` in [0, 1] of a hue, a saturation, a value, by name or as given."""
        h, s, v = (
            self[part] if isinstance(part, str) else part for part in (hue, saturation, value)
        )
        return hsv_to_rgb(h, s, v)


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    offsets = torch.tensor([5.0, 3.0, 1.0], device=hue.device).view(1, 3, 1, 1)
    k = (offsets + hue * 6.0) % 6.0
    return value - value * saturation * torch.minimum(k, 4.0 - k).clamp(0.0, 1.0)


def draw_characters(
    seeds: Sequence[int],
    *,
    overrides: Mapping[str, float | Tensor] | None = None,
    device: torch.device | str = "cpu",
) -> Character:
    """Draw the values of ``seeds``, each from its own stream, then put in ``overrides``.

    Raises:
        ValueError: a seed below 0, or an override that is not a name of this module or not one
            value a seed.
    """
    if any(seed < 0 for seed in seeds):
        raise ValueError(
            f"seeds are whole numbers from 0 up, got {min(seeds)}; choose another seed"
        )
    width = 2 * len(_DRAWS)
    draws = np.stack([np.random.Generator(np.random.PCG64(seed)).random(width) for seed in seeds])
    uniform = torch.from_numpy(draws.astype(np.float32)).to(device)
    character = Character()
    for column, (name, (low, high, shape)) in enumerate(_DRAWS.items()):
        first, second = uniform[:, 2 * column], uniform[:, 2 * column + 1]
        if shape == "rare":
            drawn = (first < low).float() * high
        else:
            drawn = low + (high - low) * (first if shape == "even" else (first + second) / 2)
        if name in _BOUNDS:
            drawn = drawn.clamp(*_BOUNDS[name])
        character[name] = drawn.view(-1, 1, 1, 1)
    for name, given in (overrides or {}).items():
        if name not in character:
            raise ValueError(
                f"no trait is called {name!r}; choose from {', '.join(sorted(character))}"
            )
        values = torch.as_tensor(given, dtype=torch.float32, device=device)
        if values.numel() not in (1, len(seeds)):
            raise ValueError(
                f"override {name!r} wants one value or one a seed ({len(seeds)}), "
                f"got {values.numel()}"
            )
        character[name] = values.reshape(-1, 1, 1, 1).expand(len(seeds), 1, 1, 1)
    character["theta"] = character["yaw"] * (math.pi / 4)
    return character
