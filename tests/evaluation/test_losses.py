"""The fused loss against autograd, and what counts in the attributes' loss."""

import pytest
import torch
from torch.nn import functional as F

from smis_core.evaluation import AttributeSpec
from smis_core.evaluation.losses import attribute_loss, segmentation_loss


def _plain(logits, labels, weights):
    classes = logits.shape[-1]
    shares = logits.softmax(-1)
    truth = F.one_hot(labels, classes).to(shares.dtype)
    dice = 1 - (2 * (shares * truth).sum(0) + 1) / (shares.sum(0) + truth.sum(0) + 1)
    return F.cross_entropy(logits, labels, weights) + dice.mean()


def test_value_and_gradient_agree_with_autograd():
    draw = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(200, 7, generator=draw)).requires_grad_()
    labels = torch.randint(0, 6, (200,), generator=draw)  # class 6 does not occur
    weights = torch.rand(7, generator=draw) + 0.5
    fused = segmentation_loss(logits, labels, weights)
    (gradient,) = torch.autograd.grad(2.5 * fused, logits)
    plain = _plain(logits, labels, weights)
    (wanted,) = torch.autograd.grad(2.5 * plain, logits)
    assert fused.item() == pytest.approx(plain.item(), rel=1e-5)
    torch.testing.assert_close(gradient, wanted, atol=1e-7, rtol=1e-4)


def test_bfloat16_keeps_the_gradient_s_direction():
    draw = torch.Generator().manual_seed(0)
    exact = torch.randn(500, 19, generator=draw).requires_grad_()
    coarse = exact.detach().bfloat16().requires_grad_()
    labels, weights = torch.randint(0, 19, (500,), generator=draw), torch.ones(19)
    segmentation_loss(exact, labels, weights).backward()
    segmentation_loss(coarse, labels, weights).backward()
    assert F.cosine_similarity(exact.grad.flatten(), coarse.grad.float().flatten(), dim=0) > 0.999


def test_a_perfect_reading_costs_nothing():
    specs = (
        AttributeSpec("yaw", "continuous", -1, 1),
        AttributeSpec("hue", "circular"),
        AttributeSpec("hat", "binary"),
    )
    truth = {"yaw": torch.tensor([0.3]), "hue": torch.tensor([0.25]), "hat": torch.tensor([1.0])}
    perfect = torch.tensor([[0.3, 0.0, 1.0, 40.0]])
    assert attribute_loss(perfect, truth, specs) < 1e-6
    assert attribute_loss(-perfect, truth, specs) > 1


def test_what_cannot_be_seen_does_not_count():
    spec = AttributeSpec("gaze", "continuous", visible_where="eye_visible", visible_above=0.5)
    truth = {"gaze": torch.tensor([0.0, 1.0]), "eye_visible": torch.tensor([1.0, 0.0])}
    right_where_seen = torch.tensor([[0.0], [-5.0]])
    assert attribute_loss(right_where_seen, truth, (spec,)) == 0
    nowhere = {"gaze": torch.tensor([1.0]), "eye_visible": torch.tensor([0.0])}
    assert attribute_loss(torch.zeros(1, 1), nowhere, (spec,)) == 0
