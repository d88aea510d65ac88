"""What the steps of long work leave behind: curves and kept steps, both of bounded size."""

from __future__ import annotations

import itertools
import math
import threading
import weakref
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from smis_core.images import image_grid, to_uint8
from smis_core.inversion import Latent
from smis_core.inversion.latent_files import latent_from, latent_tensors
from smis_core.jobs import Job
from smis_core.latents import Noise

MAX_POINTS = 8192
"""Points of a curve; beyond them every other one goes."""

MAX_KEPT = 120
"""Steps that are kept to go back to; beyond them every other one goes, never the first."""

MAX_KEPT_BYTES = 256 * 2**20
"""Pictures and noise maps of the steps that are kept; beyond them every other one goes as well."""

Picture: TypeAlias = npt.NDArray[np.uint8]
"""[H, W, 3]"""

Weight: TypeAlias = npt.NDArray[np.float32]
"""[H, W] in [0, 1]"""

_MAX_SIDE = 512
_GENERATIONS = itertools.count()


class Watched(Protocol):
    """What a step tells whoever watches: an `InversionStep`, a `TrainingStep`."""

    @property
    def index(self) -> int: ...

    @property
    def losses(self) -> dict[str, float]: ...

    @property
    def image(self) -> Tensor | None: ...

    @property
    def latent(self) -> Latent | None: ...

    @property
    def noise(self) -> Noise | None: ...

    @property
    def classes(self) -> tuple[int, ...] | None: ...

    @property
    def phase(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    @property
    def warning(self) -> str | None: ...

    @property
    def best_so_far(self) -> Watched: ...


@dataclass(frozen=True, eq=False)
class KeptStep:
    """A step that one can go back to."""

    index: int
    """its number"""
    image: Picture
    """[H, W, 3]; several pictures side by side"""
    losses: dict[str, float]
    latent: Latent | None
    """a copy on the CPU, where there is one"""
    phase: str
    seconds: float
    """of work up to it"""
    noise: Noise | None = None
    """maps that belong to the latent, in half precision on the CPU"""
    classes: tuple[int, ...] | None = None
    """of the latent, for a conditional generator"""

    @property
    def nbytes(self) -> int:
        """Of what is large."""
        maps = () if self.noise is None else self.noise.maps
        return self.image.nbytes + sum(each.nbytes for each in maps)


@dataclass(frozen=True, eq=False)
class Points:
    """A stretch of the curves."""

    generation: int
    """another one when points before it have gone; no two recordings have one in common"""
    start: int
    """how many points lie before it"""
    steps: npt.NDArray[np.float32]
    """[P] numbers of steps"""
    seconds: npt.NDArray[np.float32]
    """[P] of work up to each"""
    losses: dict[str, npt.NDArray[np.float32]]
    """[P] by name; NaN where a step had no such loss"""


class Recording:
    """Follows a job and remembers what it yields; `recording_of` gives the one of a job.

    Safe to read while the job writes.

    Args:
        job: of steps that can be `Watched`.
    """

    def __init__(self, job: Job[Any]) -> None:
        self._lock = threading.Lock()
        self._generation = next(_GENERATIONS)
        self._stride = 1
        self._seen = 0
        self._steps: list[float] = []
        self._seconds: list[float] = []
        self._losses: dict[str, list[float]] = {}
        self._kept: list[KeptStep] = []
        self._keep_every = 1
        self._shown = 0
        self.latest: Watched | None = None
        """the newest step"""
        self.pictured: Watched | None = None
        """the newest step with a picture"""
        self.warning: str | None = None
        """what went wrong without ending the work"""
        if job.result is not None:
            self.add(job.result)
        job.watch(on_step=self.add)

    def add(self, step: Watched) -> None:
        """Take a step in; cheap, since it happens between two steps of the job."""
        with self._lock:
            self.latest = step
            self.pictured = self.pictured if step.image is None else step
            self.warning = step.warning or self.warning
            if self._seen % self._stride == 0:
                self._add_point(step)
            self._seen += 1
            due = step.image is not None and self._shown % self._keep_every == 0
            self._shown += step.image is not None
        if due:
            kept = keep(step)
            with self._lock:
                self._kept.append(kept)
                self._thin()

    def points(self, *, generation: int = -1, start: int = 0) -> Points:
        """The curves from a point on; all of them where `generation` is not the present one."""
        with self._lock:
            begin = start if generation == self._generation else 0
            return Points(
                self._generation,
                begin,
                np.array(self._steps[begin:], np.float32),
                np.array(self._seconds[begin:], np.float32),
                {name: np.array(each[begin:], np.float32) for name, each in self._losses.items()},
            )

    def kept(self) -> list[KeptStep]:
        """The steps that one can go back to, in order."""
        with self._lock:
            return list(self._kept)

    def at(self, step: int) -> KeptStep | None:
        """The kept step nearest to a number; None while nothing is kept."""
        return min(self.kept(), key=lambda each: abs(each.index - step), default=None)

    def result(self) -> KeptStep | None:
        """The best step so far, as it is kept; the last one with a picture, where it has none."""
        best = self.latest.best_so_far if self.latest is not None else None
        if best is not None and best.image is not None:
            return keep(best)
        return self.kept()[-1] if self._kept else None

    def _add_point(self, step: Watched) -> None:
        for name in step.losses.keys() - self._losses.keys():
            self._losses[name] = [math.nan] * len(self._steps)
        self._steps.append(step.index)
        self._seconds.append(step.seconds)
        for name, values in self._losses.items():
            values.append(step.losses.get(name, math.nan))
        if len(self._steps) > MAX_POINTS:
            self._generation = next(_GENERATIONS)
            self._stride *= 2
            self._steps, self._seconds = self._steps[::2], self._seconds[::2]
            self._losses = {name: values[::2] for name, values in self._losses.items()}

    def _thin(self) -> None:
        while len(self._kept) > MAX_KEPT or (
            len(self._kept) > 2 and sum(each.nbytes for each in self._kept) > MAX_KEPT_BYTES
        ):
            self._kept = self._kept[::2]
            self._keep_every *= 2


def keep(step: Watched) -> KeptStep:
    """A step in little room: its picture in 8 bits, its latent on the CPU, noise in 16 bits."""
    assert step.image is not None
    return KeptStep(
        step.index,
        picture_of(step.image),
        dict(step.losses),
        None if step.latent is None else latent_from(latent_tensors(step.latent))[0],
        step.phase,
        step.seconds,
        None if step.noise is None else Noise(tuple(_halved(each) for each in step.noise.maps)),
        step.classes,
    )


def _halved(values: Tensor) -> Tensor:
    return values.detach().to("cpu", torch.float16, copy=True)


def picture_of(images: Tensor) -> Picture:
    """One picture [H, W, 3] of a batch [N, 3, H, W] in [-1, 1]: several stand in a grid."""
    images = images.detach()
    while images.shape[-1] > _MAX_SIDE and images.shape[-1] % 2 == 0:
        images = images.reshape(*images.shape[:2], images.shape[2] // 2, 2, -1, 2).mean((3, 5))
    if len(images) > 1:
        images = image_grid(images, columns=math.ceil(math.sqrt(len(images))))[None]
    picture: Picture = to_uint8(images)[0]
    return picture


class Pictures(Protocol):
    """What stands beside the curves; `paint` is called by one thread alone."""

    figures: list[widgets.Box]
    picture: Picture | None
    """What results are compared with, [H, W, 3]; a time-lapse shows it beside them."""
    weight: Weight | None

    def paint(
        self, run: str, recording: Recording | None, job: Job[Any] | None, step: int | None
    ) -> None: ...

    def plain(self) -> bytes:
        """PNG of what is shown before the first step."""


_RECORDINGS: weakref.WeakKeyDictionary[Job[Any], Recording] = weakref.WeakKeyDictionary()


def recording_of(job: Job[Any]) -> Recording:
    """The recording of a job, begun when it is first asked for: two widgets show the same one."""
    if job not in _RECORDINGS:
        _RECORDINGS[job] = Recording(job)
    return _RECORDINGS[job]
