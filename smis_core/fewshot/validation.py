"""Does the encoder still learn? Masks that it never sees, measured while it trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..labelling import Labeller
from ..labels import UNPAINTED
from ..networks.generator_base import GeneratorBase
from .losses import one_hot
from .network import FewshotNetwork
from .pseudo import PseudoSampler

_SEED = 771_000_001


@dataclass(frozen=True)
class ValidationOptions:
    """How the validation is taken, and when training stops because of it."""

    masks: int = 32
    """pseudo-labelled samples apart from those of the training"""
    interval_steps: int = 100
    """steps between two validations; the first ones come after a quarter and a half of that, for
    who waits, and count neither as gain nor as miss"""
    patience: int = 6
    """validations without a gain after which training stops; 0 never stops"""
    least_gain: float = 0.002
    """of the mIoU, that counts as one"""
    cooldown: float = 0.15
    """share of the steps done over which the learning rate then falls to zero"""
    shown: int = 8
    """masks whose pictures come with a validation"""

    def __post_init__(self) -> None:
        for name, least in (("masks", 1), ("interval_steps", 1), ("patience", 0), ("shown", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: wanted at least {least}, got {getattr(self, name)}")
        if not 0 < self.cooldown <= 1:
            raise ValueError(f"cooldown: wanted a share in (0, 1], got {self.cooldown}")


@dataclass(frozen=True, eq=False)
class Validation:
    """One validation."""

    miou: float
    """between masks and the labeller's reading of what the encoder makes of them, over all masks"""
    best: float
    """the highest so far"""
    masks: Tensor
    """uint8 [M, R, R], some of them"""
    images: Tensor
    """[M, 3, R, R] in about [-1, 1], what the encoder makes of these"""


class Validator:
    """Takes validations.

    Args:
        generator: what draws.
        labeller: names what is drawn.
        sampler: draws the masks.
        options: see `ValidationOptions`.
        agree: of several processes gives each the main one's figure, so that all stop together.
    """

    def __init__(
        self,
        generator: GeneratorBase,
        labeller: Labeller,
        sampler: PseudoSampler,
        options: ValidationOptions,
        *,
        agree: Callable[[float], float] = float,
    ) -> None:
        self.generator, self.labeller, self.options = generator, labeller, options
        rng = torch.Generator().manual_seed(_SEED)
        self.masks = labeller.prepared(sampler.draw(options.masks, rng=rng).labels)
        self._agree = agree
        self.best = 0.0
        self.misses = 0
        """validations since the last gain"""

    @torch.no_grad()
    def take(self, network: FewshotNetwork, *, counts: bool = True) -> Validation:
        """Measures, and where it counts, counts gains and misses."""
        size = self.generator.config.resolution
        classes = network.config.palette.num_classes
        images, found = [], []
        for part in torch.split(self.masks, 16):
            codes = network(one_hot(part, classes))
            ws = self.generator.mapping.w_avg + codes
            image, features = self.generator.synthesis(ws, features=self.labeller.layers)
            images.append(image)
            found.append(self.labeller.sketched(features, size))
        read = self.labeller.comparable(torch.cat(found))
        miou = self._agree(joint_miou(read, self.labeller.comparable(self.masks)))
        best = max(self.best, miou)
        if counts:
            gained = miou > self.best + self.options.least_gain
            self.misses = 0 if gained else self.misses + 1
            self.best = best
        shown = self.options.shown
        return Validation(miou, best, self.masks[:shown], torch.cat(images)[:shown])

    def is_early(self, steps: int) -> bool:
        """Whether a first look is due after so many steps."""
        return steps in (self.options.interval_steps // 4, self.options.interval_steps // 2)

    @property
    def stalled(self) -> bool:
        """Whether patience has run out."""
        return bool(self.options.patience) and self.misses >= self.options.patience


def joint_miou(
    found: Tensor,  # uint8 [N, H, W]
    wanted: Tensor,  # uint8 [N, H, W]; 255 is ignored
) -> float:
    """Mean over classes of intersections over unions that are summed over all masks."""
    painted = wanted != UNPAINTED
    ious = []
    for index in torch.unique(wanted[painted]):
        asked, got = wanted == index, (found == index) & painted
        ious.append(float((asked & got).sum()) / float((asked | got).sum()))
    return sum(ious) / len(ious) if ious else 1.0
