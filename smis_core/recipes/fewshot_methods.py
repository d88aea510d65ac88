"""The methods that are compared: ours, the paper's, and one that knows the truth, trained alike."""

from __future__ import annotations

import time
from collections.abc import Generator as Steps
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from smis_core.checkpoints.native import fingerprint, load_network, read_card, save_network
from smis_core.evaluation import Judge, MiouMeter, load_judge
from smis_core.fewshot import (
    EncoderOptions,
    FewshotNetwork,
    PictureLabeller,
    Synthesizer,
    train_encoder,
)
from smis_core.labelling import (
    Labeller,
    ProbeOptions,
    best_prototypes,
    fit_probe,
    sample_ws,
)
from smis_core.labels import PORTRAITS, UNPAINTED, LabelMap
from smis_core.latents import WPlus
from smis_core.networks.strided import AnyDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION, render

from .annotations import FOLDED, annotated_renders
from .train_fewshot import FewshotOptions, hardware, inverted, labelled

METHODS = ("default", "paper", "ceiling")
WEIGHTS = Path(__file__).resolve().parents[2] / "benchmarks" / "weights"
"""Where the compared encoders lie in a checkout."""
TUNING_SEED = 2_900_000
"""Masks on which learning rates are chosen; apart from those that are measured."""
TUNING_MASKS = 100
_CEILING_SAMPLES = 64
_BATCH = 20


@dataclass(frozen=True)
class ComparisonOptions:
    """What every method gets alike."""

    pictures: int = 20_000
    """pseudo-labelled samples that each method sees"""
    tuning_pictures: int = 5_000
    """samples of the runs that choose the learning rate"""
    learning_rates: tuple[float, float, float] = (1e-3, 2e-3, 4e-3)
    """where the choice begins; continued by factors of two while the best lies at an end"""
    common: FewshotOptions = field(default_factory=FewshotOptions)
    """inversion, labelling, and the encoder's batch, schedule and augmentation"""
    ceiling_probe: ProbeOptions = field(default_factory=ProbeOptions)
    """the labeller of the ceiling"""


@dataclass(frozen=True)
class RetrainStep:
    """One step of making a method's weights."""

    phase: str
    """which part of which method"""
    index: int
    """from 1"""
    total: int
    """steps of the phase"""
    losses: dict[str, float]
    """by name"""


class _Training(NamedTuple):
    step: RetrainStep
    network: FewshotNetwork


def render_masks(first_seed: int, count: int, *, size: int) -> Tensor:
    """Exact masks of renders, uint8 [count, size, size]."""
    parts = []
    for start in range(first_seed, first_seed + count, _BATCH):
        parts.append(
            render(range(start, min(start + _BATCH, first_seed + count)), size=size).labels
        )
    return torch.cat(parts)


def only_shown(labels: Tensor, classes: Sequence[int]) -> Tensor:
    """uint8 [N, H, W] in which classes that the annotations do not show are not painted."""
    keep = torch.zeros(256, dtype=torch.bool, device=labels.device)
    keep[list(classes)] = True
    return torch.where(keep[labels.long()], labels, labels.new_full((), UNPAINTED))


@torch.no_grad()
def judged(
    synthesizer: Synthesizer,
    judge: Judge,
    masks: Tensor,  # uint8 [N, R, R]
) -> Tensor:
    """What the judge sees in the pictures that masks become, with the encoder's own colours.

    Returns:
        uint8 [N, R, R].
    """
    found = []
    for part in torch.split(masks.cpu(), _BATCH):
        wplus = synthesizer.encode([LabelMap(each.numpy(), PORTRAITS) for each in part])
        images = synthesizer.generator.synthesis(wplus.tensor)
        found.append(judge.labels(images.clamp(-1, 1)).cpu())
    return torch.cat(found)


def score(found: Tensor, masks: Tensor, classes: Sequence[int], *, merged: bool) -> MiouMeter:
    """A meter that has compared readings with masks, over some classes."""
    meter = MiouMeter(classes, merged=merged)
    meter.update(found, only_shown(masks, classes))
    return meter


class MethodMaker:
    """Makes the weights of the methods for one number of annotated pictures.

    Args:
        shots: annotated pictures.
        choice: which of them, see `annotated_renders`.
        generator_path, discriminator_path, judge_path: the bundled networks.
        scratch: folder for what an interrupted run resumes from.
        options: what every method gets.
        device: where to work.
    """

    def __init__(
        self,
        shots: int,
        *,
        choice: int = 1,
        generator_path: Path,
        discriminator_path: Path,
        judge_path: Path,
        scratch: Path,
        options: ComparisonOptions,
        device: torch.device,
    ) -> None:
        generator = load_network(generator_path, device=device)
        critic = load_network(discriminator_path, device=device)
        assert isinstance(generator, Generator)
        assert isinstance(critic, AnyDiscriminator)
        self.generator, self.critic = generator, critic
        self.judge = load_judge(judge_path, device=device)
        self.shots, self.choice, self.scratch = shots, choice, scratch
        self.options, self.device = options, device
        size = generator.config.resolution
        self.annotated = annotated_renders(shots, size=size, choice=choice)
        self.made_from = {
            "generator": fingerprint(generator_path),
            "annotated": f"portraits renderer {RENDERER_VERSION}",
        }
        self.compared_from = self.made_from | {"judge": fingerprint(judge_path)}

    def is_fresh(self, path: Path) -> bool:
        """Whether a compared encoder is there and was made from these networks."""
        return path.exists() and bool(read_card(path)["made_from"] == self.compared_from)

    def make(
        self, method: str, out: Path, *, command: str, rate: float | None = None
    ) -> Iterator[RetrainStep]:
        """Trains, and saves in float16 with a card; without a learning rate, chooses it first."""
        started = time.monotonic()
        labeller: Labeller | None = None
        for step, prepared in self._labeller(method):
            labeller = prepared or labeller
            yield step
        assert labeller is not None
        tried: dict[float, float] = {}
        best = rate
        if best is None:
            best = yield from self._best_rate(method, labeller, tried)
        for training in self._train(method, labeller, best, self.options.pictures):
            yield training.step
        card = {
            "kind": f"few-shot encoder, method '{method}'",
            "purpose": "compared by `smis evaluate fewshot`; not for use",
            "made_from": self.compared_from,
            "shots": self.shots,
            "choice": self.choice,
            "method": method,
            "pictures": self.options.pictures,
            "learning_rate": best,
            "tuning": {f"{rate:g}": round(value, 4) for rate, value in sorted(tried.items())},
            "tuning_pictures": self.options.tuning_pictures,
            "options": asdict(self._encoder_options(method, best, self.options.pictures)),
            "command": command,
            "hardware": hardware(self.device),
            "seconds_of_last_run": round(time.monotonic() - started),
            "torch": str(torch.__version__),
        }
        save_network(out, training.network, card=card, half=True)

    def _best_rate(
        self, method: str, labeller: Labeller, tried: dict[float, float]
    ) -> Steps[RetrainStep, None, float]:
        """The best of short runs; what each scored is added to `tried`."""
        rates = sorted(self.options.learning_rates)
        while True:
            for rate in [rate for rate in rates if rate not in tried]:
                for training in self._train(method, labeller, rate, self.options.tuning_pictures):
                    yield training.step
                tried[rate] = self._tuning_score(training.network)
            best = max(rates, key=lambda rate: tried[rate])
            if best == rates[0]:
                rates.insert(0, rates[0] / 2)
            elif best == rates[-1]:
                rates.append(rates[-1] * 2)
            else:
                return best

    def _encoder_options(self, method: str, rate: float, pictures: int) -> EncoderOptions:
        options = replace(self.options.common.encoder, pictures=pictures, learning_rate=rate)
        return options.paper() if method == "paper" else options

    def _train(
        self, method: str, labeller: Labeller, rate: float, pictures: int
    ) -> Iterator[_Training]:
        options = self._encoder_options(method, rate, pictures)
        phase = f"{method}, learning rate {rate:g}, {pictures} pictures"
        state = self.scratch / f"{method}_{rate:g}_{pictures}.state"
        state.parent.mkdir(parents=True, exist_ok=True)
        for step in train_encoder(
            self.generator,
            labeller,
            PORTRAITS,
            options=options,
            folded=FOLDED,
            picture_labeller=self._picture_labeller() if method == "ceiling" else None,
            state=state,
        ):
            done = RetrainStep(phase, step.index + 1, options.steps, step.losses)
            yield _Training(done, step.network)

    def _picture_labeller(self) -> PictureLabeller:
        classes = self.annotated.classes
        return lambda images: only_shown(self.judge.labels(images.float().clamp(-1, 1)), classes)

    def _tuning_score(self, network: FewshotNetwork) -> float:
        masks = render_masks(TUNING_SEED, TUNING_MASKS, size=self.generator.config.resolution)
        found = judged(Synthesizer(self.generator, network), self.judge, masks)
        return score(found, masks, self.annotated.classes, merged=True).result().miou

    def _labeller(self, method: str) -> Iterator[tuple[RetrainStep, Labeller | None]]:
        if method == "ceiling":
            yield from self._ceiling_labeller()
            return
        if method == "paper":
            yield from self._prototypes()
            return
        for each in labelled(
            self.generator,
            self.annotated,
            critic=self.critic,
            options=self.options.common,
            folded=FOLDED,
            scratch=self.scratch,
            made_from=self.made_from,
        ):
            labeller = None if each.network is None else each.network.labeller
            yield RetrainStep(each.phase, each.index, each.total, each.losses), labeller

    def _prototypes(self) -> Iterator[tuple[RetrainStep, Labeller | None]]:
        wplus: WPlus | None = None
        for step, found in inverted(
            self.generator,
            self.annotated,
            critic=self.critic,
            options=self.options.common.projection,
            scratch=self.scratch,
            made_from=self.made_from,
        ):
            wplus = found
            yield RetrainStep(step.phase, step.index, step.total, step.losses), None
        assert wplus is not None
        prototypes = best_prototypes(
            self.generator,
            wplus.tensor,
            self.annotated.labels.to(self.device),
            num_classes=PORTRAITS.num_classes,
        )
        yield RetrainStep("prototypes", 1, 1, {}), prototypes

    def _ceiling_labeller(self) -> Iterator[tuple[RetrainStep, Labeller | None]]:
        """A probe like ours, taught by the judge on many samples: it reads back what is drawn."""
        rng = torch.Generator().manual_seed(self.options.ceiling_probe.seed)
        with torch.no_grad():
            ws = sample_ws(self.generator, _CEILING_SAMPLES, rng=rng)
            name = self._picture_labeller()
            labels = torch.cat(
                [name(self.generator.synthesis(part)) for part in torch.split(ws, _BATCH)]
            )
        total = self.options.ceiling_probe.steps
        for step in fit_probe(
            self.generator,
            ws,
            labels,
            num_classes=PORTRAITS.num_classes,
            options=self.options.ceiling_probe,
        ):
            last = step.index + 1 == total
            losses = {"entropy": step.total, "accuracy": step.accuracy}
            yield (
                RetrainStep("name for the ceiling", step.index + 1, total, losses),
                step.labeller if last else None,
            )
