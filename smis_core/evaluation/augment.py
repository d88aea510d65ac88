"""What a judge sees in training beside clean renders: mirrored, tinted, blurred, softened and noisy
ones.

A generator's samples are a little softer and noisier than renders; a judge that has seen only
perfect edges would measure its own surprise instead of the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from smis_core.labels import PORTRAITS, Palette

from .attributes import AttributeSpec

_TINT = 0.03
_NOISE = 0.08


def augmented(
    images: Tensor,  # [N, S, S, 3] uint8
    labels: Tensor,  # [N, S, S] uint8
    attributes: Mapping[str, Tensor],  # [N] each
    *,
    specs: Sequence[AttributeSpec],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Renders as a judge is trained on them.

    Half are mirrored, with left and right exchanged in labels and attributes; all are tinted by a
    few percent; an eighth each is blurred by about a pixel, blurred by two, and softened as by
    halving the size; half have noise. Which is which follows the order of the batch, so the batch
    must come in random order.

    Args:
        images: pictures as bytes.
        labels: their classes.
        attributes: what there is to read.
        specs: which attributes change their sign in a mirror.
        generator: source of randomness, on the pictures' device.

    Returns:
        Pictures float32 [N, 3, S, S] in [-1, 1] in channels-last memory, labels uint8, attributes.
    """
    count, device = len(images), images.device
    mirrored = torch.rand(count, generator=generator, device=device) < 0.5
    swapped = mirror_table().to(device)[labels[mirrored].flip(2).long()]
    images, labels = images.clone(), labels.clone()
    images[mirrored] = images[mirrored].flip(2)
    labels[mirrored] = swapped
    sign = 1.0 - 2.0 * mirrored.float()
    truth = {
        spec.name: attributes[spec.name] * sign if spec.mirrored else attributes[spec.name]
        for spec in specs
    }

    gain = (1 + _TINT * torch.randn(count, 3, 1, 1, generator=generator, device=device)) / 127.5
    shift = _TINT * torch.randn(count, 3, 1, 1, generator=generator, device=device) - 127.5 * gain
    pixels = images.permute(0, 3, 1, 2) * gain + shift
    eighth = count // 8
    if eighth:
        for position, worsen in enumerate((_blur, lambda x: _blur(_blur(x)), _soften)):
            part = slice(position * eighth, (position + 1) * eighth)
            strength = torch.rand(eighth, 1, 1, 1, generator=generator, device=device)
            pixels[part] = torch.lerp(pixels[part], worsen(pixels[part]), strength)
    noisy = pixels[count // 4 : count // 4 + count // 2]
    if len(noisy):
        level = _NOISE * torch.rand(len(noisy), 1, 1, 1, generator=generator, device=device)
        noise = torch.randn(noisy.numel(), generator=generator, device=device).view(
            noisy.permute(0, 2, 3, 1).shape
        )
        noisy += noise.permute(0, 3, 1, 2) * level
    return pixels.clamp_(-1, 1), labels, truth


def mirror_table(palette: Palette = PORTRAITS) -> Tensor:
    """What each class is called in a mirror, uint8 [256]: left and right change places."""
    table = torch.arange(256, dtype=torch.uint8)
    names = {label.name: label.index for label in palette.classes}
    for name, index in names.items():
        side, _, part = name.partition(" ")
        other = {"left": f"right {part}", "right": f"left {part}"}.get(side)
        if other in names:
            table[index] = names[other]
    return table


def _blur(images: Tensor) -> Tensor:
    return F.avg_pool2d(images, 3, stride=1, padding=1, count_include_pad=False)


def _soften(images: Tensor) -> Tensor:
    half = F.avg_pool2d(images, 2)
    return F.interpolate(half, scale_factor=2.0, mode="bilinear")
