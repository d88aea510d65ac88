"""How well samples are labelled from one annotated picture, before any encoder: ours, the paper's,
and what each part of ours brings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smis_core.checkpoints.native import fingerprint, load_network
from smis_core.checkpoints.zoo import bundled_path
from smis_core.devices import resolve_device
from smis_core.evaluation import Interval, Judge, MiouMeter, bootstrap, load_judge, miou_of
from smis_core.fewshot import AnnotatedPictures
from smis_core.inversion import ProjectionOptions
from smis_core.labelling import (
    FitOptions,
    Labeller,
    ProbeOptions,
    QuickOptions,
    ThoroughOptions,
    fit_labeller,
    fit_thoroughly,
    read_with_confidence,
    sample_ws,
)
from smis_core.labels import PORTRAITS
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.strided import AnyDiscriminator
from smis_core.portraits.renderer import RENDERER_VERSION

from .annotations import annotated_renders
from .fewshot_methods import score
from .mirrors import mirrored, with_mirrors
from .train_fewshot import inverted

AGREEMENT = 0.863
"""Merged mIoU to which a second judge agrees with the first: what a labeller can reach
(`smis evaluate judge --second`)."""
_SAMPLES_SEED = 77
_BATCH = 20
_BINS = 10


@dataclass(frozen=True)
class LabellingReport:
    """Merged mIoU of labels with the judge's, on samples."""

    miou: dict[str, list[float]]
    """method → one figure for each choice of annotated pictures"""
    gap_closed: dict[str, Interval]
    """method → share of the way from 'prototype' to `AGREEMENT`, over choices and samples"""
    calibration: dict[str, float]
    """of the confidence of 'ours': expected error, mean confidence, accuracy"""
    about: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Ours closes at least half of the gap."""
        return self.gap_closed["ours"].value >= 0.5

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        closed = {
            name: {"value": round(g.value, 4), "low": round(g.low, 4), "high": round(g.high, 4)}
            for name, g in self.gap_closed.items()
        }
        return {
            "miou": {name: [round(v, 4) for v in values] for name, values in self.miou.items()},
            "gap_closed": closed,
            "calibration": {name: round(v, 4) for name, v in self.calibration.items()},
            "passed": self.passed,
            "about": self.about,
        }

    def table(self) -> str:
        """For a terminal."""
        lines = [f"{'labels of samples, merged mIoU':<32}{'mean':>7}  each choice; gap closed"]
        for name, values in self.miou.items():
            gap = self.gap_closed[name]
            each = " ".join(f"{value:.3f}" for value in values)
            lines.append(
                f"{name:<32}{sum(values) / len(values):>7.3f}  {each}; {gap.value:.2f}"
                f" ({gap.low:.2f} to {gap.high:.2f})"
            )
        told = ", ".join(f"{name} {value:.3f}" for name, value in self.calibration.items())
        return "\n".join([*lines, f"confidence of 'ours': {told}"])


@dataclass(frozen=True)
class LabellingStep:
    """One step of inverting, fitting or reading."""

    phase: str
    index: int
    """from 1"""
    total: int
    losses: dict[str, float]
    report: LabellingReport | None
    """on the last step"""


def evaluate_labelling(
    *,
    shots: int = 1,
    choices: int = 3,
    samples: int = 100,
    ablations: bool = False,
    scratch: str | Path = "runs/evaluate_labelling",
    projection: ProjectionOptions | None = None,
    probe: ProbeOptions | None = None,
    quick: QuickOptions | None = None,
    thorough: ThoroughOptions | None = None,
    generator_path: Path | None = None,
    discriminator_path: Path | None = None,
    judge_path: Path | None = None,
    device: str | torch.device = "auto",
) -> Iterator[LabellingStep]:
    """Labels samples by every method and compares them with the judge's labels.

    The pictures are the first renders that show every class, `shots` for each choice, inverted once
    and kept in the scratch folder.

    Args:
        shots: annotated pictures.
        choices: sets of them.
        samples: of the generator at psi 1.
        ablations: also leave out each part of ours.
        scratch: the folder that inversions are kept in.
        projection, probe, quick, thorough: of the parts.
        generator_path, discriminator_path, judge_path: other networks than the bundled ones.
        device: where to work.

    Yields:
        Steps; the last one holds the report.

    Raises:
        ValueError: numbers below 1.
    """
    if min(shots, choices) < 1 or samples < 2:
        raise ValueError(
            "shots, choices and samples: wanted at least 1, 1 and 2, got"
            f" {shots}, {choices} and {samples}"
        )
    target = resolve_device(device)
    generator = load_network(generator_path or bundled_path("portraits/generator"), device=target)
    critic = load_network(
        discriminator_path or bundled_path("portraits/discriminator"), device=target
    )
    assert isinstance(generator, GeneratorBase)
    assert isinstance(critic, AnyDiscriminator)
    judge = load_judge(judge_path or bundled_path("portraits/judge"), device=target)
    return _evaluate(
        generator, critic, judge, shots, choices, samples, ablations, Path(scratch),
        projection or ProjectionOptions.thorough(), probe or ProbeOptions(),
        quick or QuickOptions(), thorough or ThoroughOptions(),
    )  # fmt: skip


def _evaluate(
    generator: GeneratorBase,
    critic: AnyDiscriminator,
    judge: Judge,
    shots: int,
    choices: int,
    samples: int,
    ablations: bool,
    scratch: Path,
    projection: ProjectionOptions,
    probe: ProbeOptions,
    quick: QuickOptions,
    thorough: ThoroughOptions,
) -> Iterator[LabellingStep]:
    size = generator.config.resolution
    every = annotated_renders(shots * choices, size=size)
    made_from = {
        "generator": fingerprint(generator),
        "annotated": f"portraits renderer {RENDERER_VERSION}",
    }
    codes: list[WPlus] = []
    for name, pictures in (("invert", every), ("invert mirrors", mirrored(every))):
        for step, wplus in inverted(
            generator, pictures, critic=critic, options=projection,
            scratch=scratch / name.replace(" ", "_") / str(shots * choices), made_from=made_from,
        ):  # fmt: skip
            found = wplus
            yield LabellingStep(name, step.index, step.total, step.losses, None)
        codes.append(found)
    ws = sample_ws(generator, samples, rng=torch.Generator().manual_seed(_SAMPLES_SEED))
    with torch.no_grad():
        truth = torch.cat(
            [
                judge.labels(generator.synthesis(part).clamp(-1, 1)).cpu()
                for part in torch.split(ws, _BATCH)
            ]
        )
    meters: dict[str, list[MiouMeter]] = {}
    methods = _methods(generator, probe, quick, thorough, ablations)
    total = choices * len(methods)
    calibration: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for choice in range(choices):
        lot = slice(choice * shots, (choice + 1) * shots)
        own = AnnotatedPictures(
            every.images[lot], every.labels[lot], PORTRAITS, WPlus(codes[0].tensor[lot])
        )
        mirrors = WPlus(codes[1].tensor[lot])
        for number, (name, fit) in enumerate(methods.items()):
            began = time.monotonic()
            labeller = fit(own, mirrors)
            seconds[name] = seconds.get(name, 0.0) + (time.monotonic() - began) / choices
            reading = read_with_confidence(generator, labeller, ws)
            meters.setdefault(name, []).append(
                score(reading.labels.cpu(), truth, every.classes, merged=True)
            )
            if name == "ours" and choice == 0:
                shown = torch.isin(truth.long(), torch.tensor(every.classes))
                right = (reading.labels.cpu() == truth)[shown].float()
                calibration = _calibration(reading.confidence.cpu()[shown], right)
            yield LabellingStep("label", choice * len(methods) + number + 1, total, {}, None)
    about = {
        "shots": shots,
        "samples": samples,
        "agreement_of_judges": AGREEMENT,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "generator": made_from["generator"],
        "judge": fingerprint(judge),
    }
    miou = {name: [each.result().miou for each in lot] for name, lot in meters.items()}
    closed = {name: _closed(lot, meters["prototype"], samples) for name, lot in meters.items()}
    report = LabellingReport(miou, closed, calibration, about)
    yield LabellingStep("label", total, total, {}, report)


_Fit = Callable[[AnnotatedPictures, WPlus], Labeller]


def _methods(
    generator: GeneratorBase,
    probe: ProbeOptions,
    quick: QuickOptions,
    thorough: ThoroughOptions,
    ablations: bool,
) -> dict[str, _Fit]:
    """Name → annotated pictures and their mirrors' latents → labeller."""
    classes = PORTRAITS.num_classes

    def known(own: AnnotatedPictures) -> tuple[Tensor, Tensor]:
        assert own.wplus is not None
        return own.wplus.tensor, own.labels.to(own.wplus.tensor.device)

    def named(method: str, options: FitOptions | None = None) -> _Fit:
        def fit(own: AnnotatedPictures, mirrors: WPlus) -> Labeller:
            *_, last = fit_labeller(
                method, generator, *known(own), num_classes=classes, options=options
            )
            return last.labeller

        return fit

    def ours(options: ThoroughOptions, flip: bool) -> _Fit:
        def fit(own: AnnotatedPictures, mirrors: WPlus) -> Labeller:
            taught = with_mirrors(generator, own, mirrors, options=options.quick) if flip else own
            *_, last = fit_thoroughly(
                generator, *known(taught), num_classes=classes, options=options
            )
            return last.labeller

        return fit

    methods: dict[str, _Fit] = {
        "prototype": named("prototype"),
        "probe": named("probe", probe),
        "while annotating": named("quick", quick),
        "ours": ours(thorough, True),
    }
    if ablations:
        without = {
            "ours without mirrors": ours(thorough, False),
            "ours without self-training": ours(replace(thorough, rounds=0), True),
            "ours with one round": ours(replace(thorough, rounds=1), True),
        }
        narrow = replace(thorough.quick, max_resolution=32)
        single = replace(thorough.quick, members=1, hidden=4 * thorough.quick.hidden)
        without["ours, layers up to 32²"] = ours(replace(thorough, quick=narrow), True)
        without["ours, one member as large"] = ours(replace(thorough, quick=single), True)
        methods |= without
    return methods


def _closed(meters: list[MiouMeter], base: list[MiouMeter], samples: int) -> Interval:
    def closed(chosen: Any) -> float:
        shares = []
        for mine, theirs in zip(meters, base, strict=True):
            low = miou_of(theirs, chosen)
            shares.append((miou_of(mine, chosen) - low) / (AGREEMENT - low))
        return sum(shares) / len(shares)

    return bootstrap(closed, samples)


def _calibration(confidence: Tensor, right: Tensor) -> dict[str, float]:
    """Expected calibration error in ten bins (Guo et al. 2017), and the means behind it."""
    bins = (confidence * _BINS).long().clamp_max(_BINS - 1)
    error = 0.0
    for index in range(_BINS):
        mine = bins == index
        if bool(mine.any()):
            gap = float(confidence[mine].mean() - right[mine].mean())
            error += abs(gap) * float(mine.float().mean())
    return {
        "expected error": error,
        "confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
    }
