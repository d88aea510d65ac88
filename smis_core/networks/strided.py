"""A discriminator of strided convolutions: quick to compute, quick to learn.

StyleGAN2's own discriminator is made for trainings of millions of pictures: its equalised learning
rates move a weight by a quarter of a percent a step, and it takes over a hundred steps to tell
flat repetitions from pictures. This is DCGAN's (Radford et al. 2016): kernels of 4×4 that halve
the side, PyTorch's initial weights, no normalisation. It sees the same within thirty steps, at a
seventh of the cost. Every halving also reads the picture, shrunk to its side, as in MSG-GAN
(Karnewar and Wang 2020): otherwise gradients fade in the fifth of them, and a trained one could
not go on at twice the resolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .configs import StridedConfig
from .discriminator import Discriminator, append_minibatch_std, check_pictures

SLOPE = 0.2


class StridedDiscriminator(nn.Module):
    """Real or generated: a logit for each picture. Used as `Discriminator` is."""

    def __init__(self, config: StridedConfig) -> None:
        super().__init__()
        self.config = config
        self.fromrgb = nn.ModuleDict()
        self.halving = nn.ModuleDict()
        for side in config.sides:
            width, name = config.channels(side // 2), str(side)
            self.fromrgb[name] = nn.Conv2d(config.img_channels, width, 4, 2, 1)
            if side < config.resolution:
                self.halving[name] = nn.Conv2d(config.channels(side), width, 4, 2, 1, bias=False)
        width = config.channels(4)
        statistics = 1 if config.mbstd_group_size > 1 else 0
        self.conv = nn.Conv2d(width + statistics, width, 3, padding=1)
        self.fc = nn.Linear(width * 16, width)
        self.out = nn.Linear(width, 1)

    def forward(
        self,
        img: Tensor,  # [N, img_channels, R, R] in [-1, 1]
        *,
        features: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Judge pictures.

        Args:
            img: pictures; their number divides by min(4, N) (`mbstd_group_size`).
            features: also return what leaves each halving, finest first, and the last map at 4².

        Returns:
            float32 logits `[N, 1]`, higher is more real; with features, a pair with the maps.

        Raises:
            ValueError: shapes that do not fit.
        """
        config = self.config
        check_pictures(img, config.img_channels, config.resolution)
        picture = img.float().contiguous(memory_format=torch.channels_last)
        maps: list[Tensor] = []
        for name, fromrgb in self.fromrgb.items():
            x = fromrgb(picture)
            if maps:
                x = x + self.halving[name](maps[-1])
            maps.append(F.leaky_relu(x, SLOPE))
            picture = F.avg_pool2d(picture, 2)
        x = maps[-1]
        with torch.autocast(img.device.type, enabled=False):
            x = x.float()
            if config.mbstd_group_size > 1:
                x = append_minibatch_std(x, config.mbstd_group_size)
            last = F.leaky_relu(self.conv(x), SLOPE)
            logits: Tensor = self.out(F.leaky_relu(self.fc(last.flatten(1)), SLOPE))
        return (logits, [*maps, last]) if features else logits


AnyDiscriminator = Discriminator | StridedDiscriminator
"""Pictures to logits, and on request to the features in between."""
