"""How far apart colours look, also to people who do not tell red from green."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

_Floats: TypeAlias = npt.NDArray[np.float64]
Colour: TypeAlias = tuple[int, int, int]

# Machado, Oliveira and Fernandes 2009, table of severity 1.0; they act on linear RGB.
_VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
_WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(
    colours: npt.ArrayLike,  # [N, 3]
    vision: str = "normal",
) -> _Floats:
    """sRGB of 0 to 255 as CIE L*a*b* (D65), ``[N, 3]``, as a kind of vision sees it.

    Args:
        colours: ``[N, 3]``.
        vision: ``"normal"``, ``"protanopia"`` or ``"deuteranopia"``.
    """
    levels = np.asarray(colours, dtype=np.float64) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    seen = (linear @ _VISIONS[vision].T).clip(0, 1)
    ratio = seen @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def ciede2000(
    one: _Floats,  # [..., 3]
    other: _Floats,  # [..., 3]
) -> _Floats:
    """The CIEDE2000 difference of L*a*b* colours (Sharma, Wu and Dalal 2005), broadcast."""
    l1, a1, b1 = np.moveaxis(one, -1, 0)
    l2, a2, b2 = np.moveaxis(other, -1, 0)
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    apart = np.abs(h1 - h2) > 180
    hue = np.where(grey, h1 + h2, (h1 + h2 + np.where(apart, 360, 0)) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(np.radians(hue - 30))
        + 0.24 * np.cos(np.radians(2 * hue))
        + 0.32 * np.cos(np.radians(3 * hue + 6))
        - 0.20 * np.cos(np.radians(4 * hue - 63))
    )
    from_grey = (light - 50) ** 2
    s_light = 1 + 0.015 * from_grey / np.sqrt(20 + from_grey)
    s_chroma, s_hue = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    hue_bump = np.exp(-((((hue % 360) - 275) / 25) ** 2))
    twist = np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * 2 * np.sin(np.radians(60 * hue_bump))
    x, y, z = (l2 - l1) / s_light, (c2 - c1) / s_chroma, d_hue / s_hue
    difference: _Floats = np.sqrt(np.maximum(x * x + y * y + z * z - twist * y * z, 0))
    return difference


def nearest_pair(colours: npt.ArrayLike) -> tuple[float, str, int, int]:
    """The two colours that are hardest to tell apart: difference, vision, and which they are."""
    found = []
    for vision in _VISIONS:
        seen = lab(colours, vision)
        difference = ciede2000(seen[:, None], seen[None])
        difference[np.tril_indices(len(seen))] = np.inf
        one, other = np.unravel_index(int(difference.argmin()), difference.shape)
        found.append((float(difference[one, other]), vision, int(one), int(other)))
    return min(found)


def distinct_colours(
    count: int,
    *,
    taken: Sequence[Colour] = ((255, 255, 255),),
) -> list[Colour]:
    """Colours as far as possible from each other and from those taken, in every vision.

    Args:
        count: how many; the same ones come first whatever the count.
        taken: RGB of 0 to 255, at least one.

    Returns:
        RGB of 0 to 255, each the farthest from all before it on a grid of levels.
    """
    levels = np.linspace(16, 240, 8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    views = {vision: lab(grid, vision) for vision in _VISIONS}
    room = np.full(len(grid), np.inf)

    def avoid(colour: npt.ArrayLike) -> None:
        for vision, seen in views.items():
            placed = lab(np.asarray(colour)[None], vision)
            np.minimum(room, ciede2000(seen, placed), out=room)

    for colour in taken:
        avoid(colour)
    chosen: list[Colour] = []
    for _ in range(count):
        best = grid[int(room.argmax())]
        avoid(best)
        red, green, blue = (int(level) for level in best)
        chosen.append((red, green, blue))
    return chosen
