"""What a linear reading of portraits starts from: colours, a critic's features, and the parts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from smis_core.inversion import critic_features
from smis_core.networks.strided import AnyDiscriminator

PART_NUMBERS = 11
"""That `part_features` gives for each part."""


def picture_features(
    discriminator: AnyDiscriminator,
    images: Tensor,  # [N, 3, R, R] in [-1, 1]
) -> Tensor:
    """What is in pictures, `[N, F]` on the CPU: colours at 16², the discriminator's features at
    4², its finest at 8²."""
    parts = [F.adaptive_avg_pool2d(images, 16)]
    with torch.no_grad():
        for index, features in enumerate(critic_features(discriminator, images)):
            parts.append(F.adaptive_avg_pool2d(features, 4 if index else 8))
    return torch.cat([part.flatten(1) for part in parts], dim=1).float().cpu()


def part_features(
    images: Tensor,  # [N, 3, R, R] in [-1, 1]
    labels: Tensor,  # uint8 [N, R, R]
    classes: Sequence[int],
) -> Tensor:
    """What the parts are like, `[N, 11 K]` on the CPU: how much of the picture each covers (in
    percent), where its middle lies, its mean colour and saturation, and those of its most colourful
    places: an eye is mostly white. Zero where a part does not show.

    A mouth's opening and an iris's colour are a few pixels anywhere in the middle of the picture;
    no fixed grid reads them as well.
    """
    covers = torch.stack([labels == index for index in classes], dim=1).float()
    saturation = images.amax(dim=1, keepdim=True) - images.amin(dim=1, keepdim=True)
    shades = torch.cat([images, saturation], dim=1)
    axis = torch.linspace(-1, 1, images.shape[-1], device=images.device)
    sums = covers.sum(dim=(2, 3))
    middles = [
        (covers * each).sum(dim=(2, 3)) / sums.clamp_min(1) for each in (axis, axis[:, None])
    ]
    means = []
    for weights, least in ((covers, 1.0), (covers * saturation, 1e-3)):
        total = weights.sum(dim=(2, 3)).clamp_min(least)
        means.append(torch.einsum("nkhw,nchw->nkc", weights, shades) / total[:, :, None])
    size = 100 * covers.mean(dim=(2, 3))
    columns = torch.cat([torch.stack([size, *middles], dim=2), *means], dim=2)
    return columns.flatten(1).float().cpu()
