"""Sparse sketches: how they are made, what counts as far off, and both methods trained."""

import json
import sys
from pathlib import Path

import pytest
import torch

from smis_core.checkpoints import fingerprint
from smis_core.fewshot import EncoderOptions
from smis_core.inversion import ProjectionOptions
from smis_core.portraits.renderer import render
from smis_core.recipes.evaluate_sparse import evaluate_sparse, sparse_path
from smis_core.recipes.sparse_sketches import (
    centres,
    cross_errors,
    cross_sketch,
    landmark_errors,
    landmark_sketch,
)
from smis_core.recipes.train_fewshot import FewshotOptions

sys.path.append(str(Path(__file__).parent))
from fewshot_world import write_networks

PLACES = torch.tensor([[[0.6, 0.4], [0.4, 0.4], [0.5, 0.7]]])


def test_landmarks_lie_on_eyes_and_mouth():
    labels = render(range(3), size=64).labels
    places, shown = centres(labels)
    left, right, mouth = places[shown.all(dim=1)][0]
    assert left[0] > right[0], "the subject's left is at the viewer's right"
    assert mouth[1] > left[1]


def test_a_landmark_sketch_is_read_back():
    sketch = landmark_sketch(PLACES[0], 128)
    for index, place in enumerate(PLACES[0], start=1):
        spot = (sketch == index).nonzero().float().mean(dim=0).flip(0)
        assert torch.dist((spot + 0.5) / 128, place) < 0.01


def test_a_cross_passes_through_eyes_and_mouth():
    sketch = cross_sketch(PLACES[0], 128)
    for x, y in (PLACES[0] * 128).long().tolist():
        assert bool((sketch[y - 1 : y + 2, x - 1 : x + 2] == 1).any())
    assert float((sketch == 1).float().mean()) < 0.05


def test_distances_are_in_sides_and_along_a_line_nothing_counts():
    moved = PLACES + torch.tensor([[[0.0, 0.1], [0.05, 0.0], [0.0, 0.1]]])
    assert torch.allclose(landmark_errors(PLACES, moved), torch.tensor([[0.1, 0.05, 0.1]]))
    assert torch.allclose(cross_errors(PLACES, moved), torch.tensor([[0.1, 0.0, 0.0]]), atol=1e-6)


def test_both_methods_are_trained_and_measured(tmp_path):
    networks = write_networks(tmp_path)
    common = {
        "masks": 8,
        "weights": tmp_path / "weights",
        "scratch": tmp_path / "work",
        "options": FewshotOptions(
            projection=ProjectionOptions(steps=2, candidates=2),
            encoder=EncoderOptions(pictures=8, batch=8),
        ),
        "generator_path": networks["generator"],
        "discriminator_path": networks["discriminator"],
        "judge_path": networks["judge"],
        "device": "cpu",
    }
    with pytest.raises(FileNotFoundError, match="--retrain"):
        evaluate_sparse(**common)
    for step in evaluate_sparse(retrain=True, **common):
        if step.phase == "landmarks, paper":
            break  # interrupted when the first encoder was done
    assert (tmp_path / "work" / "sparse_landmarks_default.state").exists()
    done = fingerprint(sparse_path(tmp_path / "weights", "landmarks", "default"))
    *_, last = evaluate_sparse(retrain=True, **common)
    assert fingerprint(sparse_path(tmp_path / "weights", "landmarks", "default")) == done
    assert not list((tmp_path / "work").glob("*.state"))
    values = json.loads(json.dumps(last.report.to_dict(), allow_nan=False))
    for kind in ("landmarks", "cross"):
        for method in ("default", "paper"):
            row = values[kind][method]
            assert row["low"] <= row["distance"] <= row["high"]
            assert set(row["by_part"]) == {"left eye", "right eye", "mouth"}
    *_, again = evaluate_sparse(**common)
    assert again.report.to_dict() == last.report.to_dict()
    assert "cross, paper" in last.report.table()
