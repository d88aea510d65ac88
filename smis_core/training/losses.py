"""Losses of the two players, each a mean over the batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def generator_loss(
    fake_logits: Tensor,  # [N, 1]
) -> Tensor:
    """Non-saturating loss, -log D(G(z)) (Goodfellow et al. 2014, section 3)."""
    return F.softplus(-fake_logits.float()).mean()


def discriminator_loss(
    real_logits: Tensor,  # [N, 1]
    fake_logits: Tensor,  # [N, 1]
) -> Tensor:
    """Logistic loss, -log D(x) - log(1 - D(G(z))) (Goodfellow et al. 2014, equation 1)."""
    return F.softplus(-real_logits.float()).mean() + F.softplus(fake_logits.float()).mean()


def r1_penalty(
    real_logits: Tensor,  # [N, 1]
    reals: Tensor,  # [N, 3, H, W], requiring gradients
) -> Tensor:
    """Squared gradient of the logits at real pictures (Mescheder et al. 2018, equation 9).

    Returns:
        E[|∇D(x)|²], to be weighted by gamma / 2.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), reals, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def reconstruction_loss(
    pictures: Tensor,  # [N, 3, r, r]
    reconstructed: Tensor,  # [N, 3, r, r]
    mean: Tensor,  # [N, z]
    log_variance: Tensor,  # [N, z]
    sigma: float,
) -> Tensor:
    """Negative evidence lower bound of a variational autoencoder, a mean over pictures, pixels and
    colours, without its constant (Kingma and Welling 2014, equation 10)."""
    error = (reconstructed.float() - pictures).square().mean() / (2 * sigma**2)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
    return error + divergence / pictures[0].numel()


def path_lengths(
    fakes: Tensor,  # [N, 3, H, W]
    ws: Tensor,  # [N, L, w], from which fakes were made
    noise: Tensor,  # [N, 3, H, W], standard normal
) -> Tensor:
    """How far a step in w moves a picture: |Jᵀ y| (Karras et al. 2020, section 3.2).

    Returns:
        [N], differentiable.
    """
    scale = 1 / math.sqrt(fakes.shape[2] * fakes.shape[3])
    (gradient,) = torch.autograd.grad((fakes * noise).sum() * scale, ws, create_graph=True)
    return gradient.float().square().sum(dim=2).mean(dim=1).sqrt()
