"""`smis inspect`: a table for people, one object for programs."""

import json

import torch
from typer.testing import CliRunner

from smis_core.checkpoints import bundled_path, fingerprint
from smis_core.cli import app


def test_json_has_the_facts() -> None:
    path = bundled_path("portraits/generator")
    result = CliRunner().invoke(app, ["inspect", str(path), "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    wanted = {"format", "network", "resolution", "classes", "parameters", "licence", "fingerprint"}
    assert wanted <= set(facts)
    assert facts["fingerprint"] == fingerprint(path)
    assert (facts["network"], facts["classes"]) == ("StyleGAN2", 0)


def test_the_table_names_networks_of_upper_rooms() -> None:
    for name, shown in (("generator", "StyleGAN2"), ("judge", "Judge")):
        result = CliRunner().invoke(app, ["inspect", str(bundled_path(f"portraits/{name}"))])
        assert result.exit_code == 0, result.output
        assert f"network: {shown}" in result.stdout


def test_a_refusal_is_one_line(tmp_path) -> None:
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    result = CliRunner().invoke(app, ["inspect", str(tmp_path / "x.pt")])
    assert result.exit_code == 1
    assert "belongs to another program" in result.stderr
    assert "Traceback" not in result.output
