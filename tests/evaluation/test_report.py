"""Figures in words and in JSON."""

import json

import pytest

from smis_core.evaluation import Figure, Report

REPORT = Report(
    "Both",
    (
        Figure("good", 0.95, at_least=0.9, beside={"floor": 0.2}),
        Figure("bad", 3.0, at_least=-2, at_most=2),
        Figure("free", float("nan")),
    ),
    {"samples": 7},
)


def test_ranges_decide():
    assert [figure.passed for figure in REPORT.figures] == [True, False, None]
    assert not REPORT.passed
    assert Report("", (REPORT["good"], REPORT["free"]), {}).passed
    assert not Figure("nan", float("nan"), at_least=0).passed
    with pytest.raises(KeyError):
        REPORT["unknown"]


def test_json_names_every_figure():
    record = json.loads(json.dumps(REPORT.to_dict(), allow_nan=False))
    assert record["about"] == {"samples": 7}
    assert record["passed"] is False
    good = {"value": 0.95, "wanted": "at least 0.9", "passed": True, "floor": 0.2}
    assert record["figures"]["good"] == good
    assert record["figures"]["free"] == {"value": None}


def test_table_shows_what_was_missed():
    lines = REPORT.table().splitlines()
    assert lines[0] == "Both"
    assert "NO" in next(line for line in lines if line.startswith("bad"))
    assert "-2 to 2" in REPORT.table()
    assert "floor 0.200" in REPORT.table()
