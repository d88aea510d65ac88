"""The main job as a person does it: the notebook, a mouse, and a judge who looks at the result.

In a real JupyterLab the face is moved sideways, part by part, and the hair is lengthened. The label
map must hold what was drawn, and the judge, which never taught the synthesiser anything, must find
mouth and hair where they were drawn rather than where they were. A mouth alone cannot leave its
face: no portrait shows one beside or under its place, and the synthesiser draws portraits.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from browser.drawing import Hand
from browser.jupyter import REPOSITORY, Kernel, Lab, keep_screenshot
from playwright.sync_api import Page
from scipy import ndimage

from smis_core.evaluation.judge import load_judge
from smis_core.labels import MERGED, PORTRAITS, LabelMap

NOTEBOOK = "01_sketch_a_portrait.ipynb"
HAIR, SKIN = (PORTRAITS.by_name(name) for name in ("hair", "skin"))
FEATURES = [
    *(PORTRAITS.by_index(index) for name in ("eyes", "brows", "mouth") for index in MERGED[name]),
    PORTRAITS.by_name("nose"),
]


@pytest.fixture(scope="module")
def studio(lab: Lab, page: Page):
    """The notebook's studio on screen, and its kernel."""
    shutil.copy(REPOSITORY / "notebooks" / NOTEBOOK, lab.folder)
    lab.open(page, NOTEBOOK)
    page.locator(".smis-studio .smis-surface").wait_for(timeout=180_000)
    page.locator(".smis-portrait [data-painted]").wait_for()
    with lab.kernel() as kernel:
        yield page, kernel


def drawing(kernel: Kernel) -> np.ndarray:
    time.sleep(0.3)
    assert kernel.becomes("studio.pad.drawing", False)
    return np.array(kernel.value("studio.pad.value.indices.tolist()"), np.uint8)


def portrait(page: Page, kernel: Kernel, folder: Path) -> torch.Tensor:
    """The portrait of the finished drawing, once it is on screen."""
    finished = "studio.portrait.final and studio.portrait.mask == studio.pad.value"
    assert kernel.becomes(finished, True)
    assert kernel.value("studio.wait(60)")
    # The notebook scrolled on to its last cell, and what is not seen is not drawn.
    page.locator(".smis-portrait .smis-picture").scroll_into_view_if_needed()
    frame = kernel.value("studio.view.frame")
    page.wait_for_function(
        """frame => {
            const view = document.querySelector('.smis-portrait [data-painted]');
            return +view.dataset.painted >= frame;
        }""",
        arg=frame,
    )
    path = folder / f"portrait-{frame}.npy"
    kernel.run(f"import numpy; numpy.save({str(path)!r}, studio.portrait.image.cpu().numpy())")
    return torch.from_numpy(np.load(path))


def iou(found: np.ndarray, place: np.ndarray) -> float:
    return float((found & place).sum() / (found | place).sum())


def found_by_judge(image: torch.Tensor, side: int) -> np.ndarray:
    labels = load_judge(device="cpu").labels(image)[0].cpu().numpy()
    return LabelMap(labels, PORTRAITS).resized(side).indices


def around(region: np.ndarray, pixels: float) -> np.ndarray:
    return ndimage.distance_transform_edt(~region) <= pixels


def test_mouth_and_hair_go_where_they_are_drawn(studio, tmp_path):
    page, kernel = studio
    before = drawing(kernel)
    side = before.shape[0]
    keep_screenshot(page.locator(".smis-studio"), "1-opened")
    opened = portrait(page, kernel, tmp_path)
    hand = Hand(page)

    # The face: skin over the old one, then every part anew, to the side.
    parts = {label.index: before == label.index for label in FEATURES}
    old_face = np.logical_or.reduce([*parts.values()])
    old_mouth = np.isin(before, MERGED["mouth"])
    shift = sideways(before, old_face, old_mouth)
    new_face = np.roll(old_face, shift, axis=1)
    new_mouth = np.roll(old_mouth, shift, axis=1)
    hand.press(SKIN.key)
    kernel.run("studio.pad.brush_size = 8")
    erased = hand.cover(around(old_face, 5) & np.isin(before, [SKIN.index, *parts]), 8)
    kernel.run("studio.pad.brush_size = 4")
    moved = {}
    for label in FEATURES:
        place = np.roll(parts[label.index], shift, axis=1)
        if place.any():
            hand.press(label.key)
            moved[label.index] = hand.cover(around(place, 1.5), 4)
    keep_screenshot(page.locator(".smis-studio"), "2-face")

    # The hair: a broad curtain at both sides, down to the lower edge.
    middle = drawing(kernel)
    old_hair = middle == HAIR.index
    curtain = hair_curtain(middle)
    hand.press(HAIR.key)
    kernel.run("studio.pad.brush_size = 20")
    lengthened = hand.cover(curtain, 20)
    keep_screenshot(page.locator(".smis-studio"), "3-hair")

    after = drawing(kernel)
    last = {index: region & ~curtain for index, region in moved.items()}
    for index in moved:  # what was drawn later lies on top
        painted = last.pop(index)
        assert np.isin(after[painted], [index, *last]).all()
    assert (after[lengthened] == HAIR.index).all()
    assert not np.isin(after[erased & ~around(new_face, 4)], [*parts]).any()
    untouched = ~(around(old_face, 8) | around(new_face, 4) | around(curtain, 3))
    assert np.array_equal(after[untouched], before[untouched])
    now_mouth = np.isin(after, MERGED["mouth"])
    new_hair = after == HAIR.index
    assert iou(now_mouth, new_mouth) > 0.5
    assert iou(now_mouth, old_mouth) < 0.2
    assert iou(new_hair, old_hair) < 0.7

    image = portrait(page, kernel, tmp_path)
    keep_screenshot(page.locator(".smis-studio"), "4-portrait")
    seen = found_by_judge(image, side)
    seen_hair, seen_mouth = seen == HAIR.index, np.isin(seen, MERGED["mouth"])
    assert (image - opened).abs().mean() > 0.02
    assert iou(seen_mouth, now_mouth) >= iou(seen_mouth, old_mouth) + 0.2
    assert iou(seen_hair, new_hair) >= iou(seen_hair, old_hair) + 0.2


def sideways(labels: np.ndarray, face: np.ndarray, mouth: np.ndarray) -> int:
    """How many columns to move a face's parts, towards the side where there is more skin."""
    skin = (labels == SKIN.index) | face
    rows = np.flatnonzero(mouth.any(axis=1))
    columns = np.flatnonzero(mouth.any(axis=0))
    beside = np.flatnonzero(skin[int(np.median(rows))])
    left, right = columns.min() - beside.min(), beside.max() - columns.max()
    width = columns.max() - columns.min() + 1
    return int(0.8 * width) * (1 if right > left else -1)


def hair_curtain(labels: np.ndarray) -> np.ndarray:
    """Where long hair would hang at both sides of the face, below what hair there is."""
    side = labels.shape[0]
    hair = labels == HAIR.index
    face = np.isin(labels, [SKIN.index, *MERGED["eyes"], *MERGED["mouth"]])
    face_columns = np.flatnonzero(face.sum(axis=0) > 0.05 * side)
    columns = np.flatnonzero(hair.any(axis=0))
    top = int(np.flatnonzero(hair.any(axis=1)).mean())
    left, right = columns.min(), columns.max()
    width = int(0.17 * side)
    curtain = np.zeros_like(hair)
    curtain[top : int(0.97 * side), max(left - 6, 0) : max(face_columns.min(), left + width)] = True
    curtain[top : int(0.97 * side), min(face_columns.max(), right - width) : right + 6] = True
    return curtain & ~face
