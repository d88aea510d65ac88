"""Figures with what is asked of them, as a table or as one JSON object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured value and the range it should lie in."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    beside: Mapping[str, float] = field(default_factory=dict)
    """values that help to read this one, by name"""

    @property
    def passed(self) -> bool | None:
        """Whether the value lies in its range; None where nothing is asked of it."""
        if self.at_least is None and self.at_most is None:
            return None
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return low <= self.value <= high

    @property
    def wanted(self) -> str:
        """The range in words; empty where nothing is asked."""
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g} to {self.at_most:g}"
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"


@dataclass(frozen=True)
class Report:
    """The figures of one evaluation."""

    title: str
    figures: tuple[Figure, ...]
    about: Mapping[str, Any]
    """what was measured: samples, seeds, versions, fingerprints"""

    @property
    def passed(self) -> bool:
        """No figure misses its range."""
        return all(figure.passed is not False for figure in self.figures)

    def __getitem__(self, name: str) -> Figure:
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """One object for JSON: `about`, `passed`, and the figures by name.

        What is not a finite number is null.
        """
        figures = {}
        for figure in self.figures:
            entry: dict[str, Any] = {"value": _finite(figure.value)}
            if figure.passed is not None:
                entry["wanted"] = figure.wanted
                entry["passed"] = figure.passed
            entry.update({name: _finite(value) for name, value in figure.beside.items()})
            figures[figure.name] = entry
        return {"about": dict(self.about), "passed": self.passed, "figures": figures}

    def table(self) -> str:
        """The figures as aligned lines."""
        rows = [("figure", "value", "wanted", "", "beside")]
        for figure in self.figures:
            mark = {None: "", True: "yes", False: "NO"}[figure.passed]
            beside = "  ".join(f"{name} {value:.3f}" for name, value in figure.beside.items())
            rows.append((figure.name, f"{figure.value:.3f}", figure.wanted, mark, beside))
        about = "  ".join(f"{name} {value}" for name, value in self.about.items())
        return "\n".join([self.title, about, "", *_aligned(rows)])


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _finite(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None
