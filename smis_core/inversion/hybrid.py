"""Encode, then descend for a few dozen steps: the way to invert that is taken by default."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..checkpoints.native import fingerprint
from ..labelling import shallow_synthesis
from ..latents import WPlus
from ..networks.generator_base import GeneratorBase, SynthesisBase
from ..networks.strided import AnyDiscriminator
from ..networks.stylegan2 import SynthesisNetwork
from .checks import TargetLike, checked_classes, checked_perceptual, checked_target
from .descent import Descent, new_maps, uses_noise
from .encode import AnyImageEncoder, check_encoder, encode
from .losses import LossWeights, MaskLoss, Objective
from .perceptual import Perceptual
from .project import made
from .spaces import Search
from .starts import class_means, find_classes
from .statistics import WStatistics, class_labels
from .step import InversionStep
from .work import Keeper, Recorder, identity_of

_SMALLEST = 16
_CORRECTED_EVERY_STEPS = 10
_FAST_UNTIL = 0.75


def _loose() -> LossWeights:
    return LossWeights(prior=0.003, rows=0.01)


@dataclass(frozen=True, kw_only=True)
class HybridOptions:
    """How a picture is inverted in a few dozen steps.

    Raises:
        ValueError: a number out of range.
    """

    steps: int = 120
    """of Adam, at most"""
    learning_rate: float = 0.2
    """in units of w's spread; falls to zero along a cosine"""
    coarse_share: float = 0.05
    """the beginning that is drawn and compared at half the size, on the coarse rows alone; where
    the generator has no picture at that size, nothing"""
    refinements: int | None = None
    """looks of the encoder, see `encode`"""
    optimise_noise: bool | None = None
    """whether noise maps are found as well; None: where they change the picture"""
    patience_steps: int = 15
    """a descent ends where so many steps brought less than `plateau`"""
    plateau: float = 0.001
    """the share of its loss by which a descent must fall in `patience_steps`"""
    time_limit_seconds: float | None = None
    """of work; the schedule hurries to end in time"""
    losses: LossWeights = field(default_factory=_loose)
    """what is minimised"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.learning_rate > 0 or self.patience_steps < 1:
            raise ValueError(
                "options: wanted steps and patience_steps of at least 1 and a positive"
                f" learning_rate, got {self.steps}, {self.patience_steps} and {self.learning_rate}"
            )
        if not 0 <= self.coarse_share < 1 or self.plateau < 0:
            raise ValueError(
                "options: wanted a coarse_share in [0, 1) and a plateau of at least 0, got"
                f" {self.coarse_share} and {self.plateau}"
            )
        if self.time_limit_seconds is not None and not self.time_limit_seconds > 0:
            raise ValueError(
                "options: wanted a positive time_limit_seconds, or None, got"
                f" {self.time_limit_seconds}"
            )


def hybrid(
    generator: GeneratorBase,
    target: TargetLike,  # [N, 3, R, R] in [-1, 1]
    *,
    encoder: AnyImageEncoder | None = None,
    perceptual: Perceptual | AnyDiscriminator | None = None,
    weight: Tensor | None = None,  # [N or 1, 1, R, R]
    mask_loss: MaskLoss | None = None,
    start: WPlus | None = None,
    classes: Sequence[int] | int | None = None,
    options: HybridOptions | None = None,
    state: str | PathLike[str] | None = None,
) -> Iterator[InversionStep]:
    """Inverts pictures into W+: an encoder's answer, then a short descent from it.

    Rows move each for itself and all together, so that codes near W are found as fast as in W.
    The first steps see half the size and move coarse rows only; what a generator's picture at that
    size lacks of its last one is measured now and then and added.

    Args:
        generator: StyleGAN 1, 2 or 3, frozen.
        target: at the generator's resolution, see `prepare_target`.
        encoder: trained with this generator; None starts at the average.
        perceptual: see `choose_perceptual`; a discriminator stands for its features.
        weight: how much each pixel matters.
        mask_loss: how far a labeller's reading of codes [N, L, w] is from a mask.
        start: a code to begin with in place of the encoder's.
        classes: of a conditional generator, one a target or one for all; None searches them.
        options: see `HybridOptions`.
        state: a file from which an interrupted run goes on, saved every few seconds; in a folder,
            or under a name without an ending, each run has one of its own until it has ended.

    Returns:
        The steps: phase "encode", then one phase for each size, such as "32²" and "64²". The result
        is the last step's `best_so_far`.

    Raises:
        ValueError: before any work: as `project` and `encode`.
    """
    options = options or HybridOptions()
    images, matters = checked_target(generator, target, weight)
    distance = checked_perceptual(generator, perceptual)
    given = checked_classes(generator, classes, len(images))
    wanted = (len(images), generator.num_ws, generator.config.w_dim)
    if start is not None and tuple(start.tensor.shape) != wanted:
        raise ValueError(f"start: wanted {[*wanted]}, got {[*start.tensor.shape]}")
    if options.optimise_noise and not generator.synthesis.takes_noise:
        raise ValueError(
            "optimise_noise: wanted False for this generator, whose layers add no noise, got True"
        )
    if encoder is not None:
        check_encoder(generator, encoder)
    identity = ""
    if state is not None:
        identity = identity_of(
            "hybrid", generator, images, distance, asdict(options), mask_loss is not None, given,
            matters,
            None if start is None else start.tensor,
            None if encoder is None else fingerprint(encoder),
        )  # fmt: skip
    keeper = Keeper(state, identity)
    run = _Run(generator, images, matters, distance, mask_loss, options)
    return run.steps(encoder, start, given, keeper, keeper.restored(images.device))


class _Run:
    """One inversion."""

    def __init__(
        self,
        generator: GeneratorBase,
        target: Tensor,
        matters: Tensor | None,
        perceptual: Perceptual | None,
        mask_loss: MaskLoss | None,
        options: HybridOptions,
    ) -> None:
        self.generator, self.target, self.matters = generator, target, matters
        self.perceptual, self.mask_loss, self.options = perceptual, mask_loss, options

    def steps(
        self,
        encoder: AnyImageEncoder | None,
        start: WPlus | None,
        classes: list[int] | None,
        keeper: Keeper,
        restored: dict[str, Any] | None,
    ) -> Iterator[InversionStep]:
        """All steps, or those that were left."""
        options, generator = self.options, self.generator
        recorder = Recorder()
        index = 0
        if classes is None and restored is not None:
            classes = restored["classes"]
        elif classes is None and generator.config.c_dim:
            classes = find_classes(generator, self.target, self.perceptual, seed=options.seed)
        labels = None if classes is None else class_labels(generator, classes)
        found = None if classes is None else tuple(classes)
        ws = None if start is None else start.tensor.to(self.target)
        if restored is None and start is None and encoder is not None:
            for step in encode(
                generator,
                self.target,
                encoder,
                refinements=options.refinements,
                weight=self.matters,
            ):
                index = step.index
                assert isinstance(step.latent, WPlus)
                ws = step.latent.tensor
                total = (step.total or 1) + options.steps
                yield recorder.hold(replace(step, total=total, classes=found))
                recorder.go()
        descent = self._descent(ws, labels)
        side, grows = generator.config.resolution, self._grows()
        at, history, offset = 0, list[float](), index
        correction: Tensor | None = None
        if restored is not None:
            descent.restore(restored["descent"])
            recorder.restore(restored["recorder"], self.target.device)
            at, history, offset = restored["at"], restored["history"], restored["offset"]
            correction = restored["correction"]
        while True:
            progress = self._progress(at / options.steps, recorder)
            last = progress >= 1 or self._is_flat(history, progress)
            whole = last or not grows or progress >= options.coarse_share
            size = side if whole else side // 2
            synthesis = None if whole else shallow_synthesis(generator, size)
            if synthesis is None:
                correction = None
            elif correction is None or at % _CORRECTED_EVERY_STEPS == 0:
                correction = self._correction(descent, synthesis, size)
            looked = descent.step(
                # The last step looks at what the one before it found.
                0.0 if last else options.learning_rate * _rate(progress),
                synthesis=synthesis,
                correction=correction,
                # Half precision finds the way; the end wants more digits.
                fast=progress < _FAST_UNTIL and not last,
            )
            if whole and not last:
                history.append(looked.losses["total"])
            at += not last
            index = offset + at + last
            total = index if last else offset + options.steps + 1
            step = recorder.hold(made(looked, index, total, f"{size}²", classes=found))
            if keeper.due(last=last):
                keeper.save(
                    {
                        "at": at,
                        "offset": offset,
                        "history": history,
                        "correction": correction,
                        "classes": classes,
                        "descent": descent.state(),
                        "recorder": recorder.state(),
                    }
                )
            if last:
                keeper.finish()
            yield replace(step, warning=keeper.warning)
            if last:
                return
            recorder.go()

    def _descent(self, ws: Tensor | None, labels: Tensor | None) -> Descent:
        generator, options = self.generator, self.options
        rng = torch.Generator().manual_seed(options.seed)
        statistics = WStatistics(generator, rng, labels=labels)
        objective = Objective(
            self.target,
            options.losses,
            perceptual=self.perceptual,
            statistics=statistics,
            matters=self.matters,
            mask_loss=self.mask_loss,
        )
        if ws is None:
            count = len(self.target)
            means = class_means(generator, labels, count, statistics.mean)
            ws = means[:, None].expand(-1, generator.num_ws, -1).clone()
        noisy = uses_noise(generator) if options.optimise_noise is None else options.optimise_noise
        search = Search(generator, "wplus", ws, unit="spread", statistics=statistics, shared=True)
        maps = new_maps(generator, len(self.target), rng) if noisy else []
        return Descent(search, objective, maps=maps, betas=(0.9, 0.99))

    def _grows(self) -> bool:
        """Whether there is a picture at half the size."""
        synthesis = self.generator.synthesis
        skip = isinstance(synthesis, SynthesisNetwork) and synthesis.config.architecture == "skip"
        return skip and self.generator.config.resolution // 2 >= _SMALLEST

    @torch.no_grad()
    def _correction(self, descent: Descent, synthesis: SynthesisBase, size: int) -> Tensor:
        """What the picture at a smaller size lacks of the whole one."""
        search = descent.search
        codes = search.codes()
        ws = search.ws(codes)
        whole = search.draw(codes, ws, descent.maps)
        part = search.draw(codes, ws, descent.maps, synthesis)
        return F.adaptive_avg_pool2d(whole, size) - part

    def _progress(self, done: float, recorder: Recorder) -> float:
        limit = self.options.time_limit_seconds
        return done if limit is None else max(done, recorder.seconds / limit)

    def _is_flat(self, history: list[float], progress: float) -> bool:
        patience = self.options.patience_steps
        # Before the rate has fallen, a loss that stands still only waits for it.
        if progress < 0.5 or len(history) <= patience:
            return False
        return min(history[-patience:]) > min(history[:-patience]) * (1 - self.options.plateau)


def _rate(progress: float) -> float:
    return min(1.0, (progress + 0.01) / 0.05) * (0.5 + 0.5 * math.cos(math.pi * progress))
