"""The main job without a browser: masks that ship with the package become portraits and figures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import smis_core.portraits
from smis_core.devices import resolve_device
from smis_core.evaluation import MiouMeter, load_judge
from smis_core.fewshot import load_synthesizer
from smis_core.images import check_writable
from smis_core.recipes.sheets import SheetStep, draw_sheets, read_masks

MASKS = Path(smis_core.portraits.__file__).parent / "masks"
"""The masks that ship with the package."""


@dataclass(frozen=True)
class DemoStep:
    """One mask is drawn."""

    index: int
    """from 1"""
    total: int
    """how many masks ship"""
    figures: dict[str, Any]
    """what figures.json holds, as far as it is known"""


def demo(
    out: str | Path,
    *,
    shots: int = 5,
    styles: int = 6,
    seed: int = 0,
    device: str | torch.device = "auto",
) -> Iterator[DemoStep]:
    """Draw the masks that ship with the package and measure how well the portraits follow them.

    Writes what `draw_sheets` writes, and ``figures.json``: for each mask the mean intersection over
    union (merged parts, over the classes that the mask paints) between the mask and the judge's
    labelling of its portraits, and the seconds that a portrait took.

    Args:
        out: the folder to write into; made where it is missing.
        shots: annotated pictures behind the encoder.
        styles: portraits of each mask.
        seed: of the first style.
        device: where to compute.

    Returns:
        The steps, one a mask. Arguments are checked before the first.

    Raises:
        ValueError: no such encoder ships, fewer than one style, or the folder cannot be written.
        FileNotFoundError: the weights are not there.
    """
    out = Path(out)
    place = resolve_device(device)
    check_writable(out, folder=True)
    check_writable(out / "figures.json")
    synthesizer = load_synthesizer(shots=shots, device=place)
    judge = load_judge(device=place)
    masks = read_masks(MASKS, synthesizer.palette)
    steps = draw_sheets(synthesizer, masks, out, styles=styles, seed=seed)

    def measure() -> Iterator[DemoStep]:
        figures: dict[str, Any] = {
            "shots": shots,
            "resolution": synthesizer.resolution,
            "device": str(place),
            "masks": {},
        }
        before = time.perf_counter()
        for step in steps:
            seconds = time.perf_counter() - before
            with torch.no_grad():
                found = judge.labels(step.images.to(place)).cpu().numpy()
            painted = masks[step.name].resized(synthesizer.resolution)
            wanted = np.repeat(painted.indices[None], len(found), axis=0)
            meter = MiouMeter(painted.present(), merged=True, palette=synthesizer.palette)
            meter.update(found, wanted)
            figures["masks"][step.name] = _figures(step, meter, seconds)
            yield DemoStep(step.index, step.total, figures)
            before = time.perf_counter()
        (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    return measure()


def table(figures: dict[str, Any]) -> str:
    """The figures of a demo for a terminal."""
    lines = [f"{'mask':<24} {'mIoU':>6} {'fidelity':>9} {'s/portrait':>11}"]
    for name, row in figures["masks"].items():
        fidelity = sum(row["fidelity"]) / len(row["fidelity"])
        lines.append(
            f"{name:<24} {row['miou']:>6.3f} {fidelity:>9.3f} {row['seconds_per_portrait']:>11.3f}"
        )
    return "\n".join(lines)


def _figures(step: SheetStep, meter: MiouMeter, seconds: float) -> dict[str, Any]:
    result = meter.result()
    return {
        "miou": round(result.miou, 4),
        "by_class": {name: round(value, 4) for name, value in result.by_class.items()},
        "fidelity": [round(value, 4) for value in step.fidelity],
        "seconds_per_portrait": round(seconds / len(step.portraits), 4),
        "portraits": [path.name for path in step.portraits],
    }
