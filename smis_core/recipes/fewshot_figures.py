"""What else is asked of few-shot synthesis: early success, refinement, diversity, realism."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smis_core.checkpoints import load_network, read_card
from smis_core.evaluation import Interval, Judge, bootstrap, frechet_distance, miou_of
from smis_core.fewshot import FewshotNetwork, Synthesizer
from smis_core.labelling import sample_ws
from smis_core.labels import PORTRAITS, LabelMap
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_core.portraits.renderer import render

from .fewshot_methods import (
    TUNING_MASKS,
    TUNING_SEED,
    judged,
    only_shown,
    render_masks,
    score,
)

_BATCH = 20
_REFERENCE_SEED = 3_600_000
"""Renders that stand for the truth; the masks of realism are those of other seeds."""
_MASK_SEED = 3_700_000
_STYLE_SEED = 41_000

Progress = Steps[tuple[str, int, int], None, dict[str, Any]]
"""Yields phase, index from 1 and total; returns plain values for JSON."""


@dataclass(frozen=True)
class ExtraFigures:
    """How much is measured; 0 leaves a figure out."""

    refined_masks: int = 60
    """masks that are refined"""
    refined_seconds: float = 3.0
    """of computing for each"""
    styled_masks: int = 40
    """masks that are drawn in several styles"""
    styles: int = 8
    """of each"""
    realism_pictures: int = 1600
    """on each side of the Fréchet distances"""


def early(
    ours: Path,
    paper: Path,
    generator: GeneratorBase,
    judge: Judge,
    classes: Sequence[int],
) -> dict[str, Any]:
    """Whether ours after few pictures is above the paper's method after all of them.

    The few are those of the runs that chose the learning rates. What these scored stands in the
    cards, so the networks that were kept are read on the same masks, on which rates were chosen
    and which are not those of the other figures.

    Args:
        ours, paper: the compared encoders, see `MethodMaker`.
        generator: what draws.
        judge: reads.
        classes: that the annotations show.

    Returns:
        Merged mIoU by method and pictures seen, and "ahead": ours early minus the paper's latest.
    """
    masks = render_masks(TUNING_SEED, TUNING_MASKS, size=generator.config.resolution)
    found: dict[str, dict[str, float]] = {}
    values: list[tuple[float, float]] = []
    for method, path in (("default", ours), ("paper", paper)):
        card = read_card(path)
        network = load_network(path, device=generator.mapping.w_avg.device)
        assert isinstance(network, FewshotNetwork)
        read = judged(Synthesizer(generator, network), judge, masks)
        late = score(read, masks, classes, merged=True).result().miou
        few = float(card["tuning"][f"{card['learning_rate']:g}"])
        values.append((few, late))
        found[method] = {
            f"after {card['tuning_pictures']} pictures": round(few, 4),
            f"after {card['pictures']} pictures": round(late, 4),
        }
    ahead = values[0][0] - values[1][1]
    told = {"tuning_masks": len(masks), "first_seed": TUNING_SEED}
    return {**told, **found, "ahead": round(ahead, 4), "passed": ahead > 0}


def refined(
    synthesizer: Synthesizer,
    judge: Judge,
    masks: Tensor,  # uint8 [N, R, R]
    classes: Sequence[int],
    *,
    seconds: float,
) -> Progress:
    """mIoU over merged parts after refinement, and of the same masks before it."""
    before, after, steps = [], [], 0
    for index, mask in enumerate(masks.cpu()):
        sketch = LabelMap(mask.numpy(), PORTRAITS)
        start = synthesizer.encode(sketch)
        *_, last_step = synthesizer.refine(sketch, start, seconds=seconds)
        steps += last_step.index + 1
        before.append(_read(synthesizer, judge, start.tensor))
        after.append(_read(synthesizer, judge, last_step.wplus.tensor))
        yield "refine", index + 1, len(masks)
    first = score(torch.cat(before), masks, classes, merged=True)
    last = score(torch.cat(after), masks, classes, merged=True)
    gain = bootstrap(lambda chosen: miou_of(last, chosen) - miou_of(first, chosen), len(masks))
    return {
        "masks": len(masks),
        "seconds": seconds,
        "steps": round(steps / len(masks), 1),
        "before": round(first.result().miou, 4),
        "after": round(last.result().miou, 4),
        "gain": _rounded(gain),
    }


def diversity(
    synthesizer: Synthesizer,
    judge: Judge,
    masks: Tensor,  # uint8 [N, R, R]
    classes: Sequence[int],
    *,
    styles: int,
) -> Progress:
    """How much the styles of one mask differ, against random samples that share the layout layers.

    Mean pairwise distance in the judge's features, at psi 1, over masks; and mIoU over merged parts
    with the encoder's own colours against that over all styles.
    """
    generator, start = synthesizer.generator, synthesizer.default_mix_from
    rng = torch.Generator().manual_seed(_STYLE_SEED)
    ours: list[float] = []
    random: list[float] = []
    own: list[Tensor] = []
    styled: list[Tensor] = []
    for index, mask in enumerate(masks.cpu()):
        sketch = LabelMap(mask.numpy(), PORTRAITS)
        layout = synthesizer.encode(sketch).tensor
        colours = sample_ws(generator, styles, rng=rng)
        shared = sample_ws(generator, 1, rng=rng)
        for rows, distances in ((layout, ours), (shared, random)):
            ws = colours.clone()
            ws[:, :start] = rows[:, :start]
            with torch.no_grad():
                reading = judge(generator.synthesis(ws).clamp(-1, 1))
            distances.append(float(torch.pdist(reading.features).mean()))
            if rows is layout:
                styled.append(reading.labels.cpu())
        own.append(_read(synthesizer, judge, layout))
        yield "styles", index + 1, len(masks)
    alone = score(torch.cat(own), masks, classes, merged=True).result().miou
    every = score(
        torch.cat(styled), masks.repeat_interleave(styles, dim=0), classes, merged=True
    ).result()
    ratio = torch.tensor(ours), torch.tensor(random)
    found = bootstrap(
        lambda chosen: float(ratio[0][chosen].mean() / ratio[1][chosen].mean()), len(masks)
    )
    return {
        "masks": len(masks),
        "styles": styles,
        "of_random": _rounded(found),
        "miou_own_colours": round(alone, 4),
        "miou_styles": round(every.miou, 4),
    }


def realism(
    synthesizer: Synthesizer,
    judge: Judge,
    classes: Sequence[int],
    *,
    pictures: int,
) -> Progress:
    """Fréchet distance of results to renders over that of samples to renders, all at psi 1."""
    generator = synthesizer.generator
    size, start = generator.config.resolution, synthesizer.default_mix_from
    rng = torch.Generator().manual_seed(_STYLE_SEED + 1)
    results, samples, renders = [], [], []
    total = -(-pictures // _BATCH)
    for index in range(total):
        count = min(_BATCH, pictures - index * _BATCH)
        seeds = range(index * _BATCH, index * _BATCH + count)
        masks = only_shown(render([_MASK_SEED + seed for seed in seeds], size=size).labels, classes)
        ws = synthesizer.encode([LabelMap(mask.numpy(), PORTRAITS) for mask in masks]).tensor
        ws[:, start:] = sample_ws(generator, count, rng=rng)[:, start:]
        random = sample_ws(generator, count, rng=rng)
        truth = render([_REFERENCE_SEED + seed for seed in seeds], size=size).images
        with torch.no_grad():
            results.append(judge(generator.synthesis(ws).clamp(-1, 1)).features)
            samples.append(judge(generator.synthesis(random).clamp(-1, 1)).features)
            renders.append(judge(truth.to(synthesizer.device)).features)
        yield "realism", index + 1, total
    reference = torch.cat(renders)
    ours = frechet_distance(torch.cat(results), reference)
    theirs = frechet_distance(torch.cat(samples), reference)
    return {
        "pictures": pictures,
        "results": round(ours, 5),
        "samples": round(theirs, 5),
        "ratio": round(ours / theirs, 4) if theirs else None,
    }


@torch.no_grad()
def _read(synthesizer: Synthesizer, judge: Judge, ws: Tensor) -> Tensor:
    return judge.labels(synthesizer.generator.synthesis(WPlus(ws).tensor).clamp(-1, 1)).cpu()


def _rounded(interval: Interval) -> dict[str, float]:
    values = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: round(value, 4) for name, value in values.items()}
