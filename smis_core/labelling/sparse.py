"""Sparse labels by the nearest neighbours of annotated pixels.

Endo and Kanamori (2021), section 3.2, 'sparse pseudo labels': scribbles and points name few pixels,
so a sample's pixels are named only where they clearly resemble one of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED
from .labeller import Labeller, LabellerConfig, register_labeller
from .prototypes import resize_as_the_paper

UNKNOWN = 0
_TEMPERATURE = 0.05


@register_labeller("sparse-topk")
class SparseLabeller(Labeller):
    """Each annotated pixel claims the `top_k` most similar pixels of a sample; class 0 means
    unknown."""

    unknown = UNKNOWN
    vectors: Tensor
    vector_classes: Tensor

    def __init__(self, config: LabellerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("vectors", torch.zeros(config.vectors, config.channels[0]))
        self.register_buffer("vector_classes", torch.zeros(config.vectors, dtype=torch.int64))

    def _similarity(self, features: Mapping[str, Tensor]) -> Tensor:
        """Cosines [N, M, H, W] between annotated pixels and a sample's."""
        (values,) = self._gather(features)
        return torch.einsum("mc,nchw->nmhw", self.vectors, F.normalize(values.float(), dim=1))

    def logits(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        """The highest cosine of each class against the threshold, which stands for 'unknown'.

        Softer than `labels`, where an annotated pixel claims `top_k` pixels at most.
        """
        similarity = self._similarity(features)
        columns = []
        for index in self.config.classes:
            if index == UNKNOWN:
                columns.append(torch.full_like(similarity[:, 0], self.config.min_cosine))
            else:
                columns.append(similarity[:, self.vector_classes == index].amax(dim=1))
        logits = F.interpolate(torch.stack(columns, dim=1), size=(size, size), mode="nearest")
        return self._spread(logits / _TEMPERATURE)

    def labels(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        with torch.no_grad():
            similarity = self._similarity(features)
            height, width = similarity.shape[-2:]
            flat = similarity.flatten(2)
            top_k = min(self.config.top_k, flat.shape[-1])
            values, places = flat.topk(top_k, dim=2)
            claims = torch.full_like(flat, -torch.inf).scatter(2, places, values)
            claims = torch.where(claims > self.config.min_cosine, claims, -torch.inf)
            best, winner = claims.max(dim=1)  # a contested pixel goes to the highest cosine
            named = torch.where(best > -torch.inf, self.vector_classes[winner], UNKNOWN)
            small = named.view(-1, 1, height, width).float()
            return F.interpolate(small, size=(size, size), mode="nearest")[:, 0].to(torch.uint8)


def fit_sparse(
    features: Tensor,  # [K, C, H, W] of the annotated pictures
    labels: Tensor,  # uint8 [K, h, w]; 0 and 255 are not annotated
    *,
    layer: str,
    num_classes: int,
    top_k: int = 3,
    min_cosine: float = 0.5,
) -> SparseLabeller:
    """A sparse labeller that remembers every annotated pixel.

    Args:
        layer: the layer that the features were read from.
        num_classes: channels of the logits to come.
        top_k: pixels of a sample that an annotated pixel may claim.
        min_cosine: the similarity that a claim must exceed, in [-1, 1).

    Raises:
        ValueError: `top_k` is below 1, `min_cosine` out of range, or no pixel is annotated at the
        feature's size.
    """
    if top_k < 1:
        raise ValueError(f"top_k: wanted at least 1, got {top_k}")
    if not -1 <= min_cosine < 1:
        raise ValueError(f"min_cosine: wanted a number in [-1, 1), got {min_cosine}")
    small = resize_as_the_paper(labels, features.shape[-1]).to(features.device)
    annotated = (small != UNKNOWN) & (small != UNPAINTED)
    if not bool(annotated.any()):
        raise ValueError(
            "labels: wanted at least one pixel of class 1 or higher at the features' size, got none"
        )
    vectors = F.normalize(features.float(), dim=1).movedim(1, -1)[annotated]
    named = small[annotated].long()
    classes = (UNKNOWN, *sorted({int(index) for index in torch.unique(named)}))
    config = LabellerConfig(
        "sparse-topk",
        num_classes,
        classes,
        (layer,),
        (features.shape[1],),
        vectors=vectors.shape[0],
        top_k=top_k,
        min_cosine=min_cosine,
    )
    labeller = SparseLabeller(config).to(features.device)
    labeller.vectors.copy_(vectors)
    labeller.vector_classes.copy_(named)
    return labeller.requires_grad_(False)
