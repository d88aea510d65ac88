"""The one to five pictures that a person annotated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..inversion import InversionStep, ProjectionOptions, project
from ..labelling import shown_classes
from ..labels import Palette
from ..latents import WPlus
from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator


@dataclass(frozen=True, eq=False)
class AnnotatedPictures:
    """Pictures, their masks and, once inverted, their latents.

    Raises:
        ValueError: shapes or counts disagree, nothing is painted, or a class is not the palette's.
    """

    images: Tensor
    """[K, 3, R, R] in [-1, 1]"""
    labels: Tensor
    """uint8 [K, R, R]; 255 is not painted"""
    palette: Palette
    """what the classes mean"""
    wplus: WPlus | None = None
    """[K, L, w] in the generator that is to be used"""

    def __post_init__(self) -> None:
        count, side = len(self.images), self.images.shape[-1]
        if self.images.ndim != 4 or self.images.shape[1] != 3 or not count:
            raise ValueError(
                f"images: wanted [K, 3, R, R] with K of 1 or more, got {list(self.images.shape)}"
            )
        if tuple(self.labels.shape) != (count, side, side) or self.labels.dtype != torch.uint8:
            raise ValueError(
                f"labels: wanted uint8 [{count}, {side}, {side}], one mask a picture and of its"
                " size,"
                f" got {self.labels.dtype} {list(self.labels.shape)}"
            )
        unknown = set(self.classes) - set(self.palette.indices)
        if unknown:
            raise ValueError(
                f"labels: wanted classes of palette {self.palette.name!r} or 255, got also"
                f" {sorted(unknown)}"
            )
        if not self.classes:
            raise ValueError(
                "labels: wanted at least one painted pixel, got only 255 (not painted)"
            )
        if self.wplus is not None and len(self.wplus.tensor) != count:
            raise ValueError(f"wplus: wanted {count} latents, got {len(self.wplus.tensor)}")

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes that the masks show."""
        return shown_classes(self.labels)


def invert_annotated(
    generator: GeneratorBase,
    annotated: AnnotatedPictures,
    *,
    discriminator: AnyDiscriminator | None = None,
    options: ProjectionOptions | None = None,
) -> Iterator[InversionStep]:
    """Inverts all annotated pictures side by side, into W+; the last step's latent belongs into
    `wplus`.

    Raises:
        ValueError: the pictures are not of the generator's size.
    """
    return project(
        generator,
        annotated.images,
        perceptual=discriminator,
        options=options or ProjectionOptions.thorough(),
    )
