"""A training as it is watched: its steps, and what the network makes of a few masks meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from smis_core.fewshot import FewshotNetwork, Synthesizer
from smis_core.labels import LabelMap, Palette
from smis_core.networks.generator_base import GeneratorBase

RESULTS_SECONDS = 3.0
"""Results are drawn at most so often, and never for more than a tenth of the time."""

_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Results:
    """What a network makes of the things that a person watches it by."""

    images: Tensor
    """[N, 3, R, R] in about [-1, 1]"""
    score: float | None = None
    """how good they are on the whole, 0 to 1"""


class Look(Protocol):
    """Finds results of a step of a training."""

    masks: Sequence[LabelMap]
    """What they are made of, in their order; empty while that is unknown."""

    def __call__(self, step: Any, *, due: bool) -> Results | None:
        """Results of a step; None: there are none. Without `due` they must cost nothing."""


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """A step of any training, and results where some were due."""

    index: int
    """as the training counts, phase after phase"""
    total: int | None
    """how many steps there will be at most, where that is known"""
    losses: dict[str, float]
    """by name, the weighted sum as "total"; "1 - score" is that of the newest results"""
    seconds: float
    """of work so far: pauses are not counted"""
    source: Any
    """the step of the training itself"""
    image: Tensor | None = None
    """[N, 3, R, R] in about [-1, 1], where results were due"""
    score: float | None = None
    """of the newest results, 0 to 1"""
    phase: str = "train"
    warning: str | None = None
    latent: None = None
    noise: None = None
    classes: None = None

    @property
    def best_so_far(self) -> TrainingStep:
        """This one: a training keeps a running average, not a best step."""
        return self


def training_steps(
    steps: Iterator[Any], *, look: Look | None = None, total: int | None = None
) -> Iterator[TrainingStep]:
    """The steps of a training, as `TrainingProgress` shows them.

    Args:
        steps: have `index` and `losses`; a number `total` among their attributes is the number of
            steps where it is whole, and else the weighted sum of the losses.
        look: draws results, a tenth of the time at most, and those of the last step in any case.
        total: how many steps there will be, where the steps do not say.

    Yields:
        A step for each step; the last one once more where its results were not due.
    """
    worked, due, score = 0.0, 0.0, None
    before = 0  # steps of the phases that are over
    step: TrainingStep | None = None
    while True:
        began = time.monotonic()
        source = next(steps, None)
        if source is None:
            break
        if step is not None and _begins_anew(source, step):
            before = step.index
        step = _step(source, total, score, before)
        last = step.total is not None and step.index >= step.total
        worked += time.monotonic() - began
        if look is not None:
            step, spent = _with_results(step, look, due=worked >= due or last)
            worked += spent
            if step.image is not None:
                score, due = step.score, worked + max(RESULTS_SECONDS, spent / _SHARE)
        step = replace(step, seconds=worked)
        yield step
    if step is not None and step.image is None and look is not None:
        yield _with_results(step, look, due=True)[0]


def _begins_anew(source: Any, former: TrainingStep) -> bool:
    """Whether a step counts from the beginning: another phase, or another part of one."""
    another = getattr(source, "phase", former.phase) != former.phase
    return another or source.index < former.source.index


def _step(source: Any, total: int | None, score: float | None, before: int) -> TrainingStep:
    said = getattr(source, "total", None)
    losses = dict(source.losses)
    if isinstance(said, float):
        losses = {"total": said, **losses}
    elif isinstance(said, int):
        total = before + said
    if score is not None:
        losses["1 - score"] = 1 - score
    phase = getattr(source, "phase", "train")
    return TrainingStep(
        before + source.index, total, losses, 0.0, source, score=score, phase=phase,
        warning=getattr(source, "warning", None),
    )  # fmt: skip


def _with_results(step: TrainingStep, look: Look, *, due: bool) -> tuple[TrainingStep, float]:
    """The step with its results, and how long they took."""
    began = time.monotonic()
    results = look(step.source, due=due)
    if results is not None:
        losses = dict(step.losses)
        if results.score is not None:
            losses["1 - score"] = 1 - results.score
        step = replace(step, image=results.images, score=results.score, losses=losses)
    return step, time.monotonic() - began


class MaskResults:
    """Draws the portraits of a few masks: what a mask encoder is watched by.

    Args:
        generator: what draws.
        masks: of the palette that the encoder is trained with.
        style_seed: of the colours, the same all the time.

    Raises:
        ValueError: no masks.
    """

    def __init__(
        self, generator: GeneratorBase, masks: Sequence[LabelMap], *, style_seed: int = 1
    ) -> None:
        if not masks:
            raise ValueError("masks: wanted at least one label map, got none")
        self.masks = tuple(masks)
        self._generator = generator
        self._style = style_seed

    def __call__(self, step: Any, *, due: bool) -> Results | None:
        """Results of a step with a `network`; None where it has none yet."""
        network = getattr(step, "network", None)
        if not due or not isinstance(network, FewshotNetwork):
            return None
        synthesizer = Synthesizer(self._generator, network)
        made = [synthesizer.synthesize(mask, style_seeds=[self._style]) for mask in self.masks]
        images = torch.cat([each.images.float() for each in made]).clamp(-1, 1)
        fidelity = sum(each.fidelity[0] for each in made) / len(made)
        return Results(images, fidelity)


class ValidationResults:
    """Shows what a training finds out about itself: steps whose `validation` has masks, pictures
    and their mIoU.

    Args:
        palette: of the masks.
    """

    def __init__(self, palette: Palette) -> None:
        self.masks: tuple[LabelMap, ...] = ()
        self.palette = palette

    def __call__(self, step: Any, *, due: bool) -> Results | None:
        """What is in the step, if anything is."""
        found = getattr(step, "validation", None)
        if found is None:
            return None
        self.masks = tuple(LabelMap(mask, self.palette) for mask in found.masks.cpu().numpy())
        return Results(found.images.float().clamp(-1, 1), found.miou)
