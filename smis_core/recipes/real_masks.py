"""Masks that were drawn over photographs, through the portraits: figures one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from smis_core.checkpoints.native import fingerprint
from smis_core.devices import resolve_device
from smis_core.evaluation import Judge, MiouMeter, load_judge
from smis_core.fewshot import Synthesizer, load_synthesizer
from smis_core.labels import LabelMap

from .fewshot_methods import only_shown
from .sheets import read_masks


@dataclass(frozen=True)
class RealMasksStep:
    """One mask drawn and read."""

    phase: str
    index: int
    """from 1"""
    total: int
    report: RealMasksReport | None
    """on the last step"""


@dataclass(frozen=True)
class RealMasksReport:
    """Mean intersection over union of every mask with the judge's reading of its portrait."""

    merged: dict[str, float]
    """mask → over merged parts that it paints"""
    unmerged: dict[str, float]
    """mask → over single classes"""
    fidelity: dict[str, float]
    """mask → with the labeller's reading"""
    about: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        masks = {
            name: {
                "miou": round(self.merged[name], 4),
                "miou_unmerged": round(self.unmerged[name], 4),
                "fidelity": round(self.fidelity[name], 4),
            }
            for name in self.merged
        }
        return {"masks": masks, "about": self.about}

    def table(self) -> str:
        """For a terminal."""
        width = max(len(name) for name in self.merged)
        lines = [f"{'mask':<{width}} {'merged':>7} {'unmerged':>9} {'fidelity':>9}"]
        for name, value in self.merged.items():
            lines.append(
                f"{name:<{width}} {value:>7.3f} {self.unmerged[name]:>9.3f}"
                f" {self.fidelity[name]:>9.3f}"
            )
        return "\n".join(lines)


def evaluate_real_masks(
    folder: str | Path,
    *,
    shots: int = 1,
    style: int = 0,
    synthesizer: Synthesizer | None = None,
    device: str | torch.device = "auto",
) -> Iterator[RealMasksStep]:
    """Draws every mask of a folder in one style and lets the judge read it.

    Classes that portraits lack (earring, necklace) are folded into their surroundings; glasses and
    hat, which the annotations do not show, are left open and ignored.

    Args:
        folder: CelebAMask-HQ masks, or others of the same classes; sub-folders count.
        shots: annotated pictures behind the encoder.
        style: seed of the colours.
        synthesizer: another than the bundled one.
        device: where to work.

    Yields:
        A step a mask; the last one holds the report.

    Raises:
        FileNotFoundError: no such folder, or no weights.
        ValueError: a file is no mask, or the folder holds none.
    """
    masks = read_masks(folder)
    target = resolve_device(device)
    synthesizer = synthesizer or load_synthesizer(shots=shots, device=target)
    judge = load_judge(device=target)
    return _evaluate(masks, synthesizer, judge, shots, style)


def _evaluate(
    masks: dict[str, LabelMap], synthesizer: Synthesizer, judge: Judge, shots: int, style: int
) -> Iterator[RealMasksStep]:
    merged: dict[str, float] = {}
    unmerged: dict[str, float] = {}
    fidelity: dict[str, float] = {}
    folded = synthesizer.network.config.folded
    classes = synthesizer.labeller.classes
    for index, (name, mask) in enumerate(masks.items()):
        drawn = synthesizer.synthesize(mask, style_seeds=(style,))
        with torch.no_grad():
            found = judge.labels(drawn.images.clamp(-1, 1)).cpu()
        seen = mask.folded(folded).resized(synthesizer.resolution)
        wanted = only_shown(torch.from_numpy(seen.indices.copy())[None], classes)
        present = [value for value in torch.unique(wanted).tolist() if value in classes]
        for values, joined in ((merged, True), (unmerged, False)):
            meter = MiouMeter(present, merged=joined)
            meter.update(found, wanted)
            values[name] = meter.result().miou
        fidelity[name] = drawn.fidelity[0]
        report = None
        if index + 1 == len(masks):
            about = {
                "shots": shots,
                "style_seed": style,
                "encoder": fingerprint(synthesizer.network),
                "generator": fingerprint(synthesizer.generator),
                "judge": fingerprint(judge),
            }
            report = RealMasksReport(merged, unmerged, fidelity, about)
        yield RealMasksStep("real masks", index + 1, len(masks), report)
