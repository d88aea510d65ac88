"""`smis zoo list | show | fetch`."""

import json

from typer.testing import CliRunner

from smis_core.checkpoints import zoo_models
from smis_core.cli import app


def test_list_names_every_model() -> None:
    result = CliRunner().invoke(app, ["zoo", "list"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*zoo_models()]
    (anime,) = [line for line in lines if line.startswith("anime-portraits-512")]
    assert "by hand" in anime
    assert "512²" in anime
    as_json = json.loads(CliRunner().invoke(app, ["zoo", "list", "--json"]).stdout)
    assert len(as_json) == len(lines) - 1


def test_show_says_where_the_file_goes_and_what_is_allowed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path))
    result = CliRunner().invoke(app, ["zoo", "show", "ffhq-1024"])
    assert result.exit_code == 0, result.output
    for text in ("Nvidia Source Code License", "not allowed", "psi 0.7", "(not fetched)"):
        assert text in result.stdout
    assert str(tmp_path / "ffhq-1024.pkl") in result.stdout
    by_hand = CliRunner().invoke(app, ["zoo", "show", "wildlife"])
    assert "with a browser (mega.nz)" in by_hand.stdout
    facts = json.loads(CliRunner().invoke(app, ["zoo", "show", "wildlife", "--json"]).stdout)
    assert facts["commercial"] is None


def test_fetch_prints_the_file_or_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path))
    (tmp_path / "wildlife.pkl").write_bytes(b"weights")
    result = CliRunner().invoke(app, ["zoo", "fetch", "wildlife", "--quiet"])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "wildlife.pkl")
    refused = CliRunner().invoke(app, ["zoo", "fetch", "modern-art"])
    assert refused.exit_code == 1
    assert "cannot be fetched by a program" in refused.stderr
