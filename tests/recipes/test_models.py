"""What ships is fresh, and what is not is made again in order."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smis_core.checkpoints import fingerprint, load_network, save_network
from smis_core.cli import app
from smis_core.recipes import models
from smis_core.recipes.models import Places, parts

sys.path.append(str(Path(__file__).parent))
from fewshot_world import write_networks

NAMES = [part.name for part in parts()]
TRAVEL = (
    "generator", "judge", "encoder_1", "encoder_5", "inverter", "directions",
    "compared_1", "compared_5", "compared_sparse", "fewshot_1_figures", "fewshot_5_figures",
    "sparse_figures",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_stale(name):
    """The networks that travel are there; comparisons and figures may be missing, never stale."""
    (part,) = (part for part in parts() if part.name == name)
    if name in TRAVEL or any(path.exists() for path in part.files):
        assert part.stale() == [], "make it again: smis models"


def test_the_order_is_generator_judge_encoders_figures():
    assert NAMES == [
        "generator",
        "judge",
        "encoder_1",
        "encoder_5",
        "inverter",
        "directions",
        "compared_1",
        "compared_5",
        "compared_sparse",
        "generator_figures",
        "directions_figures",
        "judge_figures",
        "fewshot_1_figures",
        "fewshot_5_figures",
        "sparse_figures",
    ]


@pytest.fixture
def places(tmp_path):
    write_networks(tmp_path)
    return Places(tmp_path, tmp_path / "compared", tmp_path / "results", tmp_path / "work")


def part_of(places, name):
    (part,) = (part for part in parts(places, device="cpu") if part.name == name)
    return part


def test_a_missing_file_is_not_fresh(places):
    assert part_of(places, "judge").stale() == []
    places.weights("judge").unlink()
    assert part_of(places, "judge").stale() == ["judge.safetensors is missing"]
    assert part_of(places, "encoder_1").stale() == ["encoder_1.safetensors is missing"]


def test_another_renderer_makes_the_first_parts_stale(places, monkeypatch):
    monkeypatch.setattr(models, "RENDERER_VERSION", "another")
    assert part_of(places, "generator").stale() == [
        "generator.safetensors was made from another renderer",
        "discriminator.safetensors was made from another renderer",
    ]


def test_another_generator_makes_its_encoders_and_figures_stale(places):
    generator = places.weights("generator")
    network = load_network(generator, device="cpu")
    made_from = {
        "generator": fingerprint(generator),
        "annotated": f"portraits renderer {models.RENDERER_VERSION}",
    }
    save_network(places.weights("encoder_1"), network, card={"made_from": made_from})
    about = {
        "renderer": models.RENDERER_VERSION,
        "generator": fingerprint(generator),
        "judge": fingerprint(places.weights("judge")),
    }
    places.results.mkdir()
    (places.results / "generator.json").write_text(json.dumps({"about": about}))
    assert part_of(places, "encoder_1").stale() == []
    assert part_of(places, "generator_figures").stale() == []
    network.synthesis.b4.const.add_(1)
    save_network(generator, network, card={"made_from": {"renderer": models.RENDERER_VERSION}})
    assert part_of(places, "encoder_1").stale() == [
        "encoder_1.safetensors was made from another generator"
    ]
    assert part_of(places, "generator_figures").stale() == [
        "generator.json was made from another generator"
    ]


def test_sparse_figures_are_of_the_encoders_that_lie_there(places):
    generator = places.weights("generator")
    network = load_network(generator, device="cpu")
    made_from = {
        "generator": fingerprint(generator),
        "annotated": f"portraits renderer {models.RENDERER_VERSION}",
    }
    encoders = part_of(places, "compared_sparse")
    assert len(encoders.files) == 4
    assert encoders.stale()[0] == "sparse_landmarks_default.safetensors is missing"
    for path in encoders.files:
        save_network(path, network, card={"made_from": made_from})
    assert encoders.stale() == []
    names = ("landmarks default", "landmarks paper", "cross default", "cross paper")
    about = {
        "renderer": models.RENDERER_VERSION,
        "generator": fingerprint(generator),
        "judge": fingerprint(places.weights("judge")),
        "weights": {
            name: fingerprint(path) for name, path in zip(names, encoders.files, strict=True)
        },
    }
    places.results.mkdir()
    (places.results / "sparse.json").write_text(json.dumps({"about": about}))
    figures = part_of(places, "sparse_figures")
    assert figures.stale() == []
    network.synthesis.b4.const.add_(1)
    save_network(encoders.files[3], network, card={"made_from": made_from})
    assert figures.stale() == ["sparse.json was made from another cross paper"]


def test_a_broken_file_says_why_it_is_not_fresh(places):
    places.weights("judge").write_bytes(b"no weights")
    (reason,) = part_of(places, "judge").stale()
    assert "not a whole safetensors file" in reason


class _Report:
    def to_dict(self):
        return {"about": {"answer": 42}}


def test_figures_are_written_when_they_are_complete(tmp_path):
    from types import SimpleNamespace

    path = tmp_path / "results" / "figures.json"
    steps = models._kept(
        iter([SimpleNamespace(report=None), SimpleNamespace(report=_Report())]), path
    )
    next(steps)
    assert not path.exists()
    next(steps)
    assert json.loads(path.read_text()) == {"about": {"answer": 42}}


def test_the_command_makes_what_is_stale_and_nothing_else(places, monkeypatch):
    from types import SimpleNamespace

    made = []

    def part(name, reasons):
        def make():
            made.append(name)
            yield SimpleNamespace(index=1, total=1)

        return SimpleNamespace(name=name, stale=lambda: reasons, make=make)

    known = [part("generator", []), part("judge", ["judge.safetensors is missing"])]
    monkeypatch.setattr(models, "parts", lambda device: known)
    runner = CliRunner()
    checked = runner.invoke(app, ["models", "--check"])
    assert checked.exit_code == 1
    assert "generator: fresh" in checked.output
    assert made == []
    assert runner.invoke(app, ["models"]).exit_code == 0
    assert made == ["judge"]
    assert runner.invoke(app, ["models", "--only", "generator"]).exit_code == 0
    assert made == ["judge", "generator"]
    refused = runner.invoke(app, ["models", "--only", "nothing"])
    assert refused.exit_code == 1
    assert "generator, judge" in refused.output
