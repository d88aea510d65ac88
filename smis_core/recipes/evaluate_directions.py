"""How well directions do what their names say: the judge reads samples while a slider moves, and
inverted renders before and after an edit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from smis_core.checkpoints import fingerprint
from smis_core.devices import resolve_device
from smis_core.editing import Directions, Edit, apply
from smis_core.editing.dials import RADIUS
from smis_core.evaluation import (
    AttributeSpec,
    Figure,
    Judge,
    Report,
    correlation,
    read_pictures,
)
from smis_core.inversion import ProjectionOptions, project
from smis_core.latents import WPlus, sample_z
from smis_core.networks.strided import AnyDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, render

from .attributes import DIALS, SLIDERS
from .evaluate_generator import FRESH_SEED

POSITIONS = (-1.5, -0.75, 0.0, 0.75, 1.5)
"""Of a slider, in steps."""
ANGLES = tuple(index / 8 for index in range(8))
"""Of a dial, in turns."""
_CORRELATION = 0.9
_SHARE = 0.25
_SAMPLE_SEED = 40_000_000
_BATCH = 50


@dataclass(frozen=True)
class EvaluateDirectionsStep:
    """One slider measured."""

    phase: str
    """'samples', 'inversion' or 'renders'"""
    index: int
    total: int
    report: Report | None
    """the figures, on the last step"""


def evaluate_directions(
    generator: Generator,
    judge: Judge,
    directions: Directions,
    *,
    samples: int = 200,
    device: str | torch.device = "auto",
) -> Iterator[EvaluateDirectionsStep]:
    """Move each slider on samples and let the judge read.

    A sample's own mean over the positions is subtracted from what is read, so that the correlation
    is that of the picture with the slider and not of different people. For a hue the dial's angle
    and the angle that is read are compared as they are. What an attribute does beside is the
    slope of its reading by the slider, in standard deviations of unedited samples, as a share of
    the slope of the slider's own attribute; of a dial, the amplitude over the full circle.

    Args:
        generator: unconditional, of portraits.
        judge: reads all pictures.
        directions: with names of `SLIDERS` and `DIALS`; others are passed over.
        samples: how many pictures each slider is moved on.
        device: where to work.

    Yields:
        A step a slider; the last one holds the report.

    Raises:
        ValueError: directions of another generator or without such names, fewer than 2 samples.
    """
    sliders = _known(directions)
    directions.check(generator)
    if samples < 2:
        raise ValueError(f"samples: wanted at least 2, got {samples}")
    target = resolve_device(device)
    generator, judge = generator.to(target).eval(), judge.to(target).eval()

    def work() -> Iterator[EvaluateDirectionsStep]:
        z = sample_z(range(_SAMPLE_SEED, _SAMPLE_SEED + samples), generator.config.z_dim)
        with torch.no_grad():
            codes = WPlus(generator.mapping(z.tensor.to(target)))
        plain = _columns(judge, _read(generator, judge, codes))
        deviations = {name: float(values.std()) for name, values in plain.items()}
        figures: list[Figure] = []
        for index, (name, own) in enumerate(sliders.items()):
            places = ANGLES if name in directions.circles else POSITIONS
            readings = [
                _read(generator, judge, moved(directions, name, place, codes)) for place in places
            ]
            measure = _dial if name in directions.circles else _slider
            figures += measure(name, own, judge, readings, deviations)
            if index + 1 < len(sliders):
                yield EvaluateDirectionsStep("samples", index + 1, len(sliders), None)
        about = _about(generator, judge) | {"samples": samples}
        report = Report("Directions on samples", tuple(figures), about)
        yield EvaluateDirectionsStep("samples", len(sliders), len(sliders), report)

    return work()


def evaluate_kept(
    generator: Generator,
    discriminator: AnyDiscriminator,
    judge: Judge,
    directions: Directions,
    *,
    renders: int = 50,
    options: ProjectionOptions | None = None,
    device: str | torch.device = "auto",
) -> Iterator[EvaluateDirectionsStep]:
    """What an edit of one step does to inverted renders beside what it is for.

    Args:
        generator: unconditional, of portraits.
        discriminator: for the inversion.
        judge: reads the inverted pictures before and after.
        directions: with names of `SLIDERS` and `DIALS`; others are passed over.
        renders: how many are inverted.
        options: of the inversion.
        device: where to work.

    Yields:
        Steps; the last one holds the report. Each figure is the mean change of the other
        attribute that changes most, in standard deviations of renders.

    Raises:
        ValueError: directions of another generator or without such names, fewer than 2 renders.
    """
    sliders = _known(directions)
    directions.check(generator)
    if renders < 2:
        raise ValueError(f"renders: wanted at least 2, got {renders}")
    target = resolve_device(device)
    options = options or replace(ProjectionOptions.thorough(), steps=100, candidates=64)
    generator, judge = generator.to(target).eval(), judge.to(target).eval()

    def work() -> Iterator[EvaluateDirectionsStep]:
        seeds = range(FRESH_SEED, FRESH_SEED + renders)
        images = render(seeds, size=generator.config.resolution, device=target).images
        parts = []
        batches = torch.split(images, _BATCH)
        for done, batch in enumerate(batches):
            for step in project(generator, batch, perceptual=discriminator, options=options):
                found = step.latent
                yield EvaluateDirectionsStep(
                    "inversion", done * options.steps + step.index,
                    len(batches) * options.steps, None,
                )  # fmt: skip
            assert isinstance(found, WPlus)
            parts.append(found.tensor)
        codes = WPlus(torch.cat(parts))
        before = _columns(judge, _read(generator, judge, codes))
        truth = _columns(judge, _joined(judge, list(torch.split(images, _BATCH))))
        deviations = {name: float(values.std()) for name, values in truth.items()}
        axes = {axis: sliders[name] for name, pair in directions.circles.items() for axis in pair}
        owners = {n: own for n, own in sliders.items() if n not in directions.circles} | axes
        figures = []
        for index, (name, own) in enumerate(owners.items()):
            after = _columns(judge, _read(generator, judge, moved(directions, name, 1.0, codes)))
            changes = {
                other: (after[other] - before[other]) / max(deviations[other], 1e-6)
                for other in before
                if other not in _family(own)
            }
            means = {other: abs(float(change.mean())) for other, change in changes.items()}
            worst = max(means, key=lambda other: means[other])
            figures.append(Figure(
                f"{name}: others, {worst}", means[worst], at_most=_SHARE,
                beside={"mean absolute": float(changes[worst].abs().mean())},
            ))  # fmt: skip
            if index + 1 < len(owners):
                yield EvaluateDirectionsStep("renders", index + 1, len(owners), None)
        about = _about(generator, judge) | {"renders": renders, "steps": options.steps}
        report = Report("What is not edited is kept", tuple(figures), about)
        yield EvaluateDirectionsStep("renders", len(owners), len(owners), report)

    return work()


def moved(directions: Directions, name: str, place: float, codes: WPlus) -> WPlus:
    """Latents with a slider, or a dial of radius `RADIUS`, at a place."""
    plain = Edit.neutral(directions.generator.num_ws)
    if name not in directions.circles:
        return apply(codes, plain.changed(strengths={name: place}), directions)[0]
    each = []
    for code in torch.split(codes.tensor, 1):
        one = WPlus(code)
        strengths = directions.towards(name, place, wplus=one, radius=RADIUS)
        each.append(apply(one, plain.changed(strengths=strengths), directions)[0].tensor)
    return WPlus(torch.cat(each))


def uniform_correlation(
    a: Tensor,  # [N], turns
    b: Tensor,  # [N], turns, evenly over the circle
) -> float:
    """Correlation of angles one of which has no mean direction, in [-1, 1].

    The resultant of the differences less that of the sums (Jammalamadaka and SenGupta 2001,
    section 8.2): deviations from a mean, of which `circular_correlation` is made, mean nothing on
    an evenly turned dial.
    """
    unit = 2j * math.pi
    apart, together = ((unit * angles).exp().mean().abs() for angles in (a - b, a + b))
    return float(apart - together)


def _known(directions: Directions) -> dict[str, str]:
    """Sliders and dials that the directions have, with the judge's name of their attribute."""
    there = {*directions.names, *directions.circles}
    found = {name: own for name, own in {**SLIDERS, **DIALS}.items() if name in there}
    if not found:
        raise ValueError(
            f"directions: wanted some of {', '.join({**SLIDERS, **DIALS})}, got "
            f"{', '.join(directions.names)}"
        )
    return found


def _family(own: str) -> set[str]:
    """What belongs to an attribute: a hue's two parts and the saturation in which it shows."""
    if own not in DIALS.values():
        return {own}
    return {f"{own} cosine", f"{own} sine", own.replace("hue", "saturation")}


@torch.no_grad()
def _read(generator: Generator, judge: Judge, codes: WPlus) -> dict[str, Tensor]:
    device = generator.mapping.w_avg.device
    return _joined(
        judge,
        (
            generator.synthesis(ws.to(device)).clamp(-1, 1)
            for ws in torch.split(codes.tensor, _BATCH)
        ),
    )


def _joined(judge: Judge, batches: Iterator[Tensor] | list[Tensor]) -> dict[str, Tensor]:
    parts = [each.attributes for each in read_pictures(judge, batches)]
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def _columns(judge: Judge, reading: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`[N]` by name, a hue as its cosine and sine."""
    columns = {}
    for spec in judge.config.attributes:
        values = reading[spec.name]
        if spec.kind == "circular":
            columns[f"{spec.name} cosine"] = (2 * math.pi * values).cos()
            columns[f"{spec.name} sine"] = (2 * math.pi * values).sin()
        else:
            columns[spec.name] = values
    return columns


def _slider(
    name: str,
    own: str,
    judge: Judge,
    readings: list[dict[str, Tensor]],
    deviations: Mapping[str, float],
) -> list[Figure]:
    places = torch.tensor(POSITIONS)
    by_place = [_columns(judge, reading) for reading in readings]
    slopes = {}
    for other, deviation in deviations.items():
        values = torch.stack([columns[other] for columns in by_place])  # [P, N]
        change = (values * places[:, None]).sum(dim=0) / places.square().sum()
        slopes[other] = float(change.mean()) / max(deviation, 1e-6)
    values = torch.stack([columns[own] for columns in by_place])
    spread = places[:, None].expand_as(values)
    value = correlation(values - values.mean(dim=0), spread)
    figure = Figure(
        f"{name}: correlation", value, at_least=_CORRELATION,
        beside={"deviations a step": slopes[own], "people included": correlation(values, spread)},
    )  # fmt: skip
    return [figure, _others(name, own, slopes, slopes[own])]


def _dial(
    name: str,
    own: str,
    judge: Judge,
    readings: list[dict[str, Tensor]],
    deviations: Mapping[str, float],
) -> list[Figure]:
    angles = torch.tensor(ANGLES)
    spec: AttributeSpec = next(each for each in judge.config.attributes if each.name == own)
    shown = torch.stack([spec.visible(reading) for reading in readings])
    values = torch.stack([reading[own] for reading in readings])
    dial = angles[:, None].expand_as(values)
    figure = Figure(
        f"{name}: circular correlation",
        uniform_correlation(values[shown], dial[shown]) if bool(shown.any()) else 0.0,
        at_least=_CORRELATION,
        beside={
            "visible": float(shown.float().mean()),
            "cosine of the error": float((2 * math.pi * (values - dial)[shown]).cos().mean()),
        },
    )
    by_place = [_columns(judge, reading) for reading in readings]
    waves = torch.stack([(2 * math.pi * angles).cos(), (2 * math.pi * angles).sin()])  # [2, P]
    amplitudes = {}
    for other, deviation in deviations.items():
        means = torch.stack([columns[other].mean() for columns in by_place])
        amplitude = float((waves @ means).norm()) * 2 / len(angles)
        amplitudes[other] = amplitude / max(deviation, 1e-6)
    least = min(amplitudes[f"{own} cosine"], amplitudes[f"{own} sine"])
    return [figure, _others(name, own, amplitudes, least)]


def _others(name: str, own: str, effects: Mapping[str, float], mine: float) -> Figure:
    shares = {
        other: abs(effect) / max(abs(mine), 1e-6)
        for other, effect in effects.items()
        if other != own and not other.startswith(f"{own} ")
    }
    largest = sorted(shares, key=lambda other: -shares[other])
    return Figure(
        f"{name}: largest share of another",
        shares[largest[0]],
        at_most=_SHARE,
        beside={other: shares[other] for other in largest[:3]},
    )


def _about(generator: Generator, judge: Judge) -> dict[str, str | int]:
    return {
        "generator": fingerprint(generator),
        "judge": fingerprint(judge),
        "renderer": RENDERER_VERSION,
    }
