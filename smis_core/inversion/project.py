"""Finding the code of a picture by descent alone: the reference that others are compared with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from typing import Any, get_args

import torch
from torch import Tensor

from ..latents import StyleSpace, W, WPlus, Z
from ..networks.generator_base import GeneratorBase
from ..networks.strided import AnyDiscriminator
from .checks import TargetLike, checked_classes, checked_perceptual, checked_target
from .descent import Descent, Looked, new_maps, uses_noise
from .latent_files import latent_tensors
from .losses import LossWeights, MaskLoss, Objective
from .perceptual import Perceptual
from .spaces import Search, Space, Unit, to_wplus
from .starts import best_samples, class_means, find_classes
from .statistics import WStatistics, class_labels
from .step import InversionStep, Latent
from .work import Keeper, Recorder, identity_of, step_rng


@dataclass(frozen=True, kw_only=True)
class ProjectionOptions:
    """How a picture is projected; the defaults are StyleGAN2's (Karras et al. 2020, appendix D).

    Raises:
        ValueError: a number out of range, or an unknown space.
    """

    steps: int = 1000
    """steps of Adam"""
    space: Space = "w"
    """"z", "w", "wplus" (a latent of its own for every layer), or "s" (what modulates each
    channel)"""
    learning_rate: float = 0.1
    """ramps up and falls along a cosine; in units of w, or of `unit`"""
    unit: Unit = "w"
    """"spread" measures steps in W and W+ by w's spread, so that one rate suits any generator"""
    rampup: float = 0.05
    """share of the steps over which the rate rises"""
    rampdown: float = 0.25
    """share of the steps over which it falls to 0"""
    beta2: float = 0.999
    """Adam's second decay rate"""
    exploration: float = 0.05
    """noise on the latent at the start, by w's deviation from its mean; gone after three quarters
    of the steps"""
    candidates: int = 0
    """random samples among which the start is looked for; 0 starts at the average"""
    optimise_noise: bool | None = None
    """whether noise maps are found as well, one a layer; None: where they change the picture"""
    losses: LossWeights = field(default_factory=LossWeights)
    """what is minimised"""
    seed: int = 0
    """of everything random"""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.candidates < 0 or not self.learning_rate > 0:
            raise ValueError(
                "options: wanted steps of at least 1, a positive learning_rate and candidates of at"
                f" least 0, got {self.steps}, {self.learning_rate} and {self.candidates}"
            )
        if self.space not in get_args(Space) or self.unit not in get_args(Unit):
            raise ValueError(
                f"options: wanted a space of {', '.join(get_args(Space))} and a unit of"
                f" {', '.join(get_args(Unit))}, got {self.space!r} and {self.unit!r}"
            )
        shares = (self.rampup, self.rampdown, self.beta2)
        if any(not 0 <= each <= 1 for each in shares) or self.exploration < 0 or self.beta2 == 1:
            raise ValueError(
                "options: wanted rampup and rampdown in [0, 1], beta2 in [0, 1) and exploration of"
                f" at least 0, got {self.rampup}, {self.rampdown}, {self.beta2} and"
                f" {self.exploration}"
            )

    @classmethod
    def thorough(cls) -> ProjectionOptions:
        """Into W+ from the best of 256 samples, without noise maps: for pictures that teach."""
        return cls(
            steps=300,
            space="wplus",
            unit="spread",
            rampdown=0.5,
            beta2=0.99,
            exploration=0.005,
            candidates=256,
            optimise_noise=False,
        )


def project(
    generator: GeneratorBase,
    target: TargetLike,  # [N, 3, R, R] in [-1, 1]; several pictures are inverted side by side
    *,
    perceptual: Perceptual | AnyDiscriminator | None = None,
    start: Latent | None = None,
    classes: Sequence[int] | int | None = None,
    weight: Tensor | None = None,  # [N or 1, 1, R, R]
    mask_loss: MaskLoss | None = None,
    options: ProjectionOptions | None = None,
    state: str | PathLike[str] | None = None,
) -> Iterator[InversionStep]:
    """Inverts pictures, a step at a time, as StyleGAN2's projector does.

    Args:
        generator: StyleGAN 1, 2 or 3, frozen.
        target: at the generator's resolution, see `prepare_target`.
        perceptual: see `choose_perceptual`; a discriminator stands for its features.
        start: where to begin, in any space that leads to the one that is searched; by default the
            average, or the best of `options.candidates` samples.
        classes: of a conditional generator, one a target or one for all; None searches them.
        weight: how much each pixel matters.
        mask_loss: how far a labeller's reading of codes [N, L, w] is from a mask.
        options: see `ProjectionOptions`.
        state: a file from which an interrupted run goes on, saved every few seconds; in a folder,
            or under a name without an ending, each run has one of its own until it has ended.

    Returns:
        The steps. The latent, the losses and the image of a step belong together; the result is
        the last step's `best_so_far`.

    Raises:
        ValueError: before any work: a target of another shape, out of range or without content, a
            start of another generator, a mask_loss in style space, or the state of another run.
    """
    options = options or ProjectionOptions()
    images, matters = checked_target(generator, target, weight)
    given = checked_classes(generator, classes, len(images))
    distance = checked_perceptual(generator, perceptual)
    _check_start(generator, start, options, len(images))
    if mask_loss is not None and options.space == "s":
        raise ValueError(
            "mask_loss: wanted None in style space, where a picture has no code w that a labeller"
            " could read, got a function; search in z, w or wplus with it"
        )
    if options.optimise_noise and not generator.synthesis.takes_noise:
        raise ValueError(
            "optimise_noise: wanted False for this generator, whose layers add no noise, got True"
        )
    identity = ""
    if state is not None:
        began = [] if start is None else [*latent_tensors(start).values()]
        identity = identity_of(
            "project", generator, images, distance, asdict(options), mask_loss is not None, given,
            matters, *began,
        )  # fmt: skip
    keeper = Keeper(state, identity)
    restored = keeper.restored(images.device)
    return _project(
        generator, images, matters, distance, start, given, mask_loss, options, keeper, restored
    )


def _project(
    generator: GeneratorBase,
    target: Tensor,
    matters: Tensor | None,
    perceptual: Perceptual | None,
    start: Latent | None,
    classes: list[int] | None,
    mask_loss: MaskLoss | None,
    options: ProjectionOptions,
    keeper: Keeper,
    restored: dict[str, Any] | None,
) -> Iterator[InversionStep]:
    recorder = Recorder()
    rng = torch.Generator().manual_seed(options.seed)
    if classes is None and restored is not None:
        classes = restored["classes"]
    elif classes is None and generator.config.c_dim:
        classes = find_classes(generator, target, perceptual, seed=options.seed)
    labels = None if classes is None else class_labels(generator, classes)
    statistics = WStatistics(generator, rng, labels=labels)
    objective = Objective(
        target,
        options.losses,
        perceptual=perceptual,
        statistics=statistics,
        matters=matters,
        mask_loss=mask_loss,
    )
    begin = _begin(generator, start, labels, statistics, objective, options, rng, len(target))
    noisy = uses_noise(generator) if options.optimise_noise is None else options.optimise_noise
    descent = Descent(
        Search(
            generator,
            options.space,
            begin,
            unit=options.unit,
            statistics=statistics,
            labels=labels,
            rng=rng,
        ),
        objective,
        maps=new_maps(generator, len(target), rng) if noisy else [],
        betas=(0.9, options.beta2),
    )
    found = None if classes is None else tuple(classes)
    first, total = 1, options.steps
    if restored is not None:
        descent.restore(restored["descent"])
        recorder.restore(restored["recorder"], target.device)
        first = min(restored["index"] + 1, total)
    for index in range(first, total + 1):
        done = (index - 1) / total
        looked = descent.step(
            # The last step looks at what the one before it found.
            options.learning_rate * _ramp(done, options) if index < total or total == 1 else 0.0,
            shake=options.exploration * statistics.deviation * max(0.0, 1 - done / 0.75) ** 2,
            rng=step_rng(options.seed, index),
        )
        step = recorder.hold(made(looked, index, total, "optimise", classes=found))
        if keeper.due(last=index == total):
            keeper.save(
                {
                    "index": index,
                    "classes": classes,
                    "descent": descent.state(),
                    "recorder": recorder.state(),
                }
            )
        if index == total:
            keeper.finish()
        yield replace(step, warning=keeper.warning)
        recorder.go()


def made(
    looked: Looked,
    index: int,
    total: int | None,
    phase: str,
    *,
    classes: tuple[int, ...] | None = None,
) -> InversionStep:
    """A step of what was looked at."""
    return InversionStep(
        index,
        total,
        phase,
        looked.losses,
        looked.latent,
        looked.noise,
        looked.image,
        classes=classes,
    )


def _begin(
    generator: GeneratorBase,
    start: Latent | None,
    labels: Tensor | None,
    statistics: WStatistics,
    objective: Objective,
    options: ProjectionOptions,
    rng: torch.Generator,
    count: int,
) -> Tensor:
    """[N, z] in Z, else [N, L, w]."""
    device = statistics.mean.device
    if start is not None:
        assert not isinstance(start, StyleSpace)
        if options.space == "z":
            return start.tensor.to(device)
        with torch.no_grad():
            begin = to_wplus(generator, replace(start, tensor=start.tensor.to(device)), labels)
            return begin.clone()
    if options.space == "z" or options.candidates:
        z, ws = best_samples(
            generator, objective, max(options.candidates, 64), labels=labels, rng=rng, count=count,
            mean=None if options.space == "z" else statistics.mean,
        )  # fmt: skip
        return z if options.space == "z" else ws
    means = class_means(generator, labels, count, statistics.mean)
    return means[:, None].expand(-1, generator.num_ws, -1).clone()


def _ramp(done: float, options: ProjectionOptions) -> float:
    """The share of the learning rate; never 0, so that the first step moves."""
    up = min(1.0, (done + 0.1 * options.rampup) / options.rampup) if options.rampup else 1.0
    down = min(1.0, (1 - done) / options.rampdown) if options.rampdown else 1.0
    return up * (0.5 - 0.5 * math.cos(math.pi * down))


def _check_start(
    generator: GeneratorBase, start: Latent | None, options: ProjectionOptions, count: int
) -> None:
    if start is None:
        return
    config = generator.config
    if options.space == "z":
        wanted: dict[type[Latent], tuple[int, ...]] = {Z: (count, config.z_dim)}
    else:
        wanted = {
            Z: (count, config.z_dim),
            W: (count, config.w_dim),
            WPlus: (count, generator.num_ws, config.w_dim),
        }
    shape = getattr(getattr(start, "tensor", None), "shape", None)
    if wanted.get(type(start)) != (None if shape is None else tuple(shape)):
        names = " or ".join(f"{kind.__name__} {[*size]}" for kind, size in wanted.items())
        raise ValueError(
            f"start: wanted {names} for {count} targets of this generator, got"
            f" {type(start).__name__} {'' if shape is None else [*shape]}"
        )
