"""Losses against their definitions."""

import pytest
import torch

from smis_core.training.losses import (
    discriminator_loss,
    generator_loss,
    path_lengths,
    r1_penalty,
)


def test_losses_are_log_probabilities():
    real, fake = torch.tensor([[0.3], [-1.0]]), torch.tensor([[2.0], [0.1]])
    expected = -(torch.sigmoid(real).log() + (1 - torch.sigmoid(fake)).log()).mean()
    assert float(discriminator_loss(real, fake)) == pytest.approx(float(expected), rel=1e-5)
    assert float(generator_loss(fake)) == pytest.approx(
        float(-torch.sigmoid(fake).log().mean()), rel=1e-5
    )


def test_r1_of_a_linear_discriminator_is_its_squared_weight():
    weight = torch.randn(3, 4, 4, requires_grad=True)
    reals = torch.randn(5, 3, 4, 4, requires_grad=True)
    penalty = r1_penalty((reals * weight).sum(dim=(1, 2, 3))[:, None], reals)
    assert penalty.item() == pytest.approx(weight.square().sum().item(), rel=1e-5)
    (slope,) = torch.autograd.grad(penalty, weight)
    assert torch.allclose(slope, 2 * weight, rtol=1e-4)


def test_path_length_of_a_linear_generator():
    ws = torch.randn(2, 3, 4, requires_grad=True)
    noise = torch.ones(2, 3, 2, 2)
    lengths = path_lengths(
        ws.sum(dim=(1, 2))[:, None, None, None] * torch.ones(2, 3, 2, 2), ws, noise
    )
    # every entry of w moves all 12 values: 12 / sqrt(4) = 6 in each of 4 entries of a row
    assert torch.allclose(lengths, torch.full((2,), 12.0))
