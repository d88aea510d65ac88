"""From pictures to the latent codes that a generator in training would draw them from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .configs import DiscriminatorConfig
from .discriminator import Discriminator
from .layers import FullyConnectedLayer

WIDTH = 96


class LatentEncoder(nn.Module):
    """A picture to a normal distribution over z: the recognition model of a variational
    autoencoder (Kingma and Welling 2014) whose decoder is a generator.

    It has the layers of StyleGAN2's residual discriminator, so that its learning rates are
    equalised as the generator's are.

    Args:
        side: of the pictures it reads; larger ones are averaged down.
        z_dim: length of the latent code.
    """

    def __init__(self, side: int, z_dim: int) -> None:
        super().__init__()
        self.side, self.z_dim = side, z_dim
        self.trunk = Discriminator(
            DiscriminatorConfig(
                resolution=side,
                channel_base=64 * side,
                channel_max=WIDTH,
                architecture="resnet",
                mbstd_group_size=1,
            )
        )
        self.trunk.b4.out = out = FullyConnectedLayer(WIDTH, 2 * z_dim)
        with torch.no_grad():  # begin near the prior, and sure of it
            out.weight.mul_(0.3)
            out.bias[z_dim:] = -2

    def forward(
        self,
        img: Tensor,  # [N, 3, R, R] in [-1, 1], R a multiple of `side`
    ) -> tuple[Tensor, Tensor]:
        """Mean and log variance, float32 `[N, z_dim]` each."""
        numbers: Tensor = self.trunk(F.avg_pool2d(img, img.shape[-1] // self.side))
        mean, log_variance = numbers.chunk(2, dim=1)
        return mean, log_variance.clamp(-8, 2)
