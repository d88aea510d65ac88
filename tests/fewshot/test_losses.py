"""Agreement between masks and readings, hard and soft."""

import pytest
import torch

from smis_core.fewshot import agreement, mask_consistency, one_hot
from smis_core.fewshot.losses import balance, shrunk_targets, unasked
from smis_core.labels import UNPAINTED


def labels_of(rows):
    return torch.tensor([rows], dtype=torch.uint8)


def test_one_hot_leaves_unpainted_pixels_empty():
    planes = one_hot(labels_of([[0, 2], [255, 1]]), 3)
    assert planes.shape == (1, 3, 2, 2)
    assert planes.sum() == 3
    assert planes[0, :, 1, 0].sum() == 0
    assert planes[0, 2, 0, 1] == 1


def test_thin_parts_keep_their_share_when_targets_shrink():
    labels = torch.zeros(1, 8, 8, dtype=torch.uint8)
    labels[0, 3] = 1
    targets = shrunk_targets(labels, 2, 4)
    assert targets.shape == (1, 2, 4, 4)
    assert (targets[0, 1, 1] == 0.5).all()
    assert targets[:, 1].sum() == 2


def test_a_certain_and_right_reading_costs_nothing():
    labels = labels_of([[0, 1], [1, 255]])
    targets = one_hot(labels, 3)
    logits = 50 * one_hot(labels_of([[0, 1], [1, 2]]), 3)
    weights = torch.ones(3)
    assert mask_consistency(logits, targets, weights) == pytest.approx(0, abs=1e-4)
    wrong = 50 * one_hot(labels_of([[1, 1], [1, 2]]), 3)
    assert mask_consistency(wrong, targets, weights) > 1


def test_the_overlap_may_weigh_more():
    targets = one_hot(labels_of([[0, 1], [1, 255]]), 3)
    wrong = 50 * one_hot(labels_of([[1, 1], [1, 2]]), 3)
    once, six_times = (
        float(mask_consistency(wrong, targets, torch.ones(3), overlap_weight=weight))
        for weight in (1.0, 6.0)
    )
    # Class 0 is missed, class 1 overlaps in two of three pixels.
    assert six_times - once == pytest.approx(5 * (1 - (0 + 2 / 3) / 2), abs=1e-3)


def test_unpainted_pixels_cost_nothing_whatever_is_there():
    targets = one_hot(labels_of([[0, 1], [1, 255]]), 3)
    logits = torch.randn(1, 3, 2, 2)
    other = logits.clone()
    other[..., 1, 1] = torch.tensor([9.0, -4.0, 2.0])
    weights = torch.ones(3)
    assert torch.allclose(
        mask_consistency(logits, targets, weights), mask_consistency(other, targets, weights)
    )
    nothing = torch.zeros_like(targets)
    assert mask_consistency(logits, nothing, weights) == 0


def test_descending_it_recovers_the_mask():
    torch.manual_seed(0)
    labels = torch.randint(0, 4, (2, 6, 6), dtype=torch.uint8)
    targets = one_hot(labels, 4)
    logits = torch.randn(2, 4, 6, 6, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.3)
    for _ in range(30):
        optimizer.zero_grad()
        mask_consistency(logits, targets, balance(labels, 4)).backward()
        optimizer.step()
    assert torch.equal(logits.argmax(1).to(torch.uint8), labels)


def test_balance_ignores_paper_and_absent_classes():
    labels = torch.tensor([[[0] * 9 + [1], [255] * 10]], dtype=torch.uint8)
    weights = balance(labels, 3)
    assert weights[2] == 0
    assert weights[1] / weights[0] == pytest.approx(3)


def test_agreement_is_the_mean_over_what_a_mask_paints():
    wanted = labels_of([[0, 0, 1, 255]])
    assert agreement(wanted, wanted) == [1.0]
    assert agreement(labels_of([[0, 0, 1, 1]]), wanted) == [1.0]
    assert agreement(labels_of([[0, 1, 1, 0]]), wanted) == [0.5]
    assert agreement(labels_of([[5, 5, 5, 5]]), labels_of([[255] * 4])) == [1.0]


def test_what_nobody_asked_for_counts_as_a_miss_unless_it_is_a_speck():
    wanted = torch.zeros(1, 60, 60, dtype=torch.uint8)
    wanted[:, :, 20:] = UNPAINTED
    shown = torch.zeros(1, 60, 60, dtype=torch.uint8)
    shown[:, :5, :5] = 4  # an eye where skin was painted
    shown[:, 10, 10] = 7  # a pixel
    shown[:, 30:, 30:] = 9  # where nothing was painted
    assert unasked(shown, wanted) == [{4: 0.0}]
    wanted[:, 0, 0] = 4
    assert unasked(shown, wanted) == [{}]
