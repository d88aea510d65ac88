"""How far two pictures are apart for one who looks at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .lpips import LpipsKind, load_lpips, lpips_is_here

PerceptualChoice = Literal["auto", "discriminator", "vgg", "alex", "none"]

_EPSILON = 1e-8


@dataclass(frozen=True)
class Perceptual:
    """A perceptual distance: the squared distance of features."""

    name: str
    """which one it is, for people"""
    features: Callable[[Tensor], list[Tensor]]
    """[N, 3, R, R] in [-1, 1] → maps [N, C, h, w]"""

    def distance(self, ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
        """[N], see `feature_distance`."""
        return feature_distance(ours, theirs)


def choose_perceptual(
    generator: GeneratorBase,
    discriminator: AnyDiscriminator | None = None,
    *,
    choice: PerceptualChoice = "auto",
) -> Perceptual | None:
    """The distance that an inversion looks with; its `name` says which it became.

    Args:
        generator: what inverts.
        discriminator: of the same training.
        choice: "vgg" and "alex" are LPIPS, whose published weights are downloaded once;
            "discriminator" takes the network that came; "auto" takes LPIPS where its weights have
            been downloaded before, else the discriminator, else nothing.

    Returns:
        None where there is nothing to look with.

    Raises:
        ValueError: an unknown choice, or a discriminator that is missing or of another size.
        OSError: weights that cannot be downloaded.
    """
    side = generator.config.resolution
    device = generator.mapping.w_avg.device
    if choice not in ("auto", "discriminator", "vgg", "alex", "none"):
        raise ValueError(
            f"perceptual: wanted 'auto', 'discriminator', 'vgg', 'alex' or 'none', got {choice!r}"
        )
    if discriminator is not None and discriminator.config.resolution != side:
        raise ValueError(
            f"discriminator: wanted one of {side}², the generator's size, got"
            f" {discriminator.config.resolution}²"
        )
    if choice == "auto":
        kinds: tuple[LpipsKind, ...] = ("vgg", "alex")
        here = next((kind for kind in kinds if lpips_is_here(kind)), None)
        choice = here or ("discriminator" if discriminator is not None else "none")
    if choice == "none":
        return None
    if choice == "discriminator":
        if discriminator is None:
            raise ValueError(
                "discriminator: wanted the network of the generator's training, got None; give it,"
                " or choose another perceptual distance"
            )
        return discriminator_distance(discriminator)
    network = load_lpips(choice).to(device)
    return Perceptual(f"LPIPS ({network.title})", network)


def discriminator_distance(discriminator: AnyDiscriminator) -> Perceptual:
    """The distance in what a discriminator sees."""
    return Perceptual(
        "the discriminator's features", lambda images: critic_features(discriminator, images)
    )


def critic_features(
    critic: AnyDiscriminator,
    images: Tensor,  # [N, 3, R, R] in [-1, 1]
) -> list[Tensor]:
    """What the discriminator sees in pictures, each map of unit length along its channels.

    It knows nothing but its own domain, and nobody had to label a picture for it: a perceptual
    distance that needs no network trained on other people's photographs. The last map is left out,
    since its statistic mixes a batch.
    """
    count = len(images)
    missing = -count % 4 if count > 4 else 0
    if missing:
        images = torch.cat([images, images[:missing]])
    _, maps = critic(images, features=True)
    return [F.normalize(each[:count].float(), dim=1, eps=_EPSILON) for each in maps[:-1]]


def feature_distance(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Mean over the maps of the squared distance between vectors, after LPIPS (Zhang et al., 2018,
    equation 1).

    Returns:
        [N], in [0, 4] where vectors are of unit length.
    """
    terms = [
        (a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(ours, theirs, strict=True)
    ]
    return torch.stack(terms).mean(dim=0)
