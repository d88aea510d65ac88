"""What every way of inverting yields."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from ..latents import Noise, StyleSpace, W, WPlus, Z
from ..networks.generator_base import GeneratorBase

Latent = Z | W | WPlus | StyleSpace
"""A code in whichever space was searched."""


@dataclass(frozen=True, eq=False)
class InversionStep:
    """One step of an inversion. To cancel is to stop iterating: `best_so_far` is the result."""

    index: int
    """from 1; the work is done where it equals `total`, or earlier at a plateau"""
    total: int | None
    """how many steps there will be at most, where that is known"""
    phase: str
    """what is going on: "search", "encode", "8²" … "64²" (optimising up to that resolution),
    "optimise", "tune" """
    losses: dict[str, float]
    """unweighted terms by name, averaged over the targets, and their weighted sum as "total" """
    latent: Latent
    """N codes so far, one a target"""
    noise: Noise | None
    """the maps so far, where they are optimised"""
    image: Tensor | None
    """[N, 3, r, r] in about [-1, 1], where one was due; r grows up to the generator's resolution"""
    seconds: float = 0.0
    """of work so far: what passes between two steps, as in a pause, is not counted"""
    best: bool = True
    """whether no former step of the same phase had a lower total"""
    before: InversionStep | None = field(default=None, repr=False)
    """the best step so far, where this is not it"""
    classes: tuple[int, ...] | None = None
    """of the targets, given or found, for a conditional generator"""
    generator: GeneratorBase | None = field(default=None, repr=False)
    """what draws the latent, where it is a tuned copy"""
    warning: str | None = None
    """what went wrong without ending the work, such as a disk that is full"""

    @property
    def best_so_far(self) -> InversionStep:
        """This step, or the one before it that was better."""
        return self.before or self
