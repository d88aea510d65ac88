"""Making the directions that ship: turn, tilt, mood, mouth, hair length, colours of hair and eyes.

Renders of one character that differ in one attribute are inverted; what their latents differ by,
on average over many characters, is the attribute's direction. What such a step does to the other
attributes is measured on samples, by a linear reading that was fitted to renders and their truth
and corrected by what it answers to the pairs, and taken out. The judge has no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from smis_core.checkpoints import fingerprint, load_network
from smis_core.devices import resolve_device
from smis_core.editing import Directions, Distribution, distribution_of_w, identify, save_directions
from smis_core.editing.disentangle import Whitening, ridge, unmixed, weighed_by_row
from smis_core.images import check_writable
from smis_core.inversion import critic_features
from smis_core.latents import sample_z
from smis_core.networks.strided import AnyDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, Renders, render

from .evaluate_generator import load_stylegan2

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
_LONGEST = 5.0
"""Of a step, in standard deviations of W, of which a sample lies about eleven from the mean."""
_FEATURE_RIDGE = 0.02
_NORMAL_RIDGE = 0.1
_ANSWER_RIDGE = 0.01
_SAMPLE_SEED = 1_000_000
_RENDER_SEED = 20_000_000
_PAIR_SEED = 21_000_000
_EFFECT_SEED = 50_000_000
_BATCH = 48


@dataclass(frozen=True, kw_only=True)
class DirectionsOptions:
    """How much is looked at."""

    samples: int = 4800
    """of the generator, to learn what a picture says of its latent"""
    renders: int = 3000
    """to learn what a picture says of its attributes"""
    characters: int = 96
    """of which pairs are rendered"""
    effect_samples: int = 48
    """on which a step's effects are measured"""
    rounds: int = 2
    """of measuring and taking out"""


@dataclass(frozen=True, eq=False)
class MakeDirectionsStep:
    """One batch."""

    phase: str
    """'samples', 'renders', 'pairs' or 'effects'"""
    index: int
    total: int
    directions: Directions | None
    """the result, on the last step"""


def make_directions(
    out: str | Path,
    *,
    generator_path: str | Path | None = None,
    discriminator_path: str | Path,
    options: DirectionsOptions | None = None,
    device: str | torch.device = "auto",
) -> Iterator[MakeDirectionsStep]:
    """Find the directions of a generator of portraits and save them with a card.

    Args:
        out: the safetensors file; written when everything else is done.
        generator_path: weights; None is the bundled generator.
        discriminator_path: its discriminator's weights, whose features say what is in a picture.
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
        for step in find_directions(generator, discriminator, options=options):
            if step.directions is not None:
                save_directions(out, step.directions, card=_card(generator, options))
            yield step

    return work()


def find_directions(
    generator: Generator,
    discriminator: AnyDiscriminator,
    *,
    options: DirectionsOptions | None = None,
) -> Iterator[MakeDirectionsStep]:
    """The directions of `SLIDERS` and the circles of `DIALS`, by inverted pairs of renders.

    Strength 1 moves an attribute by one standard deviation of the renders', or by less where that
    would lead to latents that no sample has: a generator may know an attribute only faintly.

    Args:
        generator: unconditional, of portraits.
        discriminator: of the same size.
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
    least = min(options.samples, options.renders, options.characters, options.effect_samples)
    if least < 2 or options.rounds < 1:
        raise ValueError("options: wanted at least 2 pictures of each kind and 1 round")
    return _find(generator, discriminator, options)


def _find(
    generator: Generator, discriminator: AnyDiscriminator, options: DirectionsOptions
) -> Iterator[MakeDirectionsStep]:
    size = generator.config.resolution
    device = generator.mapping.w_avg.device

    def seen(images: Tensor) -> Tensor:
        return picture_features(discriminator, images.to(device))

    spread = distribution_of_w(generator)
    white = Whitening(spread)
    codes, samples = [], []
    for index, ws in enumerate(_mixed_codes(generator, options.samples)):
        codes.append(white.steps(ws.cpu() - spread.mean))
        samples.append(seen(_drawn(generator, ws)).half())
        yield _step("samples", index, options.samples)
    truths, renders = [], []
    for index, first in enumerate(range(0, options.renders, _BATCH)):
        seeds = range(_RENDER_SEED + first,
                      _RENDER_SEED + min(first + _BATCH, options.renders))  # fmt: skip
        drawn = render(seeds, size=size)
        truths.append(_readable(drawn.attributes))
        renders.append(seen(drawn.images).half())
        yield _step("renders", index, options.renders)
    truth = torch.cat(truths)
    deviations = truth.std(dim=0).clamp_min(1e-6)
    white_codes, of_samples, of_renders = (
        torch.cat(parts).float() for parts in (codes, samples, renders)
    )
    centre, scale = of_samples.mean(dim=0), of_samples.std(dim=0).clamp_min(1e-3)
    of_samples, of_renders = (of_samples - centre) / scale, (of_renders - centre) / scale
    inverse = ridge(of_samples, white_codes.flatten(1), strength=_FEATURE_RIDGE)
    reader = ridge(of_renders, truth / deviations, strength=_FEATURE_RIDGE)
    steps, answers = [], []
    for index, (before, after) in enumerate(_pairs(options.characters, size)):
        change = ((seen(after.images) - seen(before.images)) / scale).mean(dim=0)
        # Inversion is linear in the features here, so that of the mean is the mean of all.
        steps.append((change @ inverse).view(white_codes.shape[1:]))
        true = (_readable(after.attributes) - _readable(before.attributes)).mean(dim=0)
        answers.append(change @ reader / (true / deviations)[index])
        yield MakeDirectionsStep("pairs", index + 1, len(NAMES), None)
    # What the reader answers where nothing but one attribute differs is its mistake.
    mistakes = torch.stack(answers)
    held = mistakes @ mistakes.T + _ANSWER_RIDGE * torch.eye(len(NAMES))
    reader = reader @ mistakes.T @ torch.linalg.inv(held)
    normals = ridge(white_codes.flatten(1), of_samples @ reader, strength=_NORMAL_RIDGE)
    normals = normals.T.reshape(len(NAMES), *white_codes.shape[1:])
    found = weighed_by_row(torch.stack(steps), normals)
    found = found / (found * normals).sum((1, 2)).clamp_min(0.05)[:, None, None]

    def read(ws: Tensor) -> Tensor:
        answer: Tensor = (seen(_drawn(generator, ws)) / scale) @ reader
        return answer

    seeds = range(_EFFECT_SEED, _EFFECT_SEED + options.effect_samples)
    z = sample_z(seeds, generator.config.z_dim).tensor.to(device)
    begun = generator.mapping(z)
    total = options.rounds * len(NAMES)
    for turn in range(options.rounds):
        rows = []
        for index, step in enumerate(white.back(found)):
            there = step.to(device)
            rows.append(_effect(read, begun, there))
            if (turn, index) != (options.rounds - 1, len(NAMES) - 1):
                yield MakeDirectionsStep("effects", turn * len(NAMES) + index + 1, total, None)
        found = unmixed(found, torch.stack(rows))
    directions = _named(generator, white, spread, found, normals, options)
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
    """`[K]`: what a step changes on average, from half a step before to half a step behind."""
    changes = [read(ws + step / 2) - read(ws - step / 2) for ws in torch.split(begun, _BATCH)]
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
        settings={**vars(options), "renderer": RENDERER_VERSION},
        circles=circles,
    )


def _card(generator: Generator, options: DirectionsOptions) -> dict[str, Any]:
    return {
        "kind": "directions",
        "purpose": "sliders of the bundled portraits",
        "data": f"{options.renders} renders of the portraits and pairs of "
        f"{options.characters} characters that differ in one attribute; the judge has no part",
        "made_from": {"renderer": RENDERER_VERSION, "generator": fingerprint(generator)},
        "command": "smis models --only directions",
        "options": vars(options),
        "torch": str(torch.__version__),
    }
