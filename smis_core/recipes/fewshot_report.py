"""The figures of few-shot synthesis: every method's mIoU, and the shares of the ways between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from smis_core.evaluation import Interval, MiouMeter, bootstrap, miou_of

from .fewshot_methods import score

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
        closes = near if gap < SMALL_GAP else self.gap_closed.value >= 2 / 3
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


def report_of(
    shots: int,
    found: dict[str, Tensor],
    wanted: Tensor,
    classes: tuple[int, ...],
    about: dict[str, Any],
) -> FewshotReport:
    """Compares what was read, uint8 [N, R, R] by method, with the masks that were wanted."""
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
