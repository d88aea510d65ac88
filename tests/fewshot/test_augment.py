"""Distorted masks: still masks, still like the original, and the same for the same seed."""

import pytest
import torch

from smis_core.fewshot import AugmentOptions, distort

NOTHING = {
    "clean": 0.0,
    "drop_classes": 0.0,
    "drop_regions": 0.0,
    "wobble": 0.0,
    "redraw": 0.0,
    "strokes": 0.0,
}


@pytest.fixture
def faces():
    """[64, 48, 48]: a disc of 1 on 0 with a small 4 in it and a bar of 7."""
    rows, columns = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    disc = (rows - 24) ** 2 + (columns - 24) ** 2
    labels = torch.where(disc < 200, 1, 0)
    labels = torch.where((rows - 20) ** 2 + (columns - 18) ** 2 < 9, 4, labels)
    labels = torch.where(rows > 42, 7, labels)
    return labels.to(torch.uint8).expand(64, -1, -1)


def changed(labels, faces):
    return (labels != faces).float().mean(dim=(1, 2))


def run(faces, seed=0, **options):
    rng = torch.Generator().manual_seed(seed)
    return distort(faces, rng=rng, options=AugmentOptions(**NOTHING | options))


def test_the_original_is_left_alone(faces):
    before = faces.clone()
    distort(faces, rng=torch.Generator().manual_seed(0))
    assert torch.equal(faces, before)


def test_clean_masks_stay(faces):
    every = dict.fromkeys(NOTHING, 1.0)
    assert torch.equal(run(faces, **every), faces)
    half = changed(run(faces, **every | {"clean": 0.5}), faces) > 0
    assert 0.25 < half.float().mean() < 0.75


@pytest.mark.parametrize("kind", ["wobble", "redraw", "strokes"])
def test_outlines_move_but_the_layout_stays(faces, kind):
    labels = run(faces, **{kind: 1.0})
    share = changed(labels, faces)
    assert share.max() > 0.01
    assert share.mean() < 0.25
    allowed = {0, 1, 4, 7} | ({255} if kind == "strokes" else set())
    assert set(labels.unique().tolist()) <= allowed


@pytest.mark.parametrize("kind", ["drop_regions", "drop_classes"])
def test_what_is_dropped_is_unpainted_and_nothing_else_changes(faces, kind):
    labels = run(faces, **{kind: 1.0})
    dropped = labels == 255
    assert 0.1 < dropped.float().mean() < 0.9
    assert torch.equal(labels[~dropped], faces[~dropped])
    assert len({tuple(each.flatten().tolist()) for each in dropped}) > 8, "not all alike"


def test_small_parts_survive_redrawing(faces):
    labels = run(faces, redraw=1.0)
    assert (labels == 4).flatten(1).any(1).float().mean() > 0.9


def test_unpainted_stays_possible(faces):
    holes = faces.clone()
    holes[:, :10] = 255
    labels = run(holes, redraw=1.0, wobble=1.0)
    assert ((labels == 255).flatten(1).any(1)).all()


def test_a_seed_decides(faces):
    every = {"wobble": 1.0, "redraw": 0.5, "strokes": 0.5, "drop_regions": 0.5}
    assert torch.equal(run(faces, 1, **every), run(faces, 1, **every))
    assert not torch.equal(run(faces, 1, **every), run(faces, 2, **every))
