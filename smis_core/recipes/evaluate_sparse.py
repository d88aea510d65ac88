"""Sparse sketches: do eyes and mouth come to lie where landmarks and the cross put them?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from smis_core.checkpoints.native import fingerprint, load_network, read_card, save_network
from smis_core.checkpoints.zoo import bundled_path
from smis_core.devices import resolve_device
from smis_core.evaluation import Interval, Judge, bootstrap, load_judge
from smis_core.fewshot import EncoderOptions, FewshotNetwork, Synthesizer, train_encoder
from smis_core.images import check_writable
from smis_core.labelling import Labeller, fit_labeller
from smis_core.labels import LabelMap, Palette
from smis_core.latents import WPlus
from smis_core.networks.generator_base import GeneratorBase
from smis_core.networks.strided import AnyDiscriminator
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION

from .annotations import annotated_renders
from .evaluate_generator import FRESH_SEED
from .fewshot_methods import WEIGHTS, render_masks
from .sparse_sketches import (
    CROSS,
    LANDMARKS,
    PARTS,
    centres,
    cross_errors,
    cross_sketch,
    landmark_errors,
    landmark_sketch,
)
from .train_fewshot import FewshotOptions, hardware, inverted

METHODS = ("default", "paper")
_LOST = 0.25
"""What a part that the judge does not find counts as, in sides of the picture."""
_BATCH = 20


class SketchKind(NamedTuple):
    """A kind of sparse sketch."""

    palette: Palette
    draw: Callable[[Tensor, int], Tensor]
    errors: Callable[[Tensor, Tensor], Tensor]


KINDS = {
    "landmarks": SketchKind(LANDMARKS, landmark_sketch, landmark_errors),
    "cross": SketchKind(CROSS, cross_sketch, cross_errors),
}


@dataclass(frozen=True)
class SparseStep:
    """One step of retraining or measuring."""

    phase: str
    index: int
    """from 1"""
    total: int
    losses: dict[str, float]
    report: SparseReport | None
    """on the last step"""


@dataclass(frozen=True)
class SparseReport:
    """Distances in sides of the picture, by kind of sketch and method."""

    distances: dict[str, dict[str, Interval]]
    """means over masks and parts"""
    by_part: dict[str, dict[str, dict[str, float]]]
    """kind, method, part"""
    about: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Ours is at most half as far off as the paper's."""
        return all(
            each["default"].value <= each["paper"].value / 2 for each in self.distances.values()
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found: dict[str, Any] = {}
        for kind, methods in self.distances.items():
            found[kind] = {
                name: {
                    "distance": round(each.value, 5),
                    "low": round(each.low, 5),
                    "high": round(each.high, 5),
                    "by_part": {p: round(v, 5) for p, v in self.by_part[kind][name].items()},
                }
                for name, each in methods.items()
            }
        return {**found, "passed": self.passed, "about": self.about}

    def table(self) -> str:
        """For a terminal."""
        lines = [f"{'distance, % of the side':<26}{'mean':>7}{'95% interval':>16}  "
                 + "".join(f"{part:>11}" for part in PARTS)]  # fmt: skip
        for kind, methods in self.distances.items():
            for name, each in methods.items():
                between = f"{100 * each.low:.2f} to {100 * each.high:.2f}"
                parts = self.by_part[kind][name].values()
                lines.append(
                    f"{kind + ', ' + name:<26}{100 * each.value:>7.2f}{between:>16}  "
                    + "".join(f"{100 * value:>11.2f}" for value in parts)
                )
        return "\n".join(lines)


def sparse_path(weights: str | Path, kind: str, method: str) -> Path:
    """The file of a compared encoder."""
    return Path(weights) / f"sparse_{kind}_{method}.safetensors"


def evaluate_sparse(
    *,
    masks: int = 200,
    retrain: bool = False,
    weights: str | Path = WEIGHTS,
    scratch: str | Path = "runs/evaluate_fewshot/shots_1",
    options: FewshotOptions | None = None,
    generator_path: Path | None = None,
    discriminator_path: Path | None = None,
    judge_path: Path | None = None,
    device: str | torch.device = "auto",
) -> Iterator[SparseStep]:
    """Sketches of fresh renders' landmarks and crosses, drawn by our method and by the paper's.

    Both learn from the same annotated render, inverted once, with the same encoder, batch,
    schedule, augmentation, learning rate and 20,000 pictures. The paper's labels (its 'sparse
    pseudo labels') are read from the block at a quarter of the generator's resolution, which finds
    landmarks best here.

    Args:
        masks: fresh renders, from which sketches are made; those that hide an eye are left out.
        retrain: make the compared encoders first, resuming what was interrupted.
        weights: the folder where they lie.
        scratch: the folder of an interrupted retraining, and of the inverted render.
        options: of the inversion and the encoder.
        generator_path, discriminator_path, judge_path: other networks than the bundled ones.
        device: where to work.

    Yields:
        Steps; the last one holds the report.

    Raises:
        ValueError: too few masks, or weights of another generator.
        FileNotFoundError: weights are missing; `--retrain` makes them.
    """
    if masks < 2:
        raise ValueError(f"masks: wanted at least 2, got {masks}")
    paths = {(kind, name): sparse_path(weights, kind, name) for kind in KINDS for name in METHODS}
    generator_path = generator_path or bundled_path("portraits/generator")
    judge_path = judge_path or bundled_path("portraits/judge")
    for path in paths.values():
        if retrain:
            check_writable(path)
        elif not path.exists():
            raise FileNotFoundError(
                f"{path}: the compared encoder is missing; run `smis evaluate sparse --retrain` in"
                " a checkout"
            )
        elif read_card(path)["made_from"]["generator"] != fingerprint(generator_path):
            raise ValueError(
                f"{path}: wanted an encoder made from {generator_path}, got one of another"
                " generator; make it again with --retrain"
            )
    default = FewshotOptions()
    options = options or replace(default, encoder=replace(default.encoder, pictures=20_000))
    if retrain and discriminator_path is None:
        discriminator_path = bundled_path("portraits/discriminator")
    target = resolve_device(device)
    return _evaluate(
        masks, retrain, paths, Path(scratch), options, generator_path, discriminator_path,
        judge_path, target,
    )  # fmt: skip


def _evaluate(
    masks: int,
    retrain: bool,
    paths: dict[tuple[str, str], Path],
    scratch: Path,
    options: FewshotOptions,
    generator_path: Path,
    discriminator_path: Path | None,
    judge_path: Path,
    device: torch.device,
) -> Iterator[SparseStep]:
    generator = load_network(generator_path, device=device)
    assert isinstance(generator, Generator)
    if retrain:
        assert discriminator_path is not None
        critic = load_network(discriminator_path, device=device)
        assert isinstance(critic, AnyDiscriminator)
        yield from _train(generator, critic, paths, scratch, options)
    judge = load_judge(judge_path, device=device)
    wanted, shown = centres(render_masks(FRESH_SEED, masks, size=generator.config.resolution))
    wanted = wanted[shown.all(dim=1)]
    distances: dict[str, dict[str, Interval]] = {}
    by_part: dict[str, dict[str, dict[str, float]]] = {}
    for number, ((kind, method), path) in enumerate(paths.items(), start=1):
        network = load_network(path, device=device)
        assert isinstance(network, FewshotNetwork)
        errors = sketch_errors(Synthesizer(generator, network), judge, wanted, kind)
        means = errors.mean(dim=1).numpy()
        distances.setdefault(kind, {})[method] = _interval(means)
        by_part.setdefault(kind, {})[method] = dict(
            zip(PARTS, errors.mean(dim=0).tolist(), strict=True)
        )
        report = None
        if number == len(paths):
            about = {
                "masks": len(wanted),
                "first_seed": FRESH_SEED,
                "renderer": RENDERER_VERSION,
                "generator": fingerprint(generator_path),
                "judge": fingerprint(judge_path),
                "weights": {f"{k} {m}": fingerprint(path) for (k, m), path in paths.items()},
            }
            report = SparseReport(distances, by_part, about)
        yield SparseStep("judge", number, len(paths), {}, report)


def _interval(means: np.ndarray[Any, np.dtype[Any]]) -> Interval:
    return bootstrap(lambda chosen: float(means[chosen].mean()), len(means))


@torch.no_grad()
def sketch_errors(
    synthesizer: Synthesizer,
    judge: Judge,
    wanted: Tensor,  # [N, 3, 2]
    kind: str,
) -> Tensor:
    """How far the judge sees each part from where a sketch puts it: [N, 3], in sides."""
    sketched, side = KINDS[kind], synthesizer.resolution
    found = []
    for part in torch.split(wanted, _BATCH):
        sketches = [LabelMap(sketched.draw(each, side).numpy(), sketched.palette) for each in part]
        images = synthesizer.generator.synthesis(synthesizer.encode(sketches).tensor)
        places, shown = centres(judge.labels(images.clamp(-1, 1)).cpu())
        errors = sketched.errors(part, places)
        found.append(torch.where(shown, errors.clamp_max(_LOST), torch.full_like(errors, _LOST)))
    return torch.cat(found)


def sparse_labeller(
    generator: GeneratorBase,
    wplus: Tensor,  # [K, L, w]
    sketches: Tensor,  # uint8 [K, R, R]
    palette: Palette,
    method: str,
) -> Labeller:
    """What names samples: ours, or the paper's at its most favourable block."""
    name = "marks" if method == "default" else "sparse-topk"
    *_, last = fit_labeller(name, generator, wplus, sketches, num_classes=palette.num_classes)
    return last.labeller


def _train(
    generator: Generator,
    critic: AnyDiscriminator,
    paths: dict[tuple[str, str], Path],
    scratch: Path,
    options: FewshotOptions,
) -> Iterator[SparseStep]:
    device = generator.mapping.w_avg.device
    annotated = annotated_renders(1, size=generator.config.resolution)
    made_from = {
        "generator": fingerprint(generator),
        "annotated": f"portraits renderer {RENDERER_VERSION}",
    }
    wplus: WPlus | None = None
    for step, found in inverted(
        generator,
        annotated,
        critic=critic,
        options=options.projection,
        scratch=scratch,
        made_from=made_from,
    ):
        wplus = found
        yield SparseStep("invert", step.index, step.total, step.losses, None)
    assert wplus is not None
    places, _ = centres(annotated.labels)
    for (kind, method), path in paths.items():
        started = time.monotonic()
        sketched = KINDS[kind]
        sketches = torch.stack([sketched.draw(each, annotated.labels.shape[-1]) for each in places])
        labeller = sparse_labeller(
            generator, wplus.tensor, sketches.to(device), sketched.palette, method
        )
        chosen: EncoderOptions = options.encoder.paper() if method == "paper" else options.encoder
        scratch.mkdir(parents=True, exist_ok=True)
        state = _state(scratch, kind, method)
        for each in train_encoder(
            generator, labeller, sketched.palette, options=chosen, state=state
        ):
            yield SparseStep(f"{kind}, {method}", each.index + 1, chosen.steps, each.losses, None)
        card = {
            "kind": f"few-shot encoder of sparse sketches ({kind}), method '{method}'",
            "purpose": "compared by `smis evaluate sparse`; not for use",
            "made_from": made_from,
            "shots": 1,
            "options": asdict(chosen),
            "command": "smis evaluate sparse --retrain",
            "hardware": hardware(device),
            "seconds_of_last_run": round(time.monotonic() - started),
            "torch": str(torch.__version__),
        }
        save_network(path, each.network, card=card, half=True)
    # Not before all are done: who was interrupted goes on after the encoders that are.
    for kind, method in paths:
        _state(scratch, kind, method).unlink(missing_ok=True)


def _state(scratch: Path, kind: str, method: str) -> Path:
    return scratch / f"sparse_{kind}_{method}.state"
