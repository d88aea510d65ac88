"""A wall of samples, labelled as the present annotation would label them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from smis_core.fewshot import FewshotProject
from smis_core.jobs import LatestWorker, turns_of
from smis_core.labelling import (
    Labeller,
    QuickStep,
    fit_marks,
    fit_quickly,
    read_features,
    read_with_confidence,
    uncertain,
)
from smis_core.labels import UNPAINTED, LabelMap
from smis_core.latents import WPlus, sample_z
from smis_widgets.picture_wall import PictureWall

BATCH = 4
"""Samples that are drawn or read under one turn: what a hand waits for stays short."""

TRUNCATION = 0.7
_STRIPE = 6


@dataclass(frozen=True, eq=False)
class Read:
    """What the labeller reads in a sample."""

    labels: LabelMap
    unsure: np.ndarray
    """bool [R, R]"""
    confidence: float
    """mean over the picture, 0 to 1"""
    version: int
    """of the labeller"""

    def certain(self) -> LabelMap:
        """The labels, with what is uncertain left unpainted."""
        indices = np.where(self.unsure, np.uint8(UNPAINTED), self.labels.indices)
        return LabelMap(indices, self.labels.palette)

    def overlay(self, *, marked: bool) -> np.ndarray:
        """uint8 [R, R, 4] to lay over the sample; `marked` stripes the uncertain places."""
        rgba = self.labels.rgba()
        if marked:
            rows, columns = np.indices(self.unsure.shape)
            phase = (rows + columns) % _STRIPE
            rgba[self.unsure & (phase < _STRIPE // 2)] = (20, 16, 36, 255)
            rgba[self.unsure & (phase >= _STRIPE // 2)] = (255, 255, 255, 255)
        return rgba


@dataclass(frozen=True)
class Labelled:
    """How far labelling the wall is."""

    done: int
    """samples that carry the newest labels"""
    of: int
    pictures: int
    """annotated ones that the labeller was fitted to"""
    seconds: float
    """since the annotation changed"""


class LiveLabels:
    """Draws the samples of a wall, and names their parts anew whenever the annotation changes.

    Args:
        project: whose annotations teach.
        wall: its places become samples.
        on_labelled: called on a worker thread with how far it is; with a ValueError that says what
            is missing; or with any other exception.
    """

    def __init__(
        self,
        project: FewshotProject,
        wall: PictureWall,
        *,
        on_labelled: Callable[[Labelled | Exception], None],
    ) -> None:
        self._project, self._wall, self._tell = project, wall, on_labelled
        self._turns = turns_of(project.generator)
        self._seeds: list[int] = []
        self._read: dict[int, Read] = {}
        self._laid: dict[int, int] = {}
        self._stale, self._version, self._since = False, 0, 0.0
        self._pictures = 0
        self._marked = True
        self.labeller: Labeller | None = None
        """fitted to the annotation; None while there is none to fit to"""
        self._drawing, self._labelling = (
            LatestWorker(work, self._done) for work in (self._draw_wanted, self._label)
        )

    # What the studio asks for

    def show(self, seeds: list[int]) -> None:
        """Take other samples, by their seeds."""
        self._seeds = list(seeds)
        self._laid.clear()
        self._wall.clear(len(seeds))
        self.want()

    @property
    def order(self) -> tuple[int, ...]:
        """The seeds, place by place."""
        return tuple(self._seeds)

    def seed_at(self, place: int) -> int:
        """The seed of a place."""
        return self._seeds[place]

    def place_of(self, seed: int | None) -> int | None:
        """Where a sample is; None if it is not on the wall."""
        return self._seeds.index(seed) if seed in self._seeds else None

    def want(self) -> None:
        """Draw what the wall lacks."""
        self._drawing.submit(None)

    def refit(self) -> None:
        """The annotation has changed."""
        self._stale, self._since = True, time.monotonic()
        self._labelling.submit(None)

    def mark(self, on: bool) -> None:
        """Whether uncertain places are striped."""
        self._marked = on
        for place, seed in enumerate(self._seeds):
            if (read := self._read.get(seed)) is not None:
                self._wall.put(place, overlay=read.overlay(marked=on))

    def read_of(self, wplus: WPlus) -> Read | None:
        """What the newest labeller reads in one latent; None while there is no labeller."""
        labeller = self.labeller
        if labeller is None:
            return None
        with self._turns:
            return self._readings(labeller, wplus.tensor)[0]

    def least_certain_first(self) -> None:
        """Put the samples in the order of what the labeller makes of them."""
        known = {seed: read.confidence for seed, read in self._read.items()}
        self.show(sorted(self._seeds, key=lambda seed: known.get(seed, 1.0)))

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until everything on the wall is drawn and labelled; returns whether it is."""
        deadline = time.monotonic() + timeout
        workers = (self._drawing, self._labelling)
        return all(each.wait(max(0.0, deadline - time.monotonic())) for each in workers)

    def close(self) -> None:
        """End the threads."""
        self._drawing.close()
        self._labelling.close()

    # On the workers

    def _draw_wanted(self, _: None) -> None:
        edition = self._wall.edition
        tried: set[int] = set()
        while True:
            seeds = self._seeds
            places = [each for each in self._wall.wanted if each not in tried][:BATCH]
            places = [each for each in places if each < len(seeds)]
            if not places or self._wall.edition != edition:
                break
            tried.update(places)
            with self._turns, torch.no_grad():
                ws = self._latents([seeds[place] for place in places])
                images = self._project.generator.synthesis(ws).clamp(-1, 1)
            for place, image in zip(places, images, strict=True):
                self._wall.put(place, image[None], caption=f"{seeds[place]}", edition=edition)
        self._labelling.submit(None)

    def _label(self, _: None) -> None:
        if self._stale:
            self._fit()
        labeller, version = self.labeller, self._version
        if labeller is None:
            return
        while not self._stale:
            seeds = self._seeds
            shown = [seed for place, seed in enumerate(seeds) if self._wall.picture(place)]
            due = [seed for seed in shown if self._laid.get(seed) != version]
            self._report(len(shown) - len(due), len(shown))
            if not due:
                return
            due = due[:BATCH]
            unread = [seed for seed in due if self._version_of(seed) != version]
            if unread:
                with self._turns:
                    reads = self._readings(labeller, self._latents(unread))
                self._read.update(zip(unread, reads, strict=True))
            for seed in due:
                self._lay(seed, version)

    def _fit(self) -> None:
        self._stale = False
        try:
            taught = self._project.annotated()
        except ValueError:
            self._forget()
            raise
        assert taught.wplus is not None
        generator, codes = self._project.generator, taught.wplus.tensor
        num_classes = taught.palette.num_classes
        if self._project.settings.kind == "sparse":
            with self._turns:
                found = fit_marks(generator, codes, taught.labels, num_classes=num_classes)
        else:
            found = self._fitted(
                fit_quickly(generator, codes, taught.labels, num_classes=num_classes)
            )
        self._version += 1
        self._pictures = len(taught.images)
        self.labeller = found

    def _fitted(self, steps: Iterator[QuickStep]) -> Labeller | None:
        found = None
        while True:
            with self._turns:
                step = next(steps, None)
            if step is None:
                return found
            found = step.labeller

    def _forget(self) -> None:
        self.labeller = None
        self._read.clear()
        self._laid.clear()
        for place in range(len(self._seeds)):
            if self._wall.picture(place):
                self._wall.put(place, overlay=b"", mark="")

    def _latents(self, seeds: list[int]) -> torch.Tensor:
        generator = self._project.generator
        z = sample_z(seeds, generator.config.z_dim).tensor.to(generator.mapping.w_avg.device)
        with torch.no_grad():
            ws: torch.Tensor = generator.mapping(z, truncation_psi=TRUNCATION)
        return ws

    def _readings(self, labeller: Labeller, ws: torch.Tensor) -> list[Read]:
        generator, palette = self._project.generator, self._project.palette
        reading = read_with_confidence(generator, labeller, ws)
        labels, unsure = reading.labels, uncertain(reading)
        if self._project.settings.kind == "sparse":
            # Marks are found again whole; where they would be anything at all is no matter.
            features = read_features(generator, ws, labeller.layers).features
            labels = labeller.sketched(features, generator.config.resolution)
            unsure &= labels != UNPAINTED
        found = []
        for names, doubt, sure in zip(
            labels.cpu().numpy(),
            unsure.cpu().numpy(),
            reading.confidence.mean((1, 2)).tolist(),
            strict=True,
        ):
            # An edit of the palette may have come since the labeller was fitted.
            known = np.where(np.isin(names, palette.indices), names, np.uint8(UNPAINTED))
            found.append(Read(LabelMap(known, palette), doubt, sure, self._version))
        return found

    def _version_of(self, seed: int) -> int:
        return self._read[seed].version if seed in self._read else -1

    def _lay(self, seed: int, version: int) -> None:
        """Lay what was read over its sample."""
        self._laid[seed] = version
        if (place := self.place_of(seed)) is not None:
            read = self._read[seed]
            overlay = read.overlay(marked=self._marked)
            self._wall.put(place, overlay=overlay, mark=f"{read.confidence:.0%}")

    def _report(self, done: int, of: int) -> None:
        self._tell(Labelled(done, of, self._pictures, time.monotonic() - self._since))

    def _done(self, _: Any, error: Exception | None) -> None:
        if error is not None:
            self._tell(error)
