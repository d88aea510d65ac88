"""Palettes to begin with, and palettes out of a mask's colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from smis_core._label_files import codes_of
from smis_core.images import UInt8Array
from smis_core.labels import PORTRAITS, UNPAINTED, UNPAINTED_COLOUR, LabelClass, LabelMap, Palette

MAX_COLOURS = 254
"""Colours that a mask may have beside paper to be taken for a palette."""

_KEYS = "1234567890"

# `distinct_colours(151)`: worked out once, because it takes a second.
_COLOURS = bytes.fromhex(
    "101010b030f0309010f0f030101070909090705050d0b0f070d0903030105050707090b07050101010d0b0b010"
    "909070f0f0d0101030b0d0d0d070f0d0f0907070505070703030307070905050b030305030309070b0b0505030"
    "b0905070d0b070b090d0d0505070b0d0d0f0f05010d03090b090d0f090707010f010505010703050f0b0b0b0d0"
    "9070d0b05070301050f0b070105090b0f0f0d090f0703010701070f0f070f01050109050101090b070901030b0"
    "f0b0907050d0f01030d050f07030505030d0d070b0f05070f0d0d090b070b0103050f0d0f09050903070d03070"
    "f0d0b090b050301010b010501010b0b09030d090b0f070d0f0f0b0f030d0f0d010d09090b0b0b0503030d030b0"
    "d07090f0d070105010f0b0b0f0d090b010d050701050505070d030f0f0f0701030b05090b0707050107030f010"
    "10d0f0b05010f0703090703050f070b0705030705010709030103070d0d0d030f0b0b090f0b050b050b0b01010"
    "f0b0107030703090701010f0b070309030b0b0f050b09090d030107030f050f09050305090d070707070503010"
    "b090b070303030b070f090b070309070101010b03010707070b0f0d0305070d050b01090707030b070d070b0d0"
    "b050f0"
)

_CELEBAMASK_NAMES = """
background, skin, nose, eye_g, l_eye, r_eye, l_brow, r_brow, l_ear, r_ear, mouth, u_lip, l_lip,
hair, hat, ear_r, neck_l, neck, cloth
"""

_ADE20K_NAMES = """
wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk,
person, earth, door, table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf,
house, sea, mirror, rug, field, armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub,
railing, cushion, base, box, column, signboard, chest of drawers, counter, sand, sink, skyscraper,
fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table, pillow, screen door,
stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill, bench,
countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel,
bus, towel, light, truck, tower, chandelier, awning, streetlight, booth, television receiver,
airplane, dirt track, apparel, pole, land, bannister, escalator, ottoman, bottle, buffet, poster,
stage, van, ship, fountain, conveyer belt, canopy, washer, plaything, swimming pool, stool,
barrel, basket, waterfall, tent, bag, minibike, cradle, oven, ball, food, step, tank, trade name,
microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce, vase,
traffic light, tray, ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower,
radiator, glass, clock, flag
"""


def _split(names: str) -> list[str]:
    return " ".join(names.split()).split(", ")


def numbered(
    name: str,
    names: Sequence[str],
    *,
    first: int = 0,
) -> Palette:
    """A palette from names alone; colours are as far apart as possible, digits are keys.

    Args:
        name: of the palette.
        names: of its classes, at most 151, in the order of their indices.
        first: index of the first class.

    Raises:
        ValueError: a name is doubled or not possible, or there are too many.
    """
    if len(names) > len(_COLOURS) // 3:
        raise ValueError(f"names: at most {len(_COLOURS) // 3} were wanted, got {len(names)}")
    return Palette(
        name,
        tuple(
            LabelClass(
                first + number,
                each,
                (_COLOURS[3 * number], _COLOURS[3 * number + 1], _COLOURS[3 * number + 2]),
                _KEYS[number] if number < len(_KEYS) else "",
            )
            for number, each in enumerate(names)
        ),
    )


def landmarks(count: int) -> Palette:
    """Points that have a class each: 'landmark 1' to 'landmark N' above class 0, 'unknown'."""
    return numbered("landmarks", ["unknown", *(f"landmark {n + 1}" for n in range(count))])


CELEBAMASK_HQ = Palette(
    "CelebAMask-HQ",
    tuple(
        LabelClass(label.index, _split(_CELEBAMASK_NAMES)[label.index], label.colour, label.key)
        for label in PORTRAITS.classes
    ),
)
"""The names that the data set's files use; colours and keys are those of `PORTRAITS`."""

ADE20K = numbered("ADE20K", _split(_ADE20K_NAMES), first=1)
"""The 150 classes of the scene parsing benchmark (Zhou et al. 2017), 1 to 150 as in its files,
where 0 is 'other' (read as unpainted). The colours are ours."""

# The few-shot paper's data sets (Endo and Kanamori 2021). Its masks number their classes; where
# the names are not published, they are ours, after what the masks show. 'Left' is the subject's.

CELEBA_LANDMARK_HQ = Palette("CelebALandmark-HQ", landmarks(70).classes)
"""70 facial landmarks, one class each; 0 is unknown. Their names are ours."""

LSUN_CHURCH = numbered("LSUN church", ["other", *(label.name for label in ADE20K.classes)])
"""ADE20K's 150 classes, and 0 for what is none of them."""

LSUN_CAR = numbered("LSUN car", ["background", "body", "windows", "lights", "wheels"])
"""The paper's parts of a car."""

LSUN_CAT = numbered(
    "LSUN cat",
    [
        "unknown",
        "body",
        "right leg",
        "left leg",
        "mouth",
        "right eye",
        "left eye",
        "right ear",
        "left ear",
    ],
)
"""Scribbles on a cat; the names are ours."""

UKIYO_E = numbered(
    "ukiyo-e",
    ["unknown", "mouth", "nose", "right eye", "left eye", "right brow", "left brow", "hair"],
)
"""Scribbles on a face; the names are ours."""

ANIME = numbered("anime", ["unknown", "cross lines"])
"""The cross with which illustrators block in a face; the names are ours."""

PRESETS: dict[str, Palette] = {
    palette.name: palette
    for palette in (
        PORTRAITS,
        CELEBAMASK_HQ,
        ADE20K,
        CELEBA_LANDMARK_HQ,
        LSUN_CHURCH,
        LSUN_CAR,
        LSUN_CAT,
        UKIYO_E,
        ANIME,
    )
}
"""Palettes by name. With CelebAMask-HQ, the last six are the few-shot paper's seven data sets."""


def from_colours(
    pixels: UInt8Array,  # [H, W, 3]
    *,
    name: str = "imported",
) -> LabelMap:
    """A mask whose colours become its classes, the most frequent first.

    Args:
        pixels: uint8 ``[H, W, 3]``. White is paper: it stays unpainted.
        name: of the palette; its classes are called 'colour 1' and so on.

    Raises:
        ValueError: the array is another, is white alone, or has more than ``MAX_COLOURS`` colours.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ValueError(f"mask: uint8 [H, W, 3] was wanted, got {pixels.dtype} {pixels.shape}")
    codes = codes_of(pixels)
    found, counts = np.unique(codes, return_counts=True)
    paper = int(codes_of(np.array(UNPAINTED_COLOUR, dtype=np.uint8)))
    counts, found = counts[found != paper], found[found != paper]
    if not 1 <= len(found) <= MAX_COLOURS:
        raise ValueError(
            f"mask: 1 to {MAX_COLOURS} colours beside white were wanted, got {len(found)}; a "
            "photograph or a smoothed drawing is no mask: draw without antialiasing"
        )
    order = found[np.argsort(-counts, kind="stable")]
    classes = tuple(
        LabelClass(
            number,
            f"colour {number + 1}",
            (int(code) >> 16, int(code) >> 8 & 255, int(code) & 255),
            _KEYS[number] if number < len(_KEYS) else "",
        )
        for number, code in enumerate(order)
    )
    return LabelMap(_numbers(codes, order), Palette(name, classes))


def _numbers(
    codes: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],  # [colours], by index
) -> UInt8Array:
    known = np.argsort(order)
    place = np.searchsorted(order[known], codes).clip(max=len(order) - 1)
    matched = order[known][place] == codes
    indices: UInt8Array = np.where(matched, known[place], UNPAINTED).astype(np.uint8)
    return indices
