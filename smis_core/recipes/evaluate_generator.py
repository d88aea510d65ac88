"""How close a generator's samples come to the renders it learnt from, as the judge sees both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from smis_core.checkpoints import fingerprint, load_generator
from smis_core.devices import resolve_device
from smis_core.evaluation import (
    Figure,
    Judge,
    Readings,
    Report,
    blurred_by_one_pixel,
    decibel,
    frechet_distance,
    joined,
    ks_distance,
    precision_recall,
    read_pictures,
)
from smis_core.latents import sample_z
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, render

FRESH_SEED = 3_000_000
"""The first seed of renders that no network was trained on."""
_SAMPLE_SEED = 5_000_000
_KS_ATTRIBUTES = ("yaw", "mood", "hair_length")
_RATIO_ATTRIBUTES = ("glasses", "hat")


@dataclass(frozen=True)
class GeneratorEvaluationStep:
    """One batch of pictures read."""

    phase: str
    """'renders', 'other renders', 'blurred renders' or 'samples'"""
    index: int
    total: int
    report: Report | None
    """the figures, on the last step"""


def load_stylegan2(
    path: str | Path | None = None, *, device: str | torch.device = "auto"
) -> Generator:
    """A generator like those that `smis train` makes, as a rule the bundled one of the portraits.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds something else.
    """
    network = load_generator(path, device=device)
    if not isinstance(network, Generator):
        raise ValueError(f"{path}: wanted a StyleGAN2, got a {type(network).__name__}")
    return network


def generator_samples(
    generator: Generator,
    samples: int,
    *,
    first_seed: int = _SAMPLE_SEED,
    batch: int = 50,
    device: str | torch.device = "auto",
) -> Iterator[Tensor]:
    """A generator's pictures at psi 1 with its constant noise, from consecutive seeds, batch by
    batch.

    Yields:
        float32 [n, 3, R, R], clamped to [-1, 1].
    """
    target = resolve_device(device)
    generator = generator.to(target).eval()
    for start in range(0, samples, batch):
        seeds = range(first_seed + start, first_seed + min(start + batch, samples))
        z = sample_z(seeds, generator.config.z_dim).tensor.to(target)
        with torch.inference_mode():
            yield generator(z).clamp(-1, 1)


def evaluate_generator(
    generator: Generator,
    judge: Judge,
    *,
    samples: int = 5000,
    batch: int = 50,
    device: str | torch.device = "auto",
) -> Iterator[GeneratorEvaluationStep]:
    """Compare samples at psi 1 with as many fresh renders, in the judge's features and readings.

    Two sets of renders give the floor, the second one blurred by one pixel gives the scale. Both
    sides of every comparison are read by the judge, so that its mistakes are on both sides; only
    the true frequency of glasses and hats is the renderer's.

    Args:
        generator: unconditional, of pictures.
        judge: reads all pictures.
        samples: pictures on each side.
        batch: pictures at a time.
        device: where to work.

    Yields:
        A step a batch; the last one holds the report.

    Raises:
        ValueError: fewer than 50 samples, or a generator with classes.
    """
    if samples < 50 or batch < 1:
        raise ValueError(
            f"samples: wanted at least 50 in batches of at least 1, got {samples} in {batch}"
        )
    if generator.config.c_dim:
        raise ValueError(
            f"generator: wanted one without classes, got {generator.config.c_dim} classes"
        )
    target = resolve_device(device)
    judge = judge.to(target).eval()
    size = generator.config.resolution
    truths: dict[str, list[Tensor]] = {name: [] for name in _RATIO_ATTRIBUTES}

    def renders(first: int) -> Iterator[Tensor]:
        for start in range(0, samples, batch):
            seeds = range(first + start, first + min(start + batch, samples))
            drawn = render(seeds, size=size, device=target)
            for name, values in truths.items():
                values.append(drawn.attributes[name])
            yield drawn.images

    other = FRESH_SEED + samples
    sources = {
        "renders": renders(FRESH_SEED),
        "other renders": renders(other),
        "blurred renders": (blurred_by_one_pixel(images) for images in renders(other)),
        "samples": generator_samples(generator, samples, batch=batch, device=target),
    }
    total = -(-samples // batch)
    read: dict[str, Readings] = {}
    for phase, pictures in sources.items():
        parts = []
        for index, part in enumerate(read_pictures(judge, pictures)):
            parts.append(part)
            if (phase, index + 1) != ("samples", total):
                yield GeneratorEvaluationStep(phase, index + 1, total, None)
        read[phase] = joined(parts)
    frequencies = {name: float(torch.cat(values).mean()) for name, values in truths.items()}
    about = {
        "samples": samples,
        "psi": 1.0,
        "resolution": size,
        "renderer": RENDERER_VERSION,
        "generator": fingerprint(generator),
        "judge": fingerprint(judge),
    }
    report = Report("Generator against fresh renders", tuple(_figures(read, frequencies)), about)
    yield GeneratorEvaluationStep("samples", total, total, report)


def _figures(read: dict[str, Readings], frequencies: dict[str, float]) -> Iterator[Figure]:
    real, other, blurred, fake = read.values()
    yield Figure(
        "Fréchet distance",
        frechet_distance(real.features, fake.features),
        beside={
            "renders": frechet_distance(real.features, other.features),
            "blurred renders": frechet_distance(real.features, blurred.features),
        },
    )
    sample, floor = (precision_recall(real.features, side.features) for side in (fake, other))
    for position, (name, least) in enumerate((("precision", 0.75), ("recall", 0.6))):
        value, best = sample[position], floor[position]
        yield Figure(name, value, at_least=least * best, beside={"renders": best})
    for name in _KS_ATTRIBUTES:
        values = real.attributes[name]
        distance = ks_distance(values, fake.attributes[name])
        same = ks_distance(values, other.attributes[name])
        yield Figure(f"{name} KS distance", distance, at_most=0.15, beside={"renders": same})
    for name in _RATIO_ATTRIBUTES:
        rate, true = float((fake.attributes[name] > 0.5).double().mean()), frequencies[name]
        yield Figure(
            f"{name} frequency ratio",
            rate / true if true else float("nan"),
            at_least=0.5,
            at_most=1.5,
            beside={"samples": rate, "true": true},
        )
    for name, found in fake.found.items():
        rate, true = float(found.double().mean()), float(real.found[name].double().mean())
        yield Figure(
            f"{name} found, points from renders",
            100 * (rate - true),
            at_least=-3,
            at_most=3,
            beside={"samples": rate, "renders": true},
        )
    energy, reference = decibel(float(fake.octave.mean())), decibel(float(real.octave.mean()))
    yield Figure(
        "highest octave, dB from renders",
        energy - reference,
        at_least=-2,
        at_most=2,
        beside={
            "samples": energy,
            "renders": reference,
            "blurred renders": decibel(float(blurred.octave.mean())),
        },
    )
