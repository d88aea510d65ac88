"""A synthesizer without weights: it paints a mask in its palette's colours, tinted by style."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from smis_core.fewshot.losses import agreement
from smis_core.fewshot.synthesis import Anchor, Character, RefineStep, Synthesis
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap
from smis_core.latents import WPlus


def portrait_mask(side: int, *, drop: float = 0.0) -> LabelMap:
    """A face with hair, eyes, brows, nose, mouth, neck and clothes.

    Args:
        side: of the map in pixels.
        drop: how far the features lie below their usual place, as a fraction of the side.
    """
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    indices = np.zeros((side, side), np.uint8)

    def ellipse(name: str, cx: float, cy: float, rx: float, ry: float) -> None:
        inside = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1
        indices[inside] = PORTRAITS.by_name(name).index

    ellipse("cloth", 0.5, 1.05, 0.42, 0.22)
    ellipse("hair", 0.5, 0.42, 0.34, 0.36)
    ellipse("neck", 0.5, 0.8, 0.1, 0.12)
    ellipse("skin", 0.5, 0.53, 0.24, 0.29)
    for name, cx in (("right eye", 0.4), ("left eye", 0.6)):
        ellipse(name, cx, 0.5 + drop, 0.055, 0.035)
    for name, cx in (("right brow", 0.4), ("left brow", 0.6)):
        ellipse(name, cx, 0.43 + drop, 0.06, 0.013)
    ellipse("nose", 0.5, 0.6 + drop, 0.018, 0.03)
    ellipse("mouth", 0.5, 0.7 + drop, 0.06, 0.022)
    return LabelMap(indices, PORTRAITS)


class _Generator:
    def __init__(self, synthesis: Callable[[Tensor], Tensor]) -> None:
        self.synthesis = synthesis


class FakeSynthesizer:
    """Has the methods of `smis_core.fewshot.synthesis.Synthesizer` that a studio uses.

    Args:
        resolution: side of the pictures.
        seconds: how long a portrait takes.
    """

    def __init__(self, *, resolution: int = 64, seconds: float = 0.0) -> None:
        self.palette = PORTRAITS
        self.resolution = resolution
        self.num_ws = 10
        self.default_mix_from = 6
        self.seconds = seconds
        self.gate = threading.Event()
        """While it is clear, portraits wait."""
        self.gate.set()
        self.failure: Exception | None = None
        self.masks: list[LabelMap] = []
        self.anchors: list[Anchor | None] = []
        self.references: list[WPlus | None] = []
        self.threads: set[str] = set()
        self.inside = 0
        self.overlaps = 0
        self.generator = _Generator(self._images)
        self._drawn: dict[int, LabelMap] = {}

    def sample(self, seed: int, *, truncation_psi: float = 0.7) -> Character:
        labels = portrait_mask(self.resolution, drop=(seed % 5 - 2) / 100)
        wplus = self._code(labels, seed)
        return Character(self._images(wplus.tensor), labels, wplus)

    def synthesize(
        self,
        mask: LabelMap,
        *,
        anchor: Anchor | None = None,
        style_seeds: Sequence[int] = (0,),
        styles: WPlus | None = None,
        mix_from: int | None = None,
        truncation_psi: float = 0.7,
        noise: str = "const",
    ) -> Synthesis:
        self.inside += 1
        self.overlaps += self.inside > 1
        self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds)
        self.gate.wait()
        self.inside -= 1
        if self.failure is not None:
            raise self.failure
        self.masks.append(mask)
        self.anchors.append(anchor)
        self.references.append(styles)
        codes = [self._code(mask, seed).tensor for seed in style_seeds]
        wplus = WPlus(torch.cat(codes))
        by_class = [dict.fromkeys(mask.present(), 0.5)] * len(codes)
        return Synthesis(self._images(wplus.tensor), wplus, [0.5] * len(codes), by_class)

    def measure(self, mask: LabelMap, labels: Tensor) -> tuple[list[float], list[dict[int, float]]]:
        wanted = torch.tensor(mask.resized(self.resolution).indices)[None].expand_as(labels)
        found = agreement(labels, wanted)
        return found, [dict.fromkeys(mask.present(), each) for each in found]

    def label(self, wplus: WPlus) -> list[LabelMap]:
        return [self._drawn[int(code[0, 0])] for code in wplus.tensor]

    def refine(
        self, mask: LabelMap, wplus: WPlus, *, seconds: float, mix_from: int | None = None
    ) -> Iterator[RefineStep]:
        """As many steps as tenths of a second were asked for."""
        steps = round(10 * seconds)
        for index in range(steps):
            time.sleep(self.seconds)
            done = (index + 1) / steps
            yield RefineStep(index, 1.0 / (1 + index), {"mask": 1.0, "near": 0.0}, wplus, done)

    def draw(self, mask: LabelMap, wplus: WPlus) -> Synthesis:
        read = torch.tensor(np.stack([each.indices for each in self.label(wplus)]))
        return Synthesis(self._images(wplus.tensor), wplus, *self.measure(mask, read))

    def _code(self, mask: LabelMap, seed: int) -> WPlus:
        number = len(self._drawn)
        self._drawn[number] = mask.resized(self.resolution)
        code = torch.zeros(1, self.num_ws, 4)
        code[0, 0, 0], code[0, 0, 1] = number, seed
        return WPlus(code)

    def _images(self, ws: Tensor) -> Tensor:
        pictures = []
        for code in ws:
            mask, seed = self._drawn[int(code[0, 0])], int(code[0, 1])
            tint = torch.rand(3, 1, 1, generator=torch.Generator().manual_seed(seed))
            colours = torch.tensor(mask.colours()).permute(2, 0, 1) / 255
            colours[:, torch.tensor(mask.indices == UNPAINTED)] = 0.5
            pictures.append((0.6 * colours + 0.4 * tint) * 2 - 1)
        return torch.stack(pictures)
