"""How well a judge reads fresh renders, and whether a second one agrees with it on a generator's
samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from smis_core.checkpoints.native import fingerprint
from smis_core.devices import resolve_device
from smis_core.evaluation import (
    Figure,
    Judge,
    JudgeConfig,
    JudgeOptions,
    MiouMeter,
    Report,
    auc,
    circular_correlation,
    correlation,
    train_judge,
)
from smis_core.labels import PORTRAITS
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, Renders, render

from .evaluate_generator import FRESH_SEED, generator_samples

SOURCE = f"portraits renderer {RENDERER_VERSION}"
"""What judges are trained on, as their cards and caches call it."""
_BATCH = 50
_UNASKED = ("hair_saturation", "eye_saturation", "eye_visible")
SECOND_CONFIG = JudgeConfig(architecture="dilated", widths=(32, 64, 96, 160), depths=(2, 1, 2))
"""The other architecture whose agreement is asked for."""
SECOND_SEED = 1


@dataclass(frozen=True)
class JudgeEvaluationStep:
    """One batch of renders read."""

    phase: Literal["render", "train", "judge", "agree"]
    index: int
    total: int
    report: Report | None
    """the figures, on the last step"""


def evaluate_judge(
    judge: Judge,
    *,
    renders: int = 500,
    first_seed: int = FRESH_SEED,
    device: str | torch.device = "auto",
) -> Iterator[JudgeEvaluationStep]:
    """Measure a judge on fresh renders at its own resolution.

    Args:
        judge: the network; it is moved to the device.
        renders: how many portraits.
        first_seed: their seeds are consecutive from here.
        device: where to work.

    Yields:
        A step a batch; the last one holds the report.

    Raises:
        ValueError: fewer than 50 renders, too few for both outcomes of glasses and hat.
    """
    if renders < _BATCH:
        raise ValueError(
            f"renders: wanted at least {_BATCH}, got {renders}; glasses and hats are rare"
        )
    target = resolve_device(device)
    judge = judge.to(target).eval()
    classes = [label.index for label in PORTRAITS.classes]
    merged, unmerged = MiouMeter(classes, merged=True), MiouMeter(classes, merged=False)
    readings: list[dict[str, Tensor]] = []
    truths: list[dict[str, Tensor]] = []
    total = -(-renders // _BATCH)
    for index in range(total):
        first = first_seed + index * _BATCH
        seeds = range(first, min(first + _BATCH, first_seed + renders))
        drawn = render(seeds, size=judge.config.resolution, device=target)
        with torch.inference_mode():
            reading = judge(drawn.images)
        merged.update(reading.labels, drawn.labels)
        unmerged.update(reading.labels, drawn.labels)
        readings.append(reading.attributes)
        truths.append(dict(drawn.attributes))
        last = index + 1 == total
        report = None
        if last:
            about = {
                "renders": renders,
                "first_seed": first_seed,
                "renderer": RENDERER_VERSION,
                "judge": fingerprint(judge),
            }
            figures = (
                *_class_figures(merged, unmerged),
                *_attribute_figures(judge, readings, truths),
            )
            report = Report("Judge on fresh renders", figures, about)
        yield JudgeEvaluationStep("judge", index + 1, total, report)


def evaluate_agreement(
    judge: Judge,
    generator: Generator,
    *,
    scratch: str | Path,
    samples: int = 500,
    options: JudgeOptions | None = None,
    config: JudgeConfig | None = None,
    device: str | torch.device = "auto",
) -> Iterator[JudgeEvaluationStep]:
    """Train a second judge of another seed and architecture and compare both on a generator's
    samples.

    Args:
        judge: the first judge.
        generator: what both read samples of, at psi 1.
        scratch: folder of the second judge's training, which resumes there.
        samples: how many pictures.
        options: of the training; default: those of the first judge with another seed.
        config: the second judge's shape; default: `SECOND_CONFIG` at the first one's resolution.
        device: where to work.

    Yields:
        Steps of the training, then of the comparison; the last one holds the report.
    """
    target = resolve_device(device)
    options = options or replace(JudgeOptions(), seed=SECOND_SEED)
    config = config or replace(SECOND_CONFIG, resolution=judge.config.resolution)
    second: Judge | None = None
    for step in train_judge(
        draw, source=SOURCE, scratch=scratch, config=config, options=options, device=target
    ):
        second = step.judge
        yield JudgeEvaluationStep(step.phase, step.index, step.total, None)
    assert second is not None
    judge, second = judge.to(target).eval(), second.eval()
    merged, unmerged = MiouMeter(merged=True), MiouMeter(merged=False)
    total = -(-samples // _BATCH)
    for index, images in enumerate(
        generator_samples(generator, samples, device=target, batch=_BATCH)
    ):
        with torch.inference_mode():
            mine, theirs = judge.labels(images), second.labels(images)
        merged.update(theirs, mine)
        unmerged.update(theirs, mine)
        report = None
        if index + 1 == total:
            interval = merged.interval()
            figure = Figure(
                "agreement mIoU merged",
                merged.result().miou,
                at_least=0.85,
                beside={
                    "low": interval.low,
                    "high": interval.high,
                    "unmerged": unmerged.result().miou,
                    **merged.result().by_class,
                },
            )
            about = {
                "samples": samples,
                "generator": fingerprint(generator),
                "judge": fingerprint(judge),
                "second_architecture": config.architecture,
                "second_seed": options.seed,
                "second_pictures": options.pictures,
            }
            report = Report("Two judges on samples of the generator", (figure,), about)
        yield JudgeEvaluationStep("agree", index + 1, total, report)


def draw(seeds: Sequence[int], size: int) -> Renders:
    """The renderer as `train_judge` wants it."""
    return render(seeds, size=size)


def _class_figures(merged: MiouMeter, unmerged: MiouMeter) -> tuple[Figure, ...]:
    figures = []
    for name, meter, least in (("mIoU merged", merged, 0.90), ("mIoU unmerged", unmerged, 0.75)):
        result, interval = meter.result(), meter.interval()
        beside = {"low": interval.low, "high": interval.high, **_finite(result.by_class)}
        figures.append(Figure(name, result.miou, at_least=least, beside=beside))
    return tuple(figures)


def _attribute_figures(
    judge: Judge, readings: Sequence[dict[str, Tensor]], truths: Sequence[dict[str, Tensor]]
) -> tuple[Figure, ...]:
    truth = {name: torch.cat([part[name] for part in truths]) for name in truths[0]}
    figures = []
    for spec in judge.config.attributes:
        read = torch.cat([part[spec.name] for part in readings])
        seen = spec.visible(truth)
        values, wanted = read[seen], truth[spec.name][seen]
        asked = spec.name not in _UNASKED
        if spec.kind == "binary":
            outcomes = int((wanted > 0.5).sum())
            if outcomes in (0, len(wanted)):
                continue
            figures.append(
                Figure(f"{spec.name} AUC", auc(values, wanted), at_least=0.98 if asked else None)
            )
        else:
            compare = circular_correlation if spec.kind == "circular" else correlation
            value = compare(values, wanted)
            figures.append(
                Figure(f"{spec.name} correlation", value, at_least=0.9 if asked else None)
            )
    return tuple(figures)


def _finite(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value == value}
