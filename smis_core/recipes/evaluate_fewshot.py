"""How well portraits follow their masks: ours, the paper's method, the ceiling and the floor."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smis_core.checkpoints.native import fingerprint, load_network, read_card
from smis_core.checkpoints.zoo import bundled_path
from smis_core.devices import resolve_device
from smis_core.evaluation import Judge, load_judge
from smis_core.fewshot import FewshotNetwork, Synthesizer
from smis_core.fewshot.bundled import SHIPPED_SHOTS
from smis_core.images import check_writable
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import RENDERER_VERSION

from .annotations import annotated_renders
from .evaluate_generator import FRESH_SEED
from .evaluate_sparse import KINDS, evaluate_sparse, sparse_path
from .evaluate_sparse import METHODS as SPARSE_METHODS
from .fewshot_figures import ExtraFigures, Progress, diversity, early, realism, refined
from .fewshot_methods import (
    METHODS,
    ComparisonOptions,
    MethodMaker,
    judged,
    render_masks,
)
from .fewshot_methods import (
    WEIGHTS as WEIGHTS,
)
from .fewshot_report import FewshotReport, report_of


@dataclass(frozen=True)
class FewshotEvaluationStep:
    """One step of retraining, or one method measured."""

    phase: str
    index: int
    """from 1"""
    total: int
    losses: dict[str, float]
    """while retraining"""
    report: FewshotReport | None
    """on the last step"""


def method_path(weights: str | Path, shots: int, method: str) -> Path:
    """The file of a compared encoder; the ceiling, which learns from no annotation, has one for
    all numbers of shots."""
    stem = method if method == "ceiling" else f"{shots}_{method}"
    return Path(weights) / f"fewshot_{stem}.safetensors"


def evaluate_fewshot(
    shots: int,
    *,
    choice: int = 1,
    masks: int = 200,
    retrain: bool = False,
    weights: str | Path = WEIGHTS,
    scratch: str | Path = "runs/evaluate_fewshot",
    options: ComparisonOptions | None = None,
    generator_path: Path | None = None,
    discriminator_path: Path | None = None,
    judge_path: Path | None = None,
    shipped_path: Path | None = None,
    extra: ExtraFigures | None = None,
    device: str | torch.device = "auto",
) -> Iterator[FewshotEvaluationStep]:
    """Measures every method on the masks of fresh renders.

    The judge reads the pictures that masks become; its labels are compared with the masks, over
    the classes that the annotations show. Others are given as 255 and ignored. All methods have the
    same encoder, batch, schedule, augmentation and number of samples, and each its best learning
    rate (chosen on other masks).

    Args:
        shots: annotated pictures: 1 or 5.
        choice: which of them, see `annotated_renders`. The encoders of others than the first lie
            in `scratch`, and take its learning rates.
        masks: how many fresh renders.
        retrain: make the compared encoders again, resuming what was interrupted; the ceiling only
            where it is missing or stale.
        weights: the folder where they lie.
        scratch: the folder that an interrupted retraining resumes from.
        options: of the retraining.
        generator_path, discriminator_path, judge_path, shipped_path: other networks than the
            bundled ones. An encoder that ships is measured beside the others.
        extra: how much is measured of refinement, diversity and realism.
        device: where to work.

    Yields:
        Steps; the last one holds the report.

    Raises:
        ValueError: other shots than 1 or 5, too few masks, or weights of another generator.
        FileNotFoundError: weights are missing; `--retrain` makes them.
    """
    if shots not in SHIPPED_SHOTS:
        raise ValueError(f"shots: wanted one of {SHIPPED_SHOTS}, got {shots}")
    if masks < 2:
        raise ValueError(f"masks: wanted at least 2, got {masks}")
    if choice < 1:
        raise ValueError(f"choice: wanted 1 or more, got {choice}")
    weights = Path(weights)
    other = f"_choice_{choice}" if choice > 1 else ""
    scratch = Path(scratch) / f"shots_{shots}{other}"
    generator_path = generator_path or bundled_path("portraits/generator")
    judge_path = judge_path or bundled_path("portraits/judge")
    paths = {method: method_path(weights, shots, method) for method in METHODS}
    rates: dict[str, float] = {}
    if choice > 1:
        firsts = {method: path for method, path in paths.items() if method != "ceiling"}
        rates = {method: read_card(path)["learning_rate"] for method, path in firsts.items()}
        paths |= {method: scratch / path.name for method, path in firsts.items()}
        scratch.mkdir(parents=True, exist_ok=True)
    if retrain:
        discriminator_path = discriminator_path or bundled_path("portraits/discriminator")
        for path in paths.values():
            check_writable(path)
    else:
        made_from = fingerprint(generator_path)
        for path in paths.values():
            if not path.exists():
                raise FileNotFoundError(
                    f"{path}: the compared encoder is missing; run `smis evaluate fewshot --shots"
                    f" {shots} --choice {choice} --retrain` in a checkout"
                )
            if read_card(path)["made_from"]["generator"] != made_from:
                raise ValueError(
                    f"{path}: wanted an encoder made from {generator_path}, got one of another"
                    " generator; make it again with --retrain"
                )
    return _evaluate(
        shots, choice, masks, retrain, paths, rates, scratch, options or ComparisonOptions(),
        generator_path, discriminator_path, judge_path, shipped_path, extra or ExtraFigures(),
        resolve_device(device),
    )  # fmt: skip


def _evaluate(
    shots: int,
    choice: int,
    masks: int,
    retrain: bool,
    paths: dict[str, Path],
    rates: dict[str, float],
    scratch: Path,
    options: ComparisonOptions,
    generator_path: Path,
    discriminator_path: Path | None,
    judge_path: Path,
    shipped_path: Path | None,
    extra: ExtraFigures,
    device: torch.device,
) -> Iterator[FewshotEvaluationStep]:
    if retrain:
        assert discriminator_path is not None
        maker = MethodMaker(
            shots,
            choice=choice,
            generator_path=generator_path,
            discriminator_path=discriminator_path,
            judge_path=judge_path,
            scratch=scratch,
            options=options,
            device=device,
        )
        command = f"smis evaluate fewshot --shots {shots} --choice {choice} --retrain"
        for method, path in paths.items():
            if method == "ceiling" and maker.is_fresh(path):
                continue
            for step in maker.make(method, path, command=command, rate=rates.get(method)):
                yield FewshotEvaluationStep(step.phase, step.index, step.total, step.losses, None)
    generator = load_network(generator_path, device=device)
    assert isinstance(generator, Generator)
    judge = load_judge(judge_path, device=device)
    size = generator.config.resolution
    wanted = render_masks(FRESH_SEED, masks, size=size)
    classes = annotated_renders(shots, size=size, choice=choice).classes
    compared = dict(paths)
    shipped = _shipped(shots, generator_path, shipped_path) if choice == 1 else None
    if shipped is not None:
        compared["shipped"] = shipped
    found: dict[str, Tensor] = {}
    learned: dict[str, Any] = {}
    for index, (method, path) in enumerate(compared.items()):
        network = load_network(path, device=device)
        assert isinstance(network, FewshotNetwork)
        found[method] = judged(Synthesizer(generator, network), judge, wanted)
        learned[method] = read_card(path).get("learning_rate")
        yield FewshotEvaluationStep("judge", index + 1, len(compared), {}, None)
    found["floor"] = found["default"].roll(1, dims=0)
    about = {
        "choice": choice,
        "first_seed": FRESH_SEED,
        "renderer": RENDERER_VERSION,
        "generator": fingerprint(generator_path),
        "judge": fingerprint(judge_path),
        "weights": {method: fingerprint(path) for method, path in compared.items()},
        "learning_rates": {name: rate for name, rate in learned.items() if rate},
    }
    report = report_of(shots, found, wanted, classes, about)
    more: dict[str, dict[str, Any]] = {}
    if choice == 1:  # others have had no short runs
        more["early"] = early(paths["default"], paths["paper"], generator, judge, classes)
        yield FewshotEvaluationStep("tuning masks", 1, 1, {}, None)
    ours = load_network(paths["default"], device=device)
    assert isinstance(ours, FewshotNetwork)
    more |= yield from _extra(Synthesizer(generator, ours), judge, wanted, classes, extra)
    if shots == choice == 1:
        more |= yield from _sparse(paths["default"].parent, masks, generator_path, judge_path)
    report = replace(report, extra=report.extra | more)
    yield FewshotEvaluationStep("figures", 1, 1, {}, report)


def _extra(
    synthesizer: Synthesizer,
    judge: Judge,
    masks: Tensor,
    classes: tuple[int, ...],
    extra: ExtraFigures,
) -> Steps[FewshotEvaluationStep, None, dict[str, dict[str, Any]]]:
    measured: dict[str, Progress] = {}
    if extra.refined_masks:
        few = masks[: extra.refined_masks]
        measured["refined"] = refined(
            synthesizer, judge, few, classes, seconds=extra.refined_seconds
        )
    if extra.styled_masks:
        few = masks[: extra.styled_masks]
        measured["diversity"] = diversity(synthesizer, judge, few, classes, styles=extra.styles)
    if extra.realism_pictures:
        measured["realism"] = realism(synthesizer, judge, classes, pictures=extra.realism_pictures)
    found = {}
    for name, progress in measured.items():
        found[name] = yield from _stepped(progress)
    return found


def _stepped(progress: Progress) -> Steps[FewshotEvaluationStep, None, dict[str, Any]]:
    while True:
        try:
            phase, index, total = next(progress)
        except StopIteration as ended:
            values: dict[str, Any] = ended.value
            return values
        yield FewshotEvaluationStep(phase, index, total, {}, None)


def _sparse(
    weights: Path, masks: int, generator_path: Path, judge_path: Path
) -> Steps[FewshotEvaluationStep, None, dict[str, dict[str, Any]]]:
    """Of the sparse encoders, where they lie beside the others."""
    if not all(sparse_path(weights, k, m).exists() for k in KINDS for m in SPARSE_METHODS):
        return {}
    for step in evaluate_sparse(
        masks=masks, weights=weights, generator_path=generator_path, judge_path=judge_path
    ):
        yield FewshotEvaluationStep(f"sparse {step.phase}", step.index, step.total, {}, None)
    assert step.report is not None
    return {"sparse": step.report.to_dict()}


def _shipped(shots: int, generator_path: Path, path: Path | None) -> Path | None:
    """The encoder that ships, where it belongs to the generator that is measured."""
    try:
        path = path or bundled_path(f"portraits/encoder_{shots}")
    except FileNotFoundError:
        return None
    if not path.exists():
        return None
    same = read_card(path).get("made_from", {}).get("generator") == fingerprint(generator_path)
    return path if same else None
