"""Making the judge that ships: trained on renders, measured on fresh ones, saved with its card."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smis_core.checkpoints.native import save_network
from smis_core.devices import resolve_device
from smis_core.evaluation import Judge, JudgeConfig, JudgeOptions, Report, load_judge, train_judge
from smis_core.images import check_writable
from smis_core.portraits.renderer import RENDERER_VERSION

from .evaluate_judge import SOURCE, draw, evaluate_judge


@dataclass(frozen=True)
class MakeJudgeStep:
    """One step of drawing, training or measuring."""

    phase: str
    """'render', 'train' or 'judge'"""
    index: int
    total: int
    losses: dict[str, float]
    report: Report | None
    """the figures that the card holds, on the last step"""


def make_judge(
    out: str | Path,
    *,
    scratch: str | Path,
    config: JudgeConfig | None = None,
    options: JudgeOptions | None = None,
    renders: int = 500,
    device: str | torch.device = "auto",
) -> Iterator[MakeJudgeStep]:
    """Train a judge on portraits, measure what the file will hold, and save it with a card.

    Args:
        out: the safetensors file; written when everything else is done.
        scratch: folder for renders and training state, from which an interrupted run resumes.
        config: the judge's shape.
        options: how it is trained.
        renders: fresh portraits for the figures.
        device: where to work.

    Yields:
        Steps by phase; the last one holds the report.

    Raises:
        OSError: a place cannot be written.
        ValueError: the scratch folder holds the state of another training.
    """
    check_writable(out)
    config, options, target = (
        config or JudgeConfig(),
        options or JudgeOptions(),
        resolve_device(device),
    )
    judge: Judge | None = None
    started = time.monotonic()
    for step in train_judge(
        draw, source=SOURCE, scratch=scratch, config=config, options=options, device=target
    ):
        judge = step.judge
        yield MakeJudgeStep(step.phase, step.index, step.total, step.losses, None)
    if judge is None:
        raise RuntimeError("the training ended without a judge")
    card = _card(judge, options, target, time.monotonic() - started)
    # Figures are those of the rounded weights, as a reader of the file will have them.
    partial = Path(out).with_name(f".{Path(out).name}.unmeasured")
    save_network(partial, judge, card=card, half=True)
    rounded = load_judge(partial, device=target)
    partial.unlink()
    for measured in evaluate_judge(rounded, renders=renders, device=target):
        if measured.report is not None:
            save_network(
                out, rounded, card={**card, "figures": measured.report.to_dict()}, half=True
            )
        yield MakeJudgeStep("judge", measured.index, measured.total, {}, measured.report)


def _card(
    judge: Judge, options: JudgeOptions, device: torch.device, seconds: float
) -> dict[str, Any]:
    return {
        "kind": "judge",
        "purpose": "measures portraits: classes, attributes, features; no method learns from it",
        "data": f"{options.renders} renders of the portraits from seed {options.first_seed}, "
        "mirrored and worsened",
        "made_from": {"renderer": RENDERER_VERSION},
        "command": "smis models --only judge",
        "pictures": options.pictures,
        "seed": options.seed,
        "parameters": sum(parameter.numel() for parameter in judge.parameters()),
        "hardware": _hardware(device),
        "seconds_of_last_run": round(seconds),
        "torch": str(torch.__version__),
    }


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} x {platform.machine()} ({device.type})"
