"""Making the directions that ship: turn, tilt, mood, mouth, hair length, colours of hair and eyes.

Renders of one character that differ in one attribute are inverted; what their latents differ by,
on average over many characters, is the attribute's direction. What such a step does to the other
attributes is measured on samples and taken out. A reader measures, a network that is trained for
this on renders and their truth; the judge, of another shape and other renders, has no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smis_core.checkpoints import fingerprint, load_network
from smis_core.devices import resolve_device
from smis_core.editing import Directions, Distribution, distribution_of_w, identify, save_directions
from smis_core.editing.disentangle import Whitening, ridge, unmixed, weighed_by_row
from smis_core.evaluation import Judge, JudgeConfig, JudgeOptions, train_judge
from smis_core.images import check_writable
from smis_core.inversion import critic_features
from smis_core.latents import sample_z
from smis_core.networks.strided import AnyDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, Renders, render

from .evaluate_generator import load_stylegan2
from .evaluate_judge import SECOND_CONFIG, SOURCE, draw

SLIDERS: Mapping[str, str] = {
    "turn": "yaw",
    "tilt": "roll",
    "mood": "mood",
    "mouth": "mouth_open",
    "hair length": "hair_length",
}
"""Directions by name, with the renderer's attribute."""
DIALS: Mapping[str, str] = {"hair colour": "hair_hue", "eye colour": "eye_hue"}
"""Circles by name, with the renderer's hue."""
_SATURATIONS = {"hair_hue": "hair_saturation", "eye_hue": "eye_saturation"}
_RANGES = {
    "yaw": (-0.6, 0.6), "roll": (-0.6, 0.6), "mood": (-1.0, 1.0), "mouth_open": (0.0, 1.0),
    "hair_length": (0.0, 1.0), "gaze": (-0.8, 0.8), "skin": (0.0, 1.0),
    "hair_saturation": (0.15, 0.8), "eye_saturation": (0.3, 0.9), "glasses": (0.0, 1.0),
    "hat": (0.0, 1.0),
}  # fmt: skip
"""Values between which pairs differ; what is no slider is only kept out of the sliders."""
_AXES = tuple((hue, part) for hue in DIALS.values() for part in ("cosine", "sine"))
_LONGEST = 6.0
"""Of a step, in standard deviations of W, of which a sample lies about eleven from the mean."""
_FEATURE_RIDGE = 0.3
_NORMAL_RIDGE = 0.3
_SAMPLE_SEED = 1_000_000
_RENDER_SEED = 20_000_000
_PAIR_SEED = 21_000_000
_EFFECT_SEED = 50_000_000
_TRUTH_RENDERS = 960
_TRUTH_SIZE = 32
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
    """'render' and 'train' of the reader, then 'samples', 'pairs' and 'effects'"""
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
        return _readable(reader(images.to(device)).attributes).cpu()

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
    for index, (before, after) in enumerate(_pairs(options.characters, size)):
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
            if (turn, index) != (options.rounds - 1, len(NAMES) - 1):
                yield MakeDirectionsStep("effects", turn * len(NAMES) + index + 1, total, None)
        found = unmixed(found, torch.stack(rows))
    # From the samples' deviations to the renders', in which a slider is marked.
    truth = _readable(
        render(range(_RENDER_SEED, _RENDER_SEED + _TRUTH_RENDERS), size=_TRUTH_SIZE).attributes
    )
    larger = (truth.std(dim=0) / deviations)[:, None, None]
    directions = _named(generator, white, spread, found * larger, normals / larger, options)
    yield MakeDirectionsStep("effects", total, total, directions)


NAMES: tuple[str, ...] = (*_RANGES, *(f"{hue} {part}" for hue, part in _AXES))
"""Attributes as they are read: a hue as the cosine and the sine of its angle, times the
saturation, which is how colours mix."""


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


def _readable(attributes: Mapping[str, Tensor]) -> Tensor:
    """`[N, K]` in the order of `NAMES`."""
    columns = [attributes[name] for name in _RANGES]
    for hue, part in _AXES:
        angle = 2 * math.pi * attributes[hue]
        columns.append(attributes[_SATURATIONS[hue]] * (
            angle.cos() if part == "cosine" else angle.sin()
        ))  # fmt: skip
    return torch.stack(columns, dim=1)


def _pairs(characters: int, size: int) -> Iterator[tuple[Renders, Renders]]:
    """The same characters before and after, for each of `NAMES`."""
    seeds = range(_PAIR_SEED, _PAIR_SEED + characters)

    def drawn(**overrides: float) -> Renders:
        return render(seeds, size=size, overrides=overrides)

    for name, (low, high) in _RANGES.items():
        yield drawn(**{name: low}), drawn(**{name: high})
    for hue, part in _AXES:
        place = 0.0 if part == "cosine" else 0.25
        saturation = {_SATURATIONS[hue]: 0.7}
        yield drawn(**{hue: place + 0.5, **saturation}), drawn(**{hue: place, **saturation})


def _effect(read: Callable[[Tensor], Tensor], begun: Tensor, step: Tensor) -> Tensor:
    """`[K]`: what a step changes on average, from a step before to a step behind."""
    changes = [(read(ws + step) - read(ws - step)) / 2 for ws in torch.split(begun, _BATCH)]
    return torch.cat(changes).mean(dim=0)


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
