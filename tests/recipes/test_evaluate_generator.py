"""The figures of a generator: all of them, and they tell good samples from bad ones."""

import json

import pytest
import torch
from typer.testing import CliRunner

from smis_core.checkpoints.native import save_network
from smis_core.cli.evaluate import evaluate
from smis_core.evaluation import Judge, JudgeConfig
from smis_core.networks.configs import GeneratorConfig
from smis_core.networks.stylegan2 import Generator
from smis_core.portraits.renderer import render
from smis_core.recipes import evaluate_generator as recipe

NAMES = [
    "Fréchet distance",
    "precision",
    "recall",
    "yaw KS distance",
    "mood KS distance",
    "hair_length KS distance",
    "glasses frequency ratio",
    "hat frequency ratio",
    "eyes found, points from renders",
    "mouth found, points from renders",
    "hair found, points from renders",
    "highest octave, dB from renders",
]


@pytest.fixture
def judge():
    torch.manual_seed(0)
    config = JudgeConfig(resolution=32, widths=(16, 16, 16, 16), depths=(0, 0, 0))
    return Judge(config).eval()


@pytest.fixture
def generator():
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=32, z_dim=8, w_dim=8, channel_base=128, channel_max=8, mapping_layers=1
    )
    return Generator(config).eval()


def _report(generator, judge, samples=60):
    *_, last = recipe.evaluate_generator(generator, judge, samples=samples, batch=30, device="cpu")
    return last.report


def test_every_figure_is_there_in_order(generator, judge):
    steps = list(recipe.evaluate_generator(generator, judge, samples=60, batch=30, device="cpu"))
    phases = ["renders", "other renders", "blurred renders", "samples"]
    assert [(step.phase, step.index, step.total) for step in steps] == [
        (phase, index, 2) for phase in phases for index in (1, 2)
    ]
    assert all(step.report is None for step in steps[:-1])
    report = steps[-1].report
    assert [figure.name for figure in report.figures] == NAMES
    assert report.about["samples"] == 60
    assert report["Fréchet distance"].beside["renders"] >= 0


def test_noise_is_told_from_renders(generator, judge, monkeypatch):
    noise = _report(generator, judge)

    def perfect(generator, samples, *, batch, device):
        for start in range(0, samples, batch):
            yield render(range(start, start + batch), size=32).images

    monkeypatch.setattr(recipe, "generator_samples", perfect)
    renders = _report(generator, judge)
    assert renders["Fréchet distance"].value < noise["Fréchet distance"].value
    assert renders["precision"].value > noise["precision"].value
    assert renders["precision"].passed
    octave = "highest octave, dB from renders"
    assert abs(renders[octave].value) < 2
    assert renders[octave].beside["blurred renders"] < renders[octave].beside["renders"] - 3


def test_samples_are_the_same_at_any_batch_size(generator):
    whole = torch.cat(list(recipe.generator_samples(generator, 7, batch=7, device="cpu")))
    parts = torch.cat(list(recipe.generator_samples(generator, 7, batch=3, device="cpu")))
    assert whole.shape == (7, 3, 32, 32)
    torch.testing.assert_close(whole, parts, atol=1e-5, rtol=1e-5)


def test_command_prints_one_object(generator, judge, tmp_path):
    save_network(tmp_path / "g.safetensors", generator, card={})
    save_network(tmp_path / "j.safetensors", judge, card={})
    files = ["--generator", tmp_path / "g.safetensors", "--judge", tmp_path / "j.safetensors"]
    arguments = ["generator", "--samples", "50", "--device", "cpu", *map(str, files)]
    result = CliRunner().invoke(evaluate, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)["figures"]) == set(NAMES)
    table = CliRunner().invoke(evaluate, arguments)
    assert "glasses frequency ratio" in table.stdout


def test_too_few_samples_and_other_networks_are_refused(generator, judge, tmp_path):
    with pytest.raises(ValueError, match="at least 50"):
        _report(generator, judge, samples=10)
    save_network(tmp_path / "j.safetensors", judge, card={})
    with pytest.raises(ValueError, match="a generator was wanted"):
        recipe.load_stylegan2(tmp_path / "j.safetensors", device="cpu")
