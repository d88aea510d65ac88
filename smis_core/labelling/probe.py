"""A probe on every layer's features: our labelling.

Prototypes on one layer cannot tell a left eye from a right one, nor a lip from a blush. Coarse
layers know where something is and fine ones where it ends, so the probe reads all of them, after
DatasetGAN (Zhang et al., 2021) but
far smaller: projection and bilinear upsampling commute, so every layer is projected at its own
size, and no stack of upsampled features is ever built.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .labeller import Labeller, LabellerConfig, register_labeller


@register_labeller("probe")
class ProbeLabeller(Labeller):
    """A linear probe (`hidden=0`), or an ensemble of probes with one hidden layer each."""

    def __init__(self, config: LabellerConfig) -> None:
        if config.hidden == 0 and config.members != 1:
            raise ValueError(
                "members: wanted 1 for a linear probe (its average is one probe), got"
                f" {config.members}"
            )
        super().__init__()
        self.config = config
        count = len(config.classes)
        width = config.hidden * config.members or count
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(width, channels) / sum(config.channels) ** 0.5)
            for channels in config.channels
        )
        self.bias = nn.Parameter(torch.zeros(width))
        self.means = nn.ParameterList(
            nn.Parameter(torch.zeros(channels), requires_grad=False) for channels in config.channels
        )
        self.scales = nn.ParameterList(
            nn.Parameter(torch.ones(channels), requires_grad=False) for channels in config.channels
        )
        self.heads: nn.Conv2d | None = None
        if config.hidden:
            self.heads = nn.Conv2d(width, count * config.members, 1, groups=config.members)

    def standardise(self, features: Mapping[str, Tensor]) -> None:
        """Sets the mean and spread that features are measured in, from a batch of them."""
        with torch.no_grad():
            for index, values in enumerate(self._gather(features)):
                deviation, mean = torch.std_mean(values.float(), dim=(0, 2, 3))
                self.means[index].copy_(mean)
                self.scales[index].copy_(1 / deviation.clamp_min(1e-4))

    def member_logits(
        self,
        features: Mapping[str, Tensor],
        *,
        keep: Tensor | None = None,  # [N, hidden * members], factors of the hidden units
    ) -> Tensor:
        """Every member's vote at the size of the largest layer.

        Args:
            features: by layer name.
            keep: switches hidden units off while the probe is fitted.

        Returns:
            [N, members, shown classes, H, W].
        """
        total: Tensor | None = None
        found = self._gather(features)
        order = sorted(range(len(found)), key=lambda index: found[index].shape[-1])
        for index in order:
            values = found[index]
            weight = self.weights[index] * self.scales[index]
            offset = (weight * self.means[index]).sum(dim=1)  # autocast would round a product
            projected = F.conv2d(
                values, weight[:, :, None, None].to(values.dtype), -offset.to(values.dtype)
            )
            if total is not None and total.shape[-1] != projected.shape[-1]:
                total = F.interpolate(
                    total, size=projected.shape[-2:], mode="bilinear", align_corners=False
                )
            total = projected if total is None else total + projected
        assert total is not None
        total = total + self.bias[:, None, None].to(total.dtype)
        if self.heads is not None:
            total = F.leaky_relu(total, 0.1)
            if keep is not None:
                total = total * keep[:, :, None, None].to(total.dtype)
            total = self.heads(total)
        shape = (self.config.members, len(self.config.classes), *total.shape[2:])
        return total.float().reshape(len(total), *shape)

    def logits(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        return self._spread(self._votes(features, size))

    @torch.no_grad()
    def labels(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        winners = self._votes(features, size).max(dim=1).indices
        names = torch.tensor(self.config.classes, dtype=torch.uint8, device=winners.device)
        return names[winners]

    def _votes(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        """[N, shown classes, size, size]."""
        votes = self.member_logits(features).mean(dim=1)
        if votes.shape[-1] != size:
            votes = F.interpolate(votes, size=(size, size), mode="bilinear", align_corners=False)
        return votes
