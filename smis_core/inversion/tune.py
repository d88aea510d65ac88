"""Pivotal tuning: a generator that draws one picture exactly (Roich et al. 2022)."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from ..devices import has_fast_bfloat16
from ..latents import Noise, StyleSpace
from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .checks import TargetLike, checked_perceptual, checked_target
from .latent_files import latent_tensors
from .losses import LossWeights, Objective, as_numbers
from .perceptual import Perceptual
from .pyramid import weighted_mean
from .spaces import to_wplus
from .statistics import WStatistics, class_labels
from .step import InversionStep, Latent
from .work import Keeper, Recorder, identity_of, step_rng

_FAR, _NEAREST = 0.1, 0.001
"""Root mean squares of what a pivot misses: from here on the learning rate is the whole one, and
below here it falls no more."""


@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """How a generator is tuned around a code.

    Raises:
        ValueError: a number out of range.
    """

    steps: int = 200
    """of Adam, at most"""
    learning_rate: float = 0.005
    """of the weights, which are stored with unit variance; falls to zero along a cosine. In
    proportion less where the pivot's picture is nearer to the target than a root mean square of
    0.1: a step that suits a likeness blurs what is almost found"""
    losses: LossWeights = field(default_factory=lambda: LossWeights(prior=0, rows=0, noise=0))
    """what is minimised at the pivot"""
    locality_weight: float = 0.1
    """of what changes elsewhere: pictures of codes near the pivot stay as they were"""
    locality_distance: float = 0.5
    """how far from the pivot that is looked at, by w's deviation from its mean"""
    locality_interval_steps: int = 4
    """it is looked at every so many steps, that many times as strongly"""
    stop_at: float = 0.0
    """the loss at which it is enough"""
    time_limit_seconds: float | None = None
    """of work; the schedule hurries to end in time"""
    seed: int = 0
    """of what is looked at elsewhere"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.locality_interval_steps < 1 or not self.learning_rate > 0:
            raise ValueError(
                "options: wanted steps and locality_interval_steps of at least 1 and a positive"
                f" learning_rate, got {self.steps}, {self.locality_interval_steps} and"
                f" {self.learning_rate}"
            )
        if min(self.locality_weight, self.locality_distance, self.stop_at) < 0:
            raise ValueError(
                "options: wanted locality_weight, locality_distance and stop_at of at least 0, got"
                f" {self.locality_weight}, {self.locality_distance} and {self.stop_at}"
            )
        if self.time_limit_seconds is not None and not self.time_limit_seconds > 0:
            raise ValueError(
                "options: wanted a positive time_limit_seconds, or None, got"
                f" {self.time_limit_seconds}"
            )


def tune(
    generator: GeneratorBase,
    target: TargetLike,  # [N, 3, R, R] in [-1, 1]
    latent: Latent,
    *,
    noise: Noise | None = None,
    perceptual: Perceptual | AnyDiscriminator | None = None,
    weight: Tensor | None = None,  # [N or 1, 1, R, R]
    classes: tuple[int, ...] | None = None,
    options: TuningOptions | None = None,
    state: str | PathLike[str] | None = None,
) -> Iterator[InversionStep]:
    """Changes a copy of the generator until the code draws the target (sections 3.2 and 3.3).

    Args:
        generator: stays as it is.
        target: at its resolution.
        latent: the pivot, in Z, W or W+, as `hybrid` or `project` found it.
        noise: maps found with the pivot.
        perceptual: see `choose_perceptual`; a discriminator stands for its features.
        weight: how much each pixel matters.
        classes: of the pivot, where it lies in Z of a conditional generator.
        options: see `TuningOptions`.
        state: a file from which an interrupted run goes on, saved every few seconds; in a folder,
            or under a name without an ending, each run has one of its own until it has ended.

    Returns:
        The steps; `generator` of any of them is the tuned copy, which goes on changing until the
        last. It shares all but the tuned weights with the one that came. Ended early, by closing
        the iterator, it keeps the best so far.

    Raises:
        ValueError: before any work: a target or a code that does not fit the generator.
    """
    options = options or TuningOptions()
    images, matters = checked_target(generator, target, weight)
    distance = checked_perceptual(generator, perceptual)
    if isinstance(latent, StyleSpace):
        raise ValueError(
            "latent: wanted a pivot in Z, W or W+, got one in style space; project into W+ for it"
        )
    labels = None if classes is None else class_labels(generator, [*classes])
    with torch.no_grad():
        pivot = to_wplus(
            generator, replace(latent, tensor=latent.tensor.to(images.device)), labels
        ).clone()
    wanted = (len(images), generator.num_ws, generator.config.w_dim)
    if tuple(pivot.shape) != wanted:
        raise ValueError(
            f"latent: wanted a pivot of {wanted[0]} targets, [{wanted[0]}, {wanted[1]},"
            f" {wanted[2]}] in W+, got {[*pivot.shape]}"
        )
    identity = ""
    if state is not None:
        maps = latent_tensors(latent, noise).values()
        identity = identity_of(
            "tune", generator, images, distance, asdict(options), classes, matters, *maps
        )
    keeper = Keeper(state, identity)
    restored = keeper.restored(images.device)
    return _tune(
        generator, images, matters, pivot, latent, noise, classes, distance, options, keeper,
        restored,
    )  # fmt: skip


def _scale(
    generator: GeneratorBase,
    pivot: Tensor,
    maps: Any,
    target: Tensor,
    matters: Tensor | None,
) -> float:
    """By how much the learning rate is less, in (0, 1]."""
    with torch.no_grad():
        error = (generator.synthesis(pivot, noise=maps) - target).square()
        missed = float(weighted_mean(error, matters).mean().sqrt())
    return min(max(missed, _NEAREST) / _FAR, 1.0)


def tunable_copy(generator: GeneratorBase) -> tuple[GeneratorBase, dict[str, Tensor]]:
    """A copy that shares every weight but those of the synthesis that no style makes, and these by
    name: kernels, biases, the constant."""
    own = {
        name: value
        for name, value in generator.synthesis.named_parameters()
        if "affine" not in name and "noise_strength" not in name
    }
    mine = {id(value) for value in own.values()}
    shared = [*generator.parameters(), *generator.buffers()]
    memo: dict[int, Any] = {id(each): each for each in shared if id(each) not in mine}
    tuned: GeneratorBase = copy.deepcopy(generator, memo)
    parameters = dict(tuned.synthesis.named_parameters())
    return tuned, {name: parameters[name] for name in own}


def _tune(
    generator: GeneratorBase,
    target: Tensor,
    matters: Tensor | None,
    pivot: Tensor,
    latent: Latent,
    noise: Noise | None,
    classes: tuple[int, ...] | None,
    perceptual: Perceptual | None,
    options: TuningOptions,
    keeper: Keeper,
    restored: dict[str, Any] | None,
) -> Iterator[InversionStep]:
    recorder = Recorder()
    statistics = WStatistics(generator, torch.Generator().manual_seed(options.seed))
    objective = Objective(target, options.losses, perceptual=perceptual, matters=matters)
    tuned, weights = tunable_copy(generator)
    optimizer = torch.optim.Adam([*weights.values()], betas=(0.9, 0.99))
    best = {name: value.detach().clone() for name, value in weights.items()}
    index = 0
    if restored is not None:
        for name, value in weights.items():
            value.data.copy_(restored["weights"][name])
        best = restored["best"]
        optimizer.load_state_dict(restored["optimizer"])
        recorder.restore(restored["recorder"], target.device, generator=tuned)
        index = restored["index"]
    maps = "const" if noise is None else [each.to(target.device) for each in noise.maps]
    fast = has_fast_bfloat16(target.device)
    highest = options.learning_rate * _scale(generator, pivot, maps, target, matters)
    total, last = options.steps + 1, False
    try:
        while not last:
            progress = index / options.steps
            if options.time_limit_seconds is not None:
                progress = max(progress, recorder.seconds / options.time_limit_seconds)
            last = progress >= 1
            rate = highest * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)))
            for group in optimizer.param_groups:
                group["lr"] = rate
            for value in weights.values():
                value.requires_grad_(not last)
            with (
                torch.set_grad_enabled(not last),
                torch.autocast(
                    target.device.type, torch.bfloat16, enabled=fast and progress < 0.75
                ),
            ):
                image = tuned.synthesis(pivot, noise=maps)
                terms = objective.compare(image)
                compared = objective.total(terms)
                loss = compared.sum()
                regular = index % options.locality_interval_steps == 0
                if options.locality_weight and regular and not last:
                    rng = step_rng(options.seed, index)
                    away = _locality(generator, tuned, pivot, statistics, options, rng)
                    loss = loss + away * options.locality_weight * options.locality_interval_steps
            losses = as_numbers(terms, compared)
            last = last or losses["total"] <= options.stop_at
            step = recorder.hold(
                InversionStep(
                    index + 1,
                    index + 1 if last else total,
                    "tune",
                    losses,
                    latent,
                    noise,
                    image.detach(),
                    classes=classes,
                    generator=tuned,
                )
            )
            recorder.go()
            if step.best:
                for name, value in weights.items():
                    best[name].copy_(value.detach())
            if not last:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                index += 1
            if keeper.due(last=last):
                keeper.save(
                    {
                        "index": index,
                        "weights": {name: value.detach() for name, value in weights.items()},
                        "best": best,
                        "optimizer": optimizer.state_dict(),
                        "recorder": recorder.state(),
                    }
                )
            if last:
                keeper.finish()
            recorder.pause()
            yield replace(step, seconds=recorder.seconds, warning=keeper.warning)
            recorder.go()
    finally:
        for name, value in weights.items():
            value.requires_grad_(False)
            value.grad = None
            value.data.copy_(best[name])


def _locality(
    generator: GeneratorBase,
    tuned: GeneratorBase,
    pivot: Tensor,
    statistics: WStatistics,
    options: TuningOptions,
    rng: torch.Generator,
) -> Tensor:
    """How much the picture of a code near the pivot has changed (equations 3 and 4)."""
    z = torch.randn(len(pivot), generator.config.z_dim, generator=rng).to(pivot)
    labels = None
    if generator.config.c_dim:
        labels = torch.eye(generator.config.c_dim, device=pivot.device)[
            torch.randint(generator.config.c_dim, (len(pivot),), generator=rng)
        ]
    with torch.no_grad():
        way = generator.mapping(z, labels) - pivot
        length = way.square().sum(dim=2, keepdim=True).sqrt().clamp_min(1e-8)
        near = pivot + way / length * (options.locality_distance * statistics.deviation)
        before = generator.synthesis(near)
    changed: Tensor = (tuned.synthesis(near) - before).square().mean()
    return changed
