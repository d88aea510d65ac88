"""How well portraits follow their masks: ours, the paper's method, the ceiling and the floor."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smis_core.checkpoints.native import fingerprint, load_network, read_card
from smis_core.checkpoints.zoo import bundled_path
from smis_core.devices import resolve_device
from smis_core.evaluation import Interval, Judge, MiouMeter, bootstrap, load_judge, miou_of
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
    score,
)
from .fewshot_methods import (
    WEIGHTS as WEIGHTS,
)

ORDER = ("default", "paper", "floor", "ceiling", "shipped")
SMALL_GAP = 0.06
"""Where the ceiling is less than this above the paper's method, the share of the gap says
nothing."""


@dataclass(frozen=True)
class FewshotReport:
    """The figures of one number of annotated pictures."""

    shots: int
    masks: int
    miou: dict[str, float]
    """by method, over merged parts: "default", "paper", "floor", "ceiling", and "shipped" """
    intervals: dict[str, tuple[float, float]]
    """95% bootstrap interval of each"""
    unmerged: dict[str, float]
    """by method, over single classes"""
    by_class: dict[str, dict[str, float]]
    """part or class, then method"""
    gap_closed: Interval
    """(default - paper) / (ceiling - paper)"""
    about: dict[str, Any]
    """seeds, versions, fingerprints, learning rates"""
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)
    """"early", "refined", "diversity" and "realism", see `fewshot_figures`, and "sparse" """

    @property
    def passed(self) -> bool:
        """Ceiling, ours and the gap as the project asks for them."""
        gap = self.miou["ceiling"] - self.miou["paper"]
        near = self.miou["ceiling"] - self.miou["default"] <= 0.02
        closes = near if gap < SMALL_GAP else self.gap_closed.value >= 0.5
        return self.miou["ceiling"] >= 0.62 and self.miou["default"] >= 0.58 and closes

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""

        def rounded(values: dict[str, float]) -> dict[str, float | None]:
            return {n: round(v, 4) if v == v else None for n, v in values.items()}

        gap = self.gap_closed
        refined = {"refined": self.extra["refined"]["after"]} if "refined" in self.extra else {}
        return {
            "shots": self.shots,
            "masks": self.masks,
            "miou": rounded(self.miou) | refined,
            "miou_interval": {n: [round(v, 4) for v in pair] for n, pair in self.intervals.items()},
            "miou_unmerged": rounded(self.unmerged),
            "by_class": {name: rounded(values) for name, values in self.by_class.items()},
            "gap_closed": rounded({"value": gap.value, "low": gap.low, "high": gap.high}),
            **self.extra,
            "passed": self.passed,
            "about": self.about,
        }

    def table(self) -> str:
        """For a terminal."""
        lines = [
            f"Masks of {self.masks} fresh renders, {self.shots} annotated",
            f"{'':<12} {'merged':>7} {'95% interval':>16} {'unmerged':>9}",
        ]
        for name, value in self.miou.items():
            low, high = self.intervals[name]
            lines.append(
                f"{name:<12} {value:>7.3f} {f'{low:.3f} to {high:.3f}':>16}"
                f" {self.unmerged[name]:>9.3f}"
            )
        gap = self.gap_closed
        lines.append(
            f"ours closes {gap.value:.2f} ({gap.low:.2f} to {gap.high:.2f}) of the gap between the"
            " paper's method and the ceiling"
        )
        names = list(self.miou)
        lines.append(f"{'':<16}" + "".join(f"{name:>10}" for name in names))
        for part, values in self.by_class.items():
            lines.append(f"{part:<16}" + "".join(f"{values[name]:>10.3f}" for name in names))
        for name, found in self.extra.items():
            told = {key: value for key, value in found.items() if key not in ("about", "passed")}
            lines.append(f"{name}: " + ", ".join(f"{key} {told[key]}" for key in told))
        return "\n".join(lines)


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
    weights, scratch = Path(weights), Path(scratch) / f"shots_{shots}"
    generator_path = generator_path or bundled_path("portraits/generator")
    judge_path = judge_path or bundled_path("portraits/judge")
    paths = {method: method_path(weights, shots, method) for method in METHODS}
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
                    f" {shots} --retrain` in a checkout"
                )
            if read_card(path)["made_from"]["generator"] != made_from:
                raise ValueError(
                    f"{path}: wanted an encoder made from {generator_path}, got one of another"
                    " generator; make it again with --retrain"
                )
    return _evaluate(
        shots, masks, retrain, paths, scratch, options or ComparisonOptions(), generator_path,
        discriminator_path, judge_path, shipped_path, extra or ExtraFigures(),
        resolve_device(device),
    )  # fmt: skip


def _evaluate(
    shots: int,
    masks: int,
    retrain: bool,
    paths: dict[str, Path],
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
            generator_path=generator_path,
            discriminator_path=discriminator_path,
            judge_path=judge_path,
            scratch=scratch,
            options=options,
            device=device,
        )
        command = f"smis evaluate fewshot --shots {shots} --retrain"
        for method, path in paths.items():
            if method == "ceiling" and maker.is_fresh(path):
                continue
            for step in maker.make(method, path, command=command):
                yield FewshotEvaluationStep(step.phase, step.index, step.total, step.losses, None)
    generator = load_network(generator_path, device=device)
    assert isinstance(generator, Generator)
    judge = load_judge(judge_path, device=device)
    size = generator.config.resolution
    wanted = render_masks(FRESH_SEED, masks, size=size)
    classes = annotated_renders(shots, size=size).classes
    compared = dict(paths)
    shipped = _shipped(shots, generator_path, shipped_path)
    if shipped is not None:
        compared["shipped"] = shipped
    found: dict[str, Tensor] = {}
    rates: dict[str, Any] = {}
    for index, (method, path) in enumerate(compared.items()):
        network = load_network(path, device=device)
        assert isinstance(network, FewshotNetwork)
        found[method] = judged(Synthesizer(generator, network), judge, wanted)
        rates[method] = read_card(path).get("learning_rate")
        yield FewshotEvaluationStep("judge", index + 1, len(compared), {}, None)
    found["floor"] = found["default"].roll(1, dims=0)
    about = {
        "first_seed": FRESH_SEED,
        "renderer": RENDERER_VERSION,
        "generator": fingerprint(generator_path),
        "judge": fingerprint(judge_path),
        "weights": {method: fingerprint(path) for method, path in compared.items()},
        "learning_rates": {name: rate for name, rate in rates.items() if rate},
    }
    report = _report(shots, found, wanted, classes, about)
    soon = early(paths["default"], paths["paper"], generator, judge, classes)
    yield FewshotEvaluationStep("tuning masks", 1, 1, {}, None)
    ours = load_network(paths["default"], device=device)
    assert isinstance(ours, FewshotNetwork)
    more = yield from _extra(Synthesizer(generator, ours), judge, wanted, classes, extra)
    if shots == 1:
        more |= yield from _sparse(paths["default"].parent, masks, generator_path, judge_path)
    report = replace(report, extra=report.extra | {"early": soon} | more)
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


def _report(
    shots: int,
    found: dict[str, Tensor],
    wanted: Tensor,
    classes: tuple[int, ...],
    about: dict[str, Any],
) -> FewshotReport:
    order = [name for name in ORDER if name in found]
    merged: dict[str, MiouMeter] = {}
    single: dict[str, MiouMeter] = {}
    for name in order:
        merged[name] = score(found[name], wanted, classes, merged=True)
        single[name] = score(found[name], wanted, classes, merged=False)
    intervals = {name: merged[name].interval() for name in order}
    by_class: dict[str, dict[str, float]] = {}
    for meters in (merged, single):
        for name in order:
            for part, value in meters[name].result().by_class.items():
                by_class.setdefault(part, {})[name] = value

    def closed(name: str, low: str) -> Interval:
        def share(chosen: Any) -> float:
            start = miou_of(merged[low], chosen)
            gap = miou_of(merged["ceiling"], chosen) - start
            return (miou_of(merged[name], chosen) - start) / gap if gap else float("nan")

        return bootstrap(share, len(wanted))

    ways = {name: closed(name, "floor") for name in order if name not in ("floor", "ceiling")}
    shares = {
        name: [round(v, 4) for v in (each.value, each.low, each.high)]
        for name, each in ways.items()
    }
    return FewshotReport(
        shots=shots,
        masks=len(wanted),
        miou={name: intervals[name].value for name in order},
        intervals={name: (intervals[name].low, intervals[name].high) for name in order},
        unmerged={name: single[name].result().miou for name in order},
        by_class=by_class,
        gap_closed=closed("default", "paper"),
        about=about,
        extra={"floor_to_ceiling": shares},
    )
