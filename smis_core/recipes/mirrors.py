"""Every annotated picture is two: its mirror image has a mirrored annotation for nothing."""

from __future__ import annotations

from dataclasses import replace

import torch

from smis_core.fewshot import AnnotatedPictures, agreement
from smis_core.labelling import QuickOptions, fit_quickly, read_with_confidence
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase

_BELIEVABLE = 0.6


def mirrored(annotated: AnnotatedPictures) -> AnnotatedPictures:
    """The mirror images, yet to be inverted; classes named left and right change places."""
    table = torch.arange(256, dtype=torch.uint8)
    for first, second in annotated.palette.left_right_pairs():
        table[first], table[second] = second, first
    labels = table[annotated.labels.flip(2).cpu().long()]
    return AnnotatedPictures(annotated.images.flip(3), labels, annotated.palette)


def with_mirrors(
    generator: GeneratorBase,
    annotated: AnnotatedPictures,
    wplus: WPlus,  # [K, L, w] of the mirror images
    *,
    options: QuickOptions | None = None,
) -> AnnotatedPictures:
    """Annotated pictures and those of their mirror images that the generator can draw.

    A generator of things that are never mirrored, such as writing, draws something else for a
    mirror image. What a labeller of the pictures themselves reads there tells: where that agrees
    with the mirrored annotation less than `0.6` times as well as in the picture, the mirror image
    is left out. `options` are of that labeller.

    Raises:
        ValueError: the pictures have no latents.
    """
    if annotated.wplus is None:
        raise ValueError("annotated: wanted pictures with latents; invert them first")
    own, labels = annotated.wplus.tensor, annotated.labels.to(wplus.tensor.device)
    flipped = mirrored(annotated)
    turned = flipped.labels.to(labels.device)
    classes = annotated.palette.num_classes
    *_, last = fit_quickly(generator, own, labels, num_classes=classes, options=options)
    labeller = last.labeller
    before = agreement(read_with_confidence(generator, labeller, own).labels, labels)
    after = agreement(read_with_confidence(generator, labeller, wplus.tensor).labels, turned)
    kept = torch.tensor([b >= _BELIEVABLE * a for a, b in zip(before, after, strict=True)])
    return replace(
        annotated,
        images=torch.cat([annotated.images, flipped.images[kept]]),
        labels=torch.cat([annotated.labels.cpu(), flipped.labels[kept]]),
        wplus=WPlus(torch.cat([own, wplus.tensor[kept.to(own.device)]])),
    )
