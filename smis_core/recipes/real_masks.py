"""Masks that were drawn over photographs, through the portraits: figures one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from smis_core.annotations import translated
from smis_core.checkpoints.native import fingerprint
from smis_core.checkpoints.zoo import bundled_path
from smis_core.devices import resolve_device
from smis_core.evaluation import Judge, MiouMeter, load_judge
from smis_core.fewshot import Synthesizer, load_synthesizer, load_synthesizer_files
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap, Palette

from .evaluate_sparse import sparse_path
from .fewshot_methods import WEIGHTS, only_shown
from .sheets import read_masks
from .sparse_sketches import CROSS, centres

UKIYO_E = Palette(
    "ukiyo-e",
    tuple(
        dataclasses.replace(PORTRAITS.by_name(name), index=index)
        for index, name in enumerate(
            ("mouth", "nose", "right eye", "left eye", "right brow", "left brow", "hair"), start=1
        )
    ),
)
"""The few-shot paper's scribbles on woodblock prints, by where they lie in its masks."""
_PALETTES = {"portraits": PORTRAITS, "ukiyo-e": UKIYO_E, "cross": CROSS}


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
    distance: dict[str, float] = field(default_factory=dict)
    """mask → mean distance of the judge's eyes and mouth from the nearest line of a cross, in sides
    of the picture; mIoU means nothing there"""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        masks = {}
        for name, fidelity in self.fidelity.items():
            masks[name] = {"fidelity": round(fidelity, 4)}
            if name in self.merged:
                masks[name]["miou"] = round(self.merged[name], 4)
                masks[name]["miou_unmerged"] = round(self.unmerged[name], 4)
            if name in self.distance:
                masks[name]["distance"] = round(self.distance[name], 4)
        return {"masks": masks, "about": self.about}

    def table(self) -> str:
        """For a terminal."""
        width = max(len(name) for name in self.fidelity)
        if self.distance:
            return "\n".join(
                [f"{'mask':<{width}} {'distance':>9} {'fidelity':>9}"]
                + [
                    f"{name:<{width}} {value:>9.3f} {self.fidelity[name]:>9.3f}"
                    for name, value in self.distance.items()
                ]
            )
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
    classes: str = "portraits",
    shots: int = 1,
    style: int = 0,
    synthesizer: Synthesizer | None = None,
    device: str | torch.device = "auto",
) -> Iterator[RealMasksStep]:
    """Draws every mask of a folder in one style and lets the judge read it.

    Classes that portraits lack (earring, necklace) are folded into their surroundings; glasses and
    hat, which the annotations do not show, are left open and ignored.

    Scribbles (ukiyo-e) are compared where they are painted. Of a cross, how far eyes and mouth lie
    from its lines is measured instead.

    Args:
        folder: masks; sub-folders count.
        classes: what their indices mean: "portraits" (CelebAMask-HQ's), "ukiyo-e" (the few-shot
            paper's scribbles, found by their names) or "cross".
        shots: annotated pictures behind the encoder.
        style: seed of the colours.
        synthesizer: another than the bundled one.
        device: where to work.

    Yields:
        A step a mask; the last one holds the report.

    Raises:
        FileNotFoundError: no such folder, or no weights.
        ValueError: a file is no mask, the folder holds none, or unknown classes.
    """
    if classes not in _PALETTES:
        raise ValueError(f"classes: wanted one of {', '.join(_PALETTES)}, got {classes!r}")
    masks = read_masks(folder, _PALETTES[classes])
    target = resolve_device(device)
    if classes == "cross":
        path = sparse_path(WEIGHTS, "cross", "default")
        synthesizer = synthesizer or load_synthesizer_files(
            bundled_path("portraits/generator"), path, device=target
        )
    else:
        masks = {name: translated(mask, PORTRAITS) for name, mask in masks.items()}
        synthesizer = synthesizer or load_synthesizer(shots=shots, device=target)
    judge = load_judge(device=target)
    return _evaluate(masks, synthesizer, judge, shots, style)


def _evaluate(
    masks: dict[str, LabelMap], synthesizer: Synthesizer, judge: Judge, shots: int, style: int
) -> Iterator[RealMasksStep]:
    merged: dict[str, float] = {}
    unmerged: dict[str, float] = {}
    fidelity: dict[str, float] = {}
    distance: dict[str, float] = {}
    folded = synthesizer.network.config.folded
    known = synthesizer.labeller.classes
    for index, (name, mask) in enumerate(masks.items()):
        drawn = synthesizer.synthesize(mask, style_seeds=(style,))
        with torch.no_grad():
            found = judge.labels(drawn.images.clamp(-1, 1)).cpu()
        fidelity[name] = drawn.fidelity[0]
        if synthesizer.labeller.unknown is not None:
            distance[name] = _from_lines(found, mask.resized(synthesizer.resolution))
        seen = mask.folded(folded).resized(synthesizer.resolution)
        wanted = only_shown(torch.from_numpy(seen.indices.copy())[None], known)
        present = [value for value in torch.unique(wanted).tolist() if value in known]
        for values, joined in ((merged, True), (unmerged, False)):
            if name in distance:
                break
            meter = MiouMeter(present, merged=joined)
            meter.update(found, wanted)
            values[name] = meter.result().miou
        report = None
        if index + 1 == len(masks):
            about = {
                "shots": shots,
                "style_seed": style,
                "encoder": fingerprint(synthesizer.network),
                "generator": fingerprint(synthesizer.generator),
                "judge": fingerprint(judge),
            }
            report = RealMasksReport(merged, unmerged, fidelity, about, distance)
        yield RealMasksStep("real masks", index + 1, len(masks), report)


def _from_lines(found: Tensor, mask: LabelMap) -> float:
    """Mean distance of the centres of eyes and mouth from what is painted."""
    places, shown = centres(found)
    away = ndimage.distance_transform_edt(mask.indices == UNPAINTED)
    side = mask.height
    spots = (places[0][shown[0]] * side).long().clamp(0, side - 1)
    return float(np.mean([away[y, x] / side for x, y in spots.tolist()])) if len(spots) else 1.0
