"""`smis bench`."""

import json

import pytest
from typer.testing import CliRunner

from smis_core.cli import app
from smis_core.networks import GeneratorConfig
from smis_core.recipes import generator_speed as speed


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    config = GeneratorConfig(resolution=8, z_dim=8, w_dim=8, channel_base=32, channel_max=4)
    monkeypatch.setattr(speed, "benchmark_config", lambda resolution: config)
    monkeypatch.setattr(speed, "peak_mebibytes", lambda *args: 1.0)


def run(*arguments: str):
    return CliRunner().invoke(
        app, ["bench", "generator", "--device", "cpu", "--repeats", "1", *arguments]
    )


def test_json_is_a_list_of_rows() -> None:
    chosen = ("--resolution", "8", "--batch", "2", "--precision", "float32", "--impl", "auto")
    rows = json.loads(run("--json", *chosen).stdout)
    assert [(row["batch"], row["what"]) for row in rows] == [
        (2, "full pass"), (1, "session, full pass"), (1, "rows 1 to 3 of 4"),
    ]  # fmt: skip


def test_table() -> None:
    result = run("--resolution", "8", "--batch", "1")
    assert result.exit_code == 0
    assert "ratio" in result.stdout
    assert "bfloat16" in result.stdout


def test_refusal_is_one_line() -> None:
    result = run("--precision", "float16")
    assert result.exit_code == 1
    assert "needs a CUDA device" in result.stderr
