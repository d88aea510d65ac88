"""How fast and how closely each way of inverting finds pictures, on one machine in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from torch import Tensor

from smis_core.checkpoints import bundled_path, fingerprint, load_generator, load_network
from smis_core.devices import resolve_device
from smis_core.evaluation import Figure, Judge, Report, load_judge
from smis_core.inversion import (
    HybridOptions,
    ImageEncoder,
    InversionStep,
    Latent,
    ProjectionOptions,
    TuningOptions,
    discriminator_distance,
    draw,
    encode,
    hybrid,
    load_image_encoder,
    project,
    tune,
)
from smis_core.latents import sample_z
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.strided import AnyDiscriminator
from smis_core.portraits.renderer import render

FIRST_SEED = 9_500_000
"""Of the renders: no network saw them. Samples are drawn from the same seeds."""
_LOOK_EVERY_STEPS = 5
_TIMED_STEPS = 20


@dataclass(frozen=True)
class Row:
    """One way of inverting on one kind of pictures; means over them."""

    method: str
    kind: str
    """'renders' or 'samples'"""
    images: int
    seconds: float
    steps: float
    psnr: float
    """of values in [-1, 1], in dB"""
    distance: float
    """in the judge's features, by their length: no loss uses them"""
    reached: float | None
    """seconds until the projection into W was as far from the picture at its end, at the mean over
    the pictures; None where it never was, or for others than the hybrid"""


@dataclass(frozen=True)
class InversionReport:
    """Rows and the ratios that are asked for."""

    rows: tuple[Row, ...]
    figures: Report

    def to_dict(self) -> dict[str, Any]:
        """One object for JSON."""
        return {**self.figures.to_dict(), "rows": [vars(row) for row in self.rows]}

    def table(self) -> str:
        """Rows and figures as aligned lines."""
        lines = [
            f"{'method':<16} {'kind':<8} {'images':>6} {'seconds':>8} {'steps':>6} {'psnr':>7}"
            " distance"
        ]
        lines += [
            f"{row.method:<16} {row.kind:<8} {row.images:6d} {row.seconds:8.3f} {row.steps:6.0f}"
            f" {row.psnr:7.2f} {row.distance:8.4f}"
            for row in self.rows
        ]
        return "\n".join([*lines, "", self.figures.table()])


@dataclass(frozen=True)
class BenchInversionStep:
    """One picture inverted in one way."""

    index: int
    total: int
    losses: Mapping[str, float]
    report: InversionReport | None
    """on the last step"""


@dataclass(frozen=True)
class _Run:
    """One picture, one method."""

    seconds: float
    steps: int
    psnr: float
    distance: float
    track: tuple[tuple[float, float], ...] = ()
    """seconds and distance as it went"""


def bench_inversion(
    *,
    images: int = 20,
    steps: int = 1000,
    seconds: float = 5.0,
    encoder_path: Path | None = None,
    generator_path: Path | None = None,
    discriminator_path: Path | None = None,
    judge_path: Path | None = None,
    device: str | torch.device = "auto",
) -> Iterator[BenchInversionStep]:
    """Inverts fresh renders and samples one by one, in every way, and compares.

    All ways minimise the same objective with the discriminator's features, so that what differs is
    the way. The projections follow StyleGAN2's schedule.

    Args:
        images: renders, and as many samples.
        steps: of the projections into W and W+.
        seconds: that the hybrid has for a picture; tuning has twice as many.
        encoder_path: weights; None: the bundled image encoder.
        generator_path, discriminator_path, judge_path: likewise.
        device: where to work.

    Returns:
        The steps; the last one holds the report.

    Raises:
        FileNotFoundError: weights that are not there.
        ValueError: a number out of range, or weights of something else.
    """
    if images < 1 or steps < 2 or seconds <= 0:
        raise ValueError(
            "images, steps and seconds: wanted at least 1, at least 2 and a positive number, got"
            f" {images}, {steps} and {seconds}"
        )
    target = resolve_device(device)
    generator = load_generator(generator_path, device=target)
    critic_path = discriminator_path or bundled_path("portraits/discriminator")
    critic = load_network(critic_path, device=target)
    if not isinstance(critic, AnyDiscriminator):
        raise ValueError(f"{critic_path}: wanted a discriminator, got {type(critic).__name__}")
    encoder = load_image_encoder(encoder_path, device=target)
    judge = load_judge(judge_path, device=target)
    return _Bench(generator, critic, encoder, judge, images, steps, seconds).run()


class _Bench:
    def __init__(
        self,
        generator: GeneratorBase,
        critic: AnyDiscriminator,
        encoder: ImageEncoder,
        judge: Judge,
        images: int,
        steps: int,
        seconds: float,
    ) -> None:
        self.generator, self.critic, self.encoder, self.judge = generator, critic, encoder, judge
        self.images, self.steps, self.seconds = images, steps, seconds
        self.perceptual = discriminator_distance(critic)
        self.device = generator.mapping.w_avg.device
        self.pivot: Latent | None = None

    def run(self) -> Iterator[BenchInversionStep]:
        """Every picture in every way."""
        ways: dict[str, Callable[[Tensor], _Run]] = {
            "encode": partial(self._encode, looks=1),
            "encode, 2 looks": partial(self._encode, looks=2),
            "hybrid": self._hybrid,
            "tune": self._tune,
            "project W": lambda picture: self._project(picture, "w"),
            "project W+": lambda picture: self._project(picture, "wplus"),
        }
        kinds = {"renders": self._renders(), "samples": self._samples()}
        total, index = len(kinds) * self.images * len(ways), 0
        self._hybrid(kinds["renders"][:1])  # the first call of a network is slower
        found: dict[tuple[str, str], list[_Run]] = {}
        for kind, pictures in kinds.items():
            for picture in torch.split(pictures, 1):
                for name, way in ways.items():
                    run = way(picture)
                    found.setdefault((name, kind), []).append(run)
                    index += 1
                    if index < total:
                        losses = {"psnr": run.psnr, "distance": run.distance}
                        yield BenchInversionStep(index, total, losses, None)
        overhead = self._overhead(kinds["renders"][:1])
        yield BenchInversionStep(total, total, {}, self._report(found, overhead))

    def _renders(self) -> Tensor:
        seeds = range(FIRST_SEED, FIRST_SEED + self.images)
        return render(seeds, size=self.generator.config.resolution).images.to(self.device)

    @torch.no_grad()
    def _samples(self) -> Tensor:
        z = sample_z(range(FIRST_SEED, FIRST_SEED + self.images), self.generator.config.z_dim)
        drawn: Tensor = self.generator(z.tensor.to(self.device))
        return drawn.clamp(-1, 1)

    def _encode(self, picture: Tensor, looks: int) -> _Run:
        steps = encode(self.generator, picture, self.encoder, refinements=looks - 1)
        return self._ended(list(steps), picture)

    def _hybrid(self, picture: Tensor) -> _Run:
        options = HybridOptions(steps=10_000, time_limit_seconds=self.seconds)
        steps = list(
            hybrid(
                self.generator,
                picture,
                encoder=self.encoder,
                perceptual=self.perceptual,
                options=options,
            )
        )
        self.pivot = steps[-1].best_so_far.latent
        track = tuple(
            (step.seconds, self._measured(draw(self.generator, step.latent), picture)[1])
            for step in steps[::_LOOK_EVERY_STEPS] + steps[-1:]
        )
        return self._ended(steps, picture, track)

    def _tune(self, picture: Tensor) -> _Run:
        assert self.pivot is not None
        options = TuningOptions(steps=10_000, time_limit_seconds=2 * self.seconds)
        last = None
        for step in tune(
            self.generator, picture, self.pivot, perceptual=self.perceptual, options=options
        ):
            last = step
        assert last is not None
        return self._ended([last], picture)

    def _project(self, picture: Tensor, space: Any) -> _Run:
        options = ProjectionOptions(steps=self.steps, space=space)
        last = None
        for step in project(self.generator, picture, perceptual=self.perceptual, options=options):
            last = step
        assert last is not None
        return self._ended([last], picture)

    def _ended(
        self,
        steps: Sequence[InversionStep],
        picture: Tensor,
        track: tuple[tuple[float, float], ...] = (),
    ) -> _Run:
        last = steps[-1]
        drawn = draw(last.generator or self.generator, last.best_so_far.latent)
        psnr, distance = self._measured(drawn, picture)
        return _Run(last.seconds, last.index, psnr, distance, track)

    @torch.no_grad()
    def _measured(self, drawn: Tensor, picture: Tensor) -> tuple[float, float]:
        drawn = drawn.clamp(-1, 1)
        error = (drawn - picture).square().mean().clamp_min(1e-10)
        ours, theirs = self.judge(drawn).features, self.judge(picture).features
        distance = (ours - theirs).norm() / theirs.norm()
        return float(10 * torch.log10(4 / error)), float(distance)

    def _overhead(self, picture: Tensor) -> float:
        """Seconds of a step of the projection by those of its networks alone, in turns."""
        generator, perceptual = self.generator, self.perceptual
        ws = generator.mapping.w_avg.expand(1, generator.num_ws, -1).clone().requires_grad_(True)
        steps = project(
            generator,
            picture,
            perceptual=perceptual,
            options=ProjectionOptions(steps=2 * _TIMED_STEPS + 2),
        )
        next(steps)
        own, alone = [], []
        for _ in range(_TIMED_STEPS):
            begun = self._now()
            next(steps)
            between = self._now()
            image = generator.synthesis(ws)
            features = perceptual.features(image)
            (image.sum() + torch.stack([each.sum() for each in features]).sum()).backward()
            own.append(between - begun)
            alone.append(self._now() - between)
        return median(own) / median(alone)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def _report(
        self, found: Mapping[tuple[str, str], Sequence[_Run]], overhead: float
    ) -> InversionReport:
        goals = {
            kind: mean(run.distance for run in found["project W", kind])
            for kind in ("renders", "samples")
        }
        rows = tuple(
            Row(
                name,
                kind,
                len(runs),
                mean(run.seconds for run in runs),
                mean(run.steps for run in runs),
                mean(run.psnr for run in runs),
                mean(run.distance for run in runs),
                _reached(runs, goals[kind]),
            )
            for (name, kind), runs in found.items()
        )
        about = {
            "images": 2 * self.images,
            "steps": self.steps,
            "seconds": self.seconds,
            "threads": torch.get_num_threads(),
            "device": str(self.device),
            "generator": fingerprint(self.generator),
            "encoder": fingerprint(self.encoder),
            "judge": fingerprint(self.judge),
        }
        figures = Report("Inversion", tuple(_figures(found, overhead)), about)
        return InversionReport(rows, figures)


def _reached(runs: Sequence[_Run], goal: float) -> float | None:
    """Seconds until the mean distance of all pictures was `goal`."""
    if not all(run.track for run in runs):
        return None
    for moment in sorted({seconds for run in runs for seconds, _ in run.track}):
        held = [_at(run.track, moment) for run in runs]
        if (
            all(each is not None for each in held)
            and mean(x for x in held if x is not None) <= goal
        ):
            return moment
    return None


def _at(track: Sequence[tuple[float, float]], moment: float) -> float | None:
    """The distance that was reached at a moment."""
    past = [distance for seconds, distance in track if seconds <= moment]
    return past[-1] if past else None


def _figures(found: Mapping[tuple[str, str], Sequence[_Run]], overhead: float) -> Iterator[Figure]:
    def both(name: str) -> list[_Run]:
        return [*found[name, "renders"], *found[name, "samples"]]

    short, w, wplus, tuned = (both(name) for name in ("hybrid", "project W", "project W+", "tune"))
    goal = mean(run.distance for run in w)
    reached = _reached(short, goal)
    yield Figure(
        "hybrid's time to W's distance by W's time",
        float("inf") if reached is None else reached / mean(run.seconds for run in w),
        at_most=1 / 20,
    )
    yield Figure("hybrid's PSNR above W's, dB", _psnr(short) - _psnr(w), at_least=0)
    yield Figure("hybrid's distance by W's", _distance(short) / goal, at_most=1)
    yield Figure("hybrid's PSNR below W+'s, dB", _psnr(wplus) - _psnr(short), at_most=1)
    yield Figure("hybrid's distance by W+'s", _distance(short) / _distance(wplus), at_most=1.1)
    yield Figure("tuning's PSNR above the hybrid's, dB", _psnr(tuned) - _psnr(short), at_least=3)
    yield Figure("encode, ms", 1000 * median(run.seconds for run in both("encode")), at_most=30)
    yield Figure(
        "encode's distance by W's on renders",
        _distance(found["encode", "renders"]) / _distance(found["project W", "renders"]),
        at_most=1.5,
    )
    yield Figure("a step by its networks alone", overhead, at_most=1.15)


def _psnr(runs: Sequence[_Run]) -> float:
    return mean(run.psnr for run in runs)


def _distance(runs: Sequence[_Run]) -> float:
    return mean(run.distance for run in runs)
