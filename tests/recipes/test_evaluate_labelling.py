"""Labels of samples before any encoder, with tiny networks."""

import json
import sys
from pathlib import Path

import pytest

from smis_core.inversion import ProjectionOptions
from smis_core.labelling import ProbeOptions, QuickOptions, ThoroughOptions
from smis_core.recipes.evaluate_labelling import evaluate_labelling

sys.path.append(str(Path(__file__).parent))
from fewshot_world import write_networks

QUICK = QuickOptions(steps=3, hidden=4, members=2, copies=2, pixels=200)


def test_every_method_is_measured_on_every_choice(tmp_path):
    networks = write_networks(tmp_path)
    steps = list(
        evaluate_labelling(
            choices=2,
            samples=4,
            ablations=True,
            scratch=tmp_path / "work",
            projection=ProjectionOptions(steps=2, candidates=2),
            probe=ProbeOptions(steps=3, hidden=4, members=2),
            quick=QUICK,
            thorough=ThoroughOptions(QUICK, rounds=1, samples=2),
            generator_path=networks["generator"],
            discriminator_path=networks["discriminator"],
            judge_path=networks["judge"],
            device="cpu",
        )
    )
    assert [step.report for step in steps[:-1]] == [None] * (len(steps) - 1)
    report = steps[-1].report
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert {"prototype", "probe", "while annotating", "ours", "ours without mirrors"} <= set(
        values["miou"]
    )
    assert {len(each) for each in values["miou"].values()} == {2}
    assert values["gap_closed"]["prototype"]["value"] == 0
    assert 0 <= values["calibration"]["expected error"] <= 1
    assert "ours" in report.table()


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="choices"):
        evaluate_labelling(choices=0)
