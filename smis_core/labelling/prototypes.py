"""Dense class prototypes: the labelling of 'Few-shot Semantic Image Synthesis Using StyleGAN
Prior'.

Endo and Kanamori (2021), section 3.2: a class is the mean of the features under its annotation, and
a pixel takes the class whose prototype points in the most similar direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED
from ..networks.generator_base import GeneratorBase
from .features import chosen_layers, read_features
from .labeller import (
    Labeller,
    LabellerConfig,
    register_labeller,
    shown_classes,
)

PAPER_MASK_SIDE = 256
_TEMPERATURE = 0.05


def resize_as_the_paper(
    labels: Tensor,  # uint8 [N, H, W]
    size: int,
) -> Tensor:
    """Label maps at a feature map's size as the paper's code has them: 256² first, then the
    top-left pixel.

    Thin parts may vanish; our own methods resize with `LabelMap.resized`.

    Returns:
        uint8 [N, size, size].
    """
    side = (PAPER_MASK_SIDE, PAPER_MASK_SIDE)
    pictures = [
        np.array(Image.fromarray(each).resize(side, Image.Resampling.NEAREST))
        for each in labels.cpu().numpy()
    ]
    large = torch.from_numpy(np.stack(pictures))[:, None].float()
    return F.interpolate(large, size=(size, size), mode="nearest")[:, 0].to(torch.uint8)


@register_labeller("prototype")
class PrototypeLabeller(Labeller):
    """Cosine similarity to one prototype a class, on one layer."""

    prototypes: Tensor

    def __init__(self, config: LabellerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("prototypes", torch.zeros(len(config.classes), config.channels[0]))

    def logits(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        (values,) = self._gather(features)
        cosines = torch.einsum("kc,nchw->nkhw", self.prototypes, F.normalize(values.float(), dim=1))
        # Nearest, as in the paper: labels are decided at the feature's own size.
        cosines = F.interpolate(cosines, size=(size, size), mode="nearest")
        return self._spread(cosines / _TEMPERATURE)


def fit_prototypes(
    features: Tensor,  # [K, C, H, W] of the annotated pictures
    labels: Tensor,  # uint8 [K, h, w], any size; 255 is not painted
    *,
    layer: str,
    num_classes: int,
) -> PrototypeLabeller:
    """Dense prototypes from annotated pictures.

    The mean of a class is taken within each picture, then over the pictures that show it, then
    normalised (section 3.2 of the paper; masks are brought to the feature's size by
    `resize_as_the_paper`).

    Args:
        layer: the layer that the features were read from.
        num_classes: channels of the logits to come.

    Returns:
        The labeller; its classes are those that still show at the feature's size.

    Raises:
        ValueError: the shapes disagree, or no pixel is annotated.
    """
    if features.ndim != 4 or labels.ndim != 3 or features.shape[0] != labels.shape[0]:
        raise ValueError(
            "features and labels: wanted [K, C, H, W] and [K, h, w],"
            f" got {list(features.shape)} and {list(labels.shape)}"
        )
    small = resize_as_the_paper(labels, features.shape[-1]).to(features.device)
    classes = shown_classes(small)
    if not classes:
        raise ValueError(
            f"labels: wanted at least one annotated pixel, got only {UNPAINTED} (not painted)"
        )
    prototypes = []
    for index in classes:
        shown = [
            picture[:, mask == index].mean(dim=1)
            for picture, mask in zip(features.float(), small, strict=True)
            if bool((mask == index).any())
        ]
        prototypes.append(F.normalize(torch.stack(shown).mean(dim=0), dim=0))
    config = LabellerConfig("prototype", num_classes, classes, (layer,), (features.shape[1],))
    labeller = PrototypeLabeller(config).to(features.device)
    labeller.prototypes.copy_(torch.stack(prototypes))
    return labeller.requires_grad_(False)


def best_prototypes(
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w] of the annotated pictures
    labels: Tensor,  # uint8 [K, R, R] at the generator's resolution
    *,
    num_classes: int,
    layers: Sequence[str] | None = None,
) -> PrototypeLabeller:
    """Prototypes at the block whose features label the annotated pictures themselves best.

    The paper reads the 64² block of networks of 256² and more; which block sees the parts best in
    another network is found out here, by mean intersection over union.

    Args:
        layers: names of those to choose from; None: the last of each resolution.

    Raises:
        ValueError: an unknown layer, or no pixel is annotated.
    """
    infos = chosen_layers(generator, layers)
    # Of layers that nobody named, the last of each resolution has seen what the others saw.
    blocks = infos if layers else [*{layer.resolution: layer for layer in infos}.values()]
    features = read_features(generator, wplus, [layer.name for layer in blocks]).features
    best: PrototypeLabeller | None = None
    highest = -1.0
    wanted = shown_classes(labels)
    for layer in blocks:
        labeller = fit_prototypes(
            features[layer.name], labels, layer=layer.name, num_classes=num_classes
        )
        named = labeller.labels(features, labels.shape[-1])
        ious = []
        for index in wanted:
            asked, got = labels.to(named.device) == index, named == index
            got = got & (labels.to(named.device) != UNPAINTED)
            ious.append(float((asked & got).sum()) / float((asked | got).sum()))
        if sum(ious) / len(ious) > highest:
            best, highest = labeller, sum(ious) / len(ious)
    assert best is not None
    return best
