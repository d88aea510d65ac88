"""Sparse labels of ours: every mark of an annotation is found again in a sample, and drawn there.

The paper's sparse labels (`sparse`) give each annotated pixel the pixels of a sample that resemble
it most, wherever they are: a landmark scatters, a line crumbles. Here spots along each mark look
for the place of a sample whose features resemble theirs most; a robust affine fit through all
finds, since marks lie together on what they mark, corrects those that went astray; and each mark is
drawn whole in its new place: a landmark as one dot, a line as the line that a person drew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..labels import UNPAINTED
from ..networks.generator_base import GeneratorBase
from .features import chosen_layers, read_features
from .labeller import Labeller, LabellerConfig, register_labeller
from .live import check_annotation
from .marks_geometry import affine_fit, found_places, is_dot, marks_of, redotted, spots_of, warped

UNKNOWN = 0
_COARSEST, _FINEST = 16, 64
_MIN_COSINE = 0.7
_TEMPERATURE = 0.05
_DOT_RADIUS = 0.02
_CLOSE = 0.06
"""Radii as shares of the side: of a dot as encoders see it, and of what counts as agreement."""
_ASTRAY = 0.12
_MOST_MARKS = 200


@register_labeller("marks")
class MarksLabeller(Labeller):
    """Spots of annotated marks with their features; class 0 means unknown."""

    unknown = UNKNOWN
    vectors: Tensor
    spots: Tensor
    owners: Tensor
    mark_classes: Tensor
    mark_pictures: Tensor
    templates: Tensor

    def __init__(self, config: LabellerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("vectors", torch.zeros(config.vectors, sum(config.channels)))
        self.register_buffer("spots", torch.zeros(config.vectors, 2))
        self.register_buffer("owners", torch.zeros(config.vectors, dtype=torch.int64))
        self.register_buffer("mark_classes", torch.zeros(config.marks, dtype=torch.int64))
        self.register_buffer("mark_pictures", torch.zeros(config.marks, dtype=torch.int64))
        side = config.side
        self.register_buffer("templates", torch.zeros(config.marks, side, side, dtype=torch.uint8))

    def _exactly(self) -> torch.autocast:
        """Float32 whatever the training uses: a cell's fractions are lost in bfloat16."""
        return torch.autocast(self.vectors.device.type, enabled=False)

    def _similarity(self, features: Mapping[str, Tensor], vectors: Tensor) -> Tensor:
        """Mean cosine over the layers between each spot's vector and each place: [N, M, h, w]."""
        found = self._gather(features)
        side = max(values.shape[-1] for values in found)
        parts = torch.split(vectors / len(found), list(self.config.channels), dim=1)
        by_side: dict[int, Tensor] = {}
        with self._exactly():
            for values, part in zip(found, parts, strict=True):
                cosine = _cosines(values.float(), part)
                own = values.shape[-1]
                by_side[own] = by_side[own] + cosine if own in by_side else cosine
            # Enlarging is linear, so layers of one size are enlarged together.
            total = by_side.pop(side)
            for cosine in by_side.values():
                total = total + _enlarged(cosine, side)
        return total

    def logits(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        """The highest cosine of each class's spots against a bound that stands for 'unknown'."""
        spot_classes = self.mark_classes[self.owners]
        # Class by class, so that each class's maps are a view of all, also on the way back.
        order = spot_classes.argsort(stable=True)
        counts = torch.unique_consecutive(spot_classes[order], return_counts=True)[1].tolist()
        similarity = self._similarity(features, self.vectors[order])
        columns = [torch.full_like(similarity[:, 0], self.config.min_cosine)]
        columns += [each.max(dim=1).values for each in torch.split(similarity, counts, dim=1)]
        stacked = torch.stack(columns, dim=1)
        if stacked.shape[-1] != size:
            stacked = F.interpolate(
                stacked, size=(size, size), mode="bilinear", align_corners=False
            )
        return self._spread(stacked / _TEMPERATURE)

    @torch.no_grad()
    def labels(self, features: Mapping[str, Tensor], size: int) -> Tensor:
        """Lines and scribbles first, then landmarks over them."""
        with self._exactly():
            return self._drawn(self._similarity(features, self.vectors), size)

    def _drawn(self, similarity: Tensor, size: int) -> Tensor:
        places = self._places(similarity)
        count = len(places)
        drawn = torch.zeros(count, size, size, dtype=torch.uint8, device=places.device)
        chosen = self._chosen(similarity)
        dots = [bool(is_dot(each)) for each in self.templates.cpu()]
        for mark in sorted(range(len(dots)), key=lambda mark: dots[mark]):
            mine = self.owners == mark
            if dots[mark]:
                area = _disc(places[:, mine].mean(dim=1), size, _DOT_RADIUS)
            else:
                sure = torch.ones(count, int(mine.sum()), device=places.device)
                matrix = affine_fit(self.spots[mine], places[:, mine], sure)
                area = warped(self.templates[mark], matrix, size)
            area &= (chosen == self.mark_pictures[mark])[:, None, None]
            drawn = torch.where(area, self.mark_classes[mark].to(torch.uint8), drawn)
        return drawn

    @torch.no_grad()
    def places(self, features: Mapping[str, Tensor]) -> Tensor:
        """Where each spot lies in each sample: [N, M, 2] as (x, y) in [0, 1]."""
        with self._exactly():
            return self._places(self._similarity(features, self.vectors))

    def _places(self, similarity: Tensor) -> Tensor:
        places, sure = found_places(similarity)
        # Spots lie picture by picture, as `fit_marks` puts them.
        owners = self.mark_pictures[self.owners]
        counts = torch.unique_consecutive(owners, return_counts=True)[1].tolist()
        found = []
        for spots, alike, at, how in zip(
            torch.split(self.spots, counts),
            torch.split(similarity, counts, dim=1),
            torch.split(places, counts, dim=1),
            torch.split(sure, counts, dim=1),
            strict=True,
        ):
            matrix = affine_fit(spots, at, how)
            expected = spots @ matrix[:, :, :2].mT + matrix[:, None, :, 2]
            found.append(found_places(alike, around=expected, reach=_ASTRAY)[0])
        return torch.cat(found, dim=1)

    def prepared(self, labels: Tensor) -> Tensor:
        """Every landmark as one dot of the size that encoders are trained with."""
        return redotted(labels, self.config.dots, _DOT_RADIUS)

    def comparable(self, labels: Tensor) -> Tensor:
        """Marks so wide that those which nearly agree overlap."""
        reach = max(round(_CLOSE * labels.shape[-1] / 2), 1)
        grown = labels.clone()
        for index in self.config.classes[1:]:
            if index not in self.config.dots:
                near = F.max_pool2d((labels == index).float()[:, None], 2 * reach + 1, 1, reach)
                grown[(near[:, 0] > 0) & (grown == UNPAINTED)] = index
        return redotted(grown, self.config.dots, _CLOSE)

    def _chosen(self, similarity: Tensor) -> Tensor:
        """The annotated picture that resembles each sample most: [N]."""
        owners = self.mark_pictures[self.owners]
        pictures: Tensor = torch.unique(self.mark_pictures)
        if len(pictures) == 1:
            return pictures.expand(len(similarity))
        peaks = similarity.flatten(2).amax(dim=2)
        scores = [peaks[:, owners == each].mean(dim=1) for each in pictures]
        chosen: Tensor = pictures[torch.stack(scores, dim=1).argmax(dim=1)]
        return chosen


@torch.no_grad()
def fit_marks(
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w] of the annotated pictures
    labels: Tensor,  # uint8 [K, R, R]; 0 and 255 are not annotated
    *,
    num_classes: int,
    layers: Sequence[str] | None = None,
) -> MarksLabeller:
    """Remembers the marks of annotated pictures; takes a moment.

    Args:
        generator: what drew the pictures.
        wplus: their latents.
        labels: their annotations at the generator's resolution: landmarks, lines, scribbles.
        num_classes: of the palette.
        layers: names of those that are read; None: those that tell places apart best.

    Raises:
        ValueError: labels of another shape, no mark, more than two hundred, or an unknown layer.
    """
    labels = labels.masked_fill(labels == UNKNOWN, UNPAINTED)
    check_annotation(generator, wplus, labels)
    side = generator.config.resolution
    infos = [
        layer
        for layer in chosen_layers(generator, layers)
        if layers is not None or min(_COARSEST, side // 2) <= layer.resolution <= min(_FINEST, side)
    ]
    names = tuple(layer.name for layer in infos)
    features = read_features(generator, wplus, names).features
    marks = [
        (picture, index, area)
        for picture, mask in enumerate(labels.cpu().numpy())
        for index, area in marks_of(mask)
    ]
    if len(marks) > _MOST_MARKS:
        raise ValueError(
            f"labels: wanted at most {_MOST_MARKS} separate marks, got {len(marks)}; a dense"
            " annotation belongs to a dense project"
        )
    vectors, spots, owners = [], [], []
    for number, (picture, _, area) in enumerate(marks):
        places = spots_of(area).to(wplus.device)
        grid = (places * 2 - 1)[None, None]
        columns = []
        for name in names:
            values = F.normalize(features[name][picture : picture + 1].float(), dim=1)
            read = F.grid_sample(values, grid, padding_mode="border", align_corners=False)
            columns.append(F.normalize(read[0, :, 0].T, dim=1))
        vectors.append(torch.cat(columns, dim=1))
        spots.append(places)
        owners.append(torch.full((len(places),), number))
    areas = torch.from_numpy(np.stack([area for _, _, area in marks]).astype(np.uint8))
    classes = sorted({index for _, index, _ in marks})
    dots = tuple(
        index
        for index in classes
        if all(is_dot(torch.from_numpy(area)) for _, own, area in marks if own == index)
    )
    config = LabellerConfig(
        "marks", num_classes, (UNKNOWN, *classes), names, tuple(each.channels for each in infos),
        vectors=sum(map(len, vectors)), min_cosine=_MIN_COSINE, dots=dots, marks=len(marks),
        side=side,
    )  # fmt: skip
    labeller = MarksLabeller(config).to(wplus.device)
    labeller.vectors.copy_(torch.cat(vectors))
    labeller.spots.copy_(torch.cat(spots))
    labeller.owners.copy_(torch.cat(owners))
    labeller.mark_classes.copy_(torch.tensor([index for _, index, _ in marks]))
    labeller.mark_pictures.copy_(torch.tensor([picture for picture, _, _ in marks]))
    labeller.templates.copy_(areas)
    return labeller.requires_grad_(False)


def _cosines(
    values: Tensor,  # [N, C, h, w]
    vectors: Tensor,  # [M, C]
) -> Tensor:
    """Products of vectors with features at length 1: [N, M, h, w]."""
    columns = values.flatten(2)
    lengths = columns.square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-12)
    # Memory is what this costs, so the smaller of the two tensors is divided.
    few = len(vectors) < columns.shape[1]
    products = (vectors @ columns) / lengths if few else vectors @ (columns / lengths)
    return products.view(*products.shape[:2], *values.shape[2:])


def _enlarged(
    maps: Tensor,  # [N, M, h, h]
    side: int,
) -> Tensor:
    """[N, M, side, side], bicubic: as two products with the weights, since `interpolate` is slow
    for hundreds of maps, and slower for their gradients."""
    own = maps.shape[-1]
    unit = torch.eye(own, device=maps.device)[None, None]
    weights = F.interpolate(unit, size=(side, own), mode="bicubic", align_corners=False)[0, 0]
    return weights @ maps @ weights.T


def _disc(places: Tensor, side: int, radius: float) -> Tensor:
    """bool [N, side, side] around places [N, 2]; at least one pixel."""
    axis = (torch.arange(side, device=places.device) + 0.5) / side
    across = (axis[None, None] - places[:, 0, None, None]).square()
    down = (axis[None, :, None] - places[:, 1, None, None]).square()
    return across + down <= max(radius, 0.75 / side) ** 2
