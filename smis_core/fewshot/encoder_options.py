"""How an encoder is trained, and what a step of it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .augment import AugmentOptions
from .network import FewshotNetwork
from .validation import Validation


@dataclass(frozen=True)
class EncoderOptions:
    """How an encoder is trained."""

    pictures: int = 40_000
    """pseudo-labelled samples seen in all"""
    batch: int = 16
    """samples a step"""
    learning_rate: float = 2e-3
    """AdamW's; ramps up over the first 3% and falls to zero along a cosine"""
    weight_decay: float = 0.01
    """decoupled"""
    latent_weight: float = 1.0
    """of the distance between codes, the paper's loss (its equation 4)"""
    mask_weight: float = 1.0
    """of the disagreement between the mask that went in and the labeller's reading of what came
    out"""
    image_weight: float = 0.5
    """of the pixel pyramid"""
    feature_weight: float = 0.5
    """of the distance between features, each channel in units of its spread"""
    truncation_psi: float = 1.0
    """of the samples"""
    style_mixing: float = 0.1
    """share of samples made of two latents"""
    average_share: float = 0.03
    """half-life of the running average of the weights, as a share of the run"""
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    """distortion of the masks"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.pictures < self.batch:
            raise ValueError(
                "pictures and batch: wanted at least one picture a batch and one batch, got"
                f" {self.pictures} and"
                f" {self.batch}"
            )
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: wanted a positive number, got {self.learning_rate}")
        weights = (self.latent_weight, self.mask_weight, self.image_weight, self.feature_weight)
        if min(weights) < 0 or max(weights) == 0:
            raise ValueError(f"loss weights: wanted none negative and one positive, got {weights}")

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.pictures // self.batch

    def paper(self) -> EncoderOptions:
        """The paper's loss: codes alone."""
        return replace(
            self, latent_weight=1.0, mask_weight=0.0, image_weight=0.0, feature_weight=0.0
        )


@dataclass(frozen=True, eq=False)
class EncoderStep:
    """One step of the training."""

    index: int
    """from 0; a resumed run goes on where it stopped"""
    pictures: int
    """seen so far"""
    total: float
    """the weighted sum"""
    losses: dict[str, float]
    """unweighted terms by name: "latent", "mask", "image", "features" """
    network: FewshotNetwork
    """the running average of the encoder, with the labeller; it goes on changing until the last
    step"""
    validation: Validation | None = None
    """on the steps after which one was taken"""
    last: int = 0
    """index of the step that will be the last one as things stand"""
    warning: str | None = None
    """what went wrong without ending the training, such as a disk that is full"""
