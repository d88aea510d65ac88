"""Making the directions that ship: turn, tilt, mood, mouth, hair length, colours of hair and eyes.

Renders of one character that differ in one attribute are inverted; what their latents differ by,
on average over many characters, is the attribute's direction. What such a step does to the other
attributes is measured on samples and taken out. The middle of a circle of hues is moved to where
colours are grey. A reader measures, a network that is trained for this on renders and their truth;
the judge, of another shape and other renders, has no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smis_core.checkpoints import fingerprint, load_network
from smis_core.devices import resolve_device
from smis_core.editing import Directions, Distribution, distribution_of_w, identify, save_directions
from smis_core.editing.dials import RADIUS
from smis_core.editing.disentangle import Whitening, ridge, unmixed, weighed_by_row
from smis_core.evaluation import Judge, JudgeConfig, JudgeOptions, train_judge
from smis_core.images import check_writable
from smis_core.inversion import critic_features
from smis_core.latents import WPlus, sample_z
from smis_core.networks.strided import AnyDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, render

from .attributes import DIALS, NAMES, SATURATIONS, SLIDERS, pairs, readable
from .evaluate_generator import load_stylegan2
from .evaluate_judge import SECOND_CONFIG, SOURCE, draw

_LONGEST = 6.0
"""Of a step, in standard deviations of W, of which a sample lies about eleven from the mean."""
_FEATURE_RIDGE = 0.3
_NORMAL_RIDGE = 0.3
_SAMPLE_SEED = 1_000_000
_RENDER_SEED = 20_000_000
_EFFECT_SEED = 50_000_000
_TRUTH_RENDERS = 960
_TRUTH_SIZE = 32
_CENTRINGS = 3
"""So many times a circle's middle is looked for: colours are not quite linear in the steps."""
_FARTHEST = 2 * RADIUS
"""From the average, of a circle's middle."""
_PLACES = 8
"""On a circle, at which colours are read."""
_BATCH = 48


def _a_reader() -> JudgeOptions:
    return JudgeOptions(pictures=30_000, first_seed=22_000_000, seed=7)


@dataclass(frozen=True, kw_only=True)
class DirectionsOptions:
    """How much is looked at."""

    samples: int = 4000
    """of the generator, to learn what a picture says of its latent"""
    characters: int = 96
    """of which pairs are rendered"""
    effect_samples: int = 96
    """on which a step's effects are measured"""
    rounds: int = 2
    """of measuring and taking out"""
    reader: JudgeOptions = field(default_factory=_a_reader)
    """how the reader is trained"""
    reader_config: JudgeConfig = SECOND_CONFIG
    """its shape, at the generator's resolution"""


@dataclass(frozen=True, eq=False)
class MakeDirectionsStep:
    """One batch."""

    phase: str
    """'render' and 'train' of the reader, then 'samples', 'pairs', 'effects' and 'circles'"""
    index: int
    total: int
    directions: Directions | None
    """the result, on the last step"""


def make_directions(
    out: str | Path,
    *,
    generator_path: str | Path | None = None,
    discriminator_path: str | Path,
    scratch: str | Path,
    options: DirectionsOptions | None = None,
    device: str | torch.device = "auto",
) -> Iterator[MakeDirectionsStep]:
    """Train a reader, find the directions of a generator of portraits, and save them with a card.

    Args:
        out: the safetensors file; written when everything else is done.
        generator_path: weights; None is the bundled generator.
        discriminator_path: its discriminator's weights, whose features say what is in a picture.
        scratch: folder of the reader's training, which resumes there.
        options: how much is looked at.
        device: where to work.

    Yields:
        Steps by phase; the last one holds the directions.

    Raises:
        FileNotFoundError: weights are missing.
        ValueError: the place cannot be written, or weights of another kind.
    """
    check_writable(out)
    options, target = options or DirectionsOptions(), resolve_device(device)
    generator = load_stylegan2(generator_path, device=target)
    discriminator: Any = load_network(discriminator_path, device=target)

    def work() -> Iterator[MakeDirectionsStep]:
        reader: Judge | None = None
        for trained in train_judge(
            draw,
            source=SOURCE,
            scratch=scratch,
            config=replace(options.reader_config, resolution=generator.config.resolution),
            options=options.reader,
            device=target,
        ):
            reader = trained.judge
            yield MakeDirectionsStep(trained.phase, trained.index, trained.total, None)
        assert reader is not None
        for step in find_directions(generator, discriminator, reader, options=options):
            if step.directions is not None:
                save_directions(out, step.directions, card=_card(generator, options))
            yield step

    return work()


def find_directions(
    generator: Generator,
    discriminator: AnyDiscriminator,
    reader: Judge,
    *,
    options: DirectionsOptions | None = None,
) -> Iterator[MakeDirectionsStep]:
    """The directions of `SLIDERS` and the circles of `DIALS`, by inverted pairs of renders.

    Strength 1 moves an attribute by one standard deviation of the renders', or by less where that
    would lead to latents that no sample has: a generator may know an attribute only faintly.

    Args:
        generator: unconditional, of portraits.
        discriminator: of the same size.
        reader: reads the attributes; not the judge that will measure the result.
        options: how much is looked at.

    Yields:
        Steps by phase; the last one holds the directions.

    Raises:
        ValueError: networks that do not fit, or too few pictures.
    """
    options = options or DirectionsOptions()
    if generator.config.c_dim:
        raise ValueError(f"generator: wanted no classes, got {generator.config.c_dim}")
    if generator.config.resolution != discriminator.config.resolution:
        raise ValueError(
            f"discriminator: wanted one of {generator.config.resolution}², the generator's size, "
            f"got {discriminator.config.resolution}²"
        )
    least = min(options.samples, options.characters, options.effect_samples)
    if least < 2 or options.rounds < 1:
        raise ValueError("options: wanted at least 2 pictures of each kind and 1 round")
    return _find(generator, discriminator, reader, options)


def _find(
    generator: Generator,
    discriminator: AnyDiscriminator,
    reader: Judge,
    options: DirectionsOptions,
) -> Iterator[MakeDirectionsStep]:
    size = generator.config.resolution
    device = generator.mapping.w_avg.device

    @torch.no_grad()
    def read(images: Tensor) -> Tensor:
        return readable(reader(images.to(device)).attributes).cpu()

    def seen(images: Tensor) -> Tensor:
        pictures = picture_features(discriminator, images.to(device))
        return torch.cat([read(images), pictures], dim=1)

    spread = distribution_of_w(generator)
    white = Whitening(spread)
    codes, samples = [], []
    for index, ws in enumerate(_mixed_codes(generator, options.samples)):
        codes.append(white.steps(ws.cpu() - spread.mean))
        samples.append(seen(_drawn(generator, ws)))
        yield _step("samples", index, options.samples)
    white_codes, of_samples = torch.cat(codes), torch.cat(samples)
    centre, scale = of_samples.mean(dim=0), of_samples.std(dim=0).clamp_min(1e-3)
    # Samples vary less than renders in what a generator knows only faintly, and people see the
    # samples: what a step does beside is told in their deviations.
    deviations = scale[: len(NAMES)].clone()
    # The few numbers of the reader weigh as much as the many of the picture.
    scale[: len(NAMES)] *= len(NAMES) ** 0.5
    scale[len(NAMES) :] *= (len(scale) - len(NAMES)) ** 0.5
    inverse = ridge((of_samples - centre) / scale, white_codes.flatten(1), strength=_FEATURE_RIDGE)
    steps = []
    for index, (before, after) in enumerate(pairs(options.characters, size)):
        change = ((seen(after.images) - seen(before.images)) / scale).mean(dim=0)
        # Inversion is linear in the features here, so that of the mean is the mean of all.
        steps.append((change @ inverse).view(white_codes.shape[1:]))
        yield MakeDirectionsStep("pairs", index + 1, len(NAMES), None)
    readings = of_samples[:, : len(NAMES)] / deviations
    normals = ridge(white_codes.flatten(1), readings, strength=_NORMAL_RIDGE)
    normals = normals.T.reshape(len(NAMES), *white_codes.shape[1:])
    found = weighed_by_row(torch.stack(steps), normals)
    found = found / (found * normals).sum((1, 2)).clamp_min(0.05)[:, None, None]

    def read_codes(ws: Tensor) -> Tensor:
        return read(_drawn(generator, ws)) / deviations

    seeds = range(_EFFECT_SEED, _EFFECT_SEED + options.effect_samples)
    z = sample_z(seeds, generator.config.z_dim).tensor.to(device)
    begun = generator.mapping(z)
    total = options.rounds * len(NAMES)
    for turn in range(options.rounds):
        rows = []
        for index, step in enumerate(white.back(found)):
            rows.append(_effect(read_codes, begun, step.to(device)))
            yield MakeDirectionsStep("effects", turn * len(NAMES) + index + 1, total, None)
        found = unmixed(found, torch.stack(rows))
    # From the samples' deviations to the renders', in which a slider is marked.
    truth = readable(
        render(range(_RENDER_SEED, _RENDER_SEED + _TRUTH_RENDERS), size=_TRUTH_SIZE).attributes
    )
    larger = (truth.std(dim=0) / deviations)[:, None, None]
    directions = _named(generator, white, spread, found * larger, normals / larger, options)
    total = _CENTRINGS * len(DIALS)
    for index in range(total):
        circle = [*DIALS][index % len(DIALS)]
        middle = _middle(directions, circle, lambda ws: read(_drawn(generator, ws)), begun)
        directions = replace(directions, middles={**directions.middles, circle: middle})
        done = index + 1 == total
        yield MakeDirectionsStep("circles", index + 1, total, directions if done else None)


def picture_features(
    discriminator: AnyDiscriminator,
    images: Tensor,  # [N, 3, R, R]
) -> Tensor:
    """What is in pictures, `[N, F]` on the CPU: colours at 16², the discriminator's features at
    4², its finest at 8²."""
    parts = [F.adaptive_avg_pool2d(images, 16)]
    with torch.no_grad():
        for index, features in enumerate(critic_features(discriminator, images)):
            parts.append(F.adaptive_avg_pool2d(features, 4 if index else 8))
    return torch.cat([part.flatten(1) for part in parts], dim=1).float().cpu()


def _step(phase: str, index: int, pictures: int) -> MakeDirectionsStep:
    return MakeDirectionsStep(phase, index + 1, -(-pictures // _BATCH), None)


@torch.no_grad()
def _drawn(generator: Generator, ws: Tensor) -> Tensor:
    image: Tensor = generator.synthesis(ws)
    return image.clamp(-1, 1)


def _mixed_codes(generator: Generator, count: int) -> Iterator[Tensor]:
    """Rows of W+ of two sources each, so that rows can be told apart."""
    device = generator.mapping.w_avg.device
    rng = torch.Generator().manual_seed(0)
    for first in range(0, count, _BATCH):
        width = min(_BATCH, count - first)
        seeds = range(_SAMPLE_SEED + 2 * first, _SAMPLE_SEED + 2 * (first + width))
        with torch.no_grad():
            ws = generator.mapping(sample_z(seeds, generator.config.z_dim).tensor.to(device))
        rows = generator.num_ws
        border = torch.randint(1, 2 * rows, (width, 1, 1), generator=rng).to(device)
        yield torch.where(
            torch.arange(rows, device=device)[:, None] < border, ws[:width], ws[width:]
        )


def _effect(read: Callable[[Tensor], Tensor], begun: Tensor, step: Tensor) -> Tensor:
    """`[K]`: what a step changes on average, from a step before to a step behind."""
    changes = [(read(ws + step) - read(ws - step)) / 2 for ws in torch.split(begun, _BATCH)]
    return torch.cat(changes).mean(dim=0)


@torch.no_grad()
def _middle(
    directions: Directions, circle: str, read: Callable[[Tensor], Tensor], begun: Tensor
) -> tuple[float, float]:
    """Where the middle of a circle of hues lies, looked for from the present one: where colours
    are as strong on every side."""
    hue = DIALS[circle]
    columns = [NAMES.index(f"{hue} {part}") for part in ("cosine", "sine")]
    columns.append(NAMES.index(SATURATIONS[hue]))
    steps = torch.stack([directions[name] for name in directions.circles[circle]])
    now = directions.around(circle, directions.read(WPlus(begun)))
    angles = torch.arange(_PLACES) * (2 * math.pi / _PLACES)
    places = torch.stack([angles.cos(), angles.sin()], dim=1)  # [P, 2]
    means = []
    for place in places:
        ws = begun + torch.einsum("nc,clw->nlw", RADIUS * place - now, steps).to(begun)
        seen = [read(each)[:, columns] for each in torch.split(ws, _BATCH)]
        means.append(torch.cat(seen).mean(dim=0))
    waves = places.T @ torch.stack(means) * (2 / _PLACES)  # [2, 3]: by the two parts of the angle
    # Colours grow with the distance from grey, so that what is nearer to it on one side is paler.
    by_step = waves[:, :2].det().abs().sqrt().clamp_min(1e-6) / RADIUS
    middle = torch.tensor(directions.middles.get(circle, (0.0, 0.0))) - waves[:, 2] / by_step
    # A generator that hardly knows the hues would send it anywhere.
    middle = middle * (_FARTHEST / middle.norm().clamp_min(1e-6)).clamp_max(1)
    x, y = middle.tolist()
    return round(x, 4), round(y, 4)


def _named(
    generator: Generator,
    white: Whitening,
    spread: Distribution,
    steps: Tensor,
    normals: Tensor,
    options: DirectionsOptions,
) -> Directions:
    places = {name: NAMES.index(attribute) for name, attribute in SLIDERS.items()}
    circles = {}
    for name, hue in DIALS.items():
        pair = f"{name}: red", f"{name}: lime"
        circles[name] = pair
        places |= {
            axis: NAMES.index(f"{hue} {part}")
            for axis, part in zip(pair, ("cosine", "sine"), strict=True)
        }
    at = [*places.values()]
    lengths = (steps[at].square().sum((1, 2)) / steps.shape[1]).sqrt()
    share = (_LONGEST / lengths.clamp_min(1e-6)).clamp_max(1)[:, None, None]
    return Directions(
        names=tuple(places),
        steps=white.back(steps[at] * share),
        normals=white.normals(normals[at] / share),
        centre=spread.mean,
        generator=identify(generator),
        method="inverted pairs of renders",
        settings={**_told(options), "renderer": RENDERER_VERSION},
        circles=circles,
    )


def _card(generator: Generator, options: DirectionsOptions) -> dict[str, Any]:
    return {
        "kind": "directions",
        "purpose": "sliders of the bundled portraits",
        "data": f"pairs of renders of {options.characters} characters that differ in one attribute;"
        f" a reader of {options.reader.renders} other renders; the judge has no part",
        "made_from": {"renderer": RENDERER_VERSION, "generator": fingerprint(generator)},
        "command": "smis models --only directions",
        "options": _told(options),
        "torch": str(torch.__version__),
    }


def _told(options: DirectionsOptions) -> dict[str, Any]:
    plain = {name: value for name, value in vars(options).items() if isinstance(value, int)}
    return plain | {"reader": vars(options.reader)}
