"""The image encoder of a domain is made, carries its card, and is measured beside the others."""

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from smis_core.checkpoints import (
    fingerprint,
    load_generator,
    load_network,
    read_card,
    save_network,
)
from smis_core.cli import app
from smis_core.images import save_image
from smis_core.inversion import (
    ImageEncoder,
    ImageEncoderOptions,
    companions,
    load_classes,
    load_latent,
    many,
    work,
)
from smis_core.networks import Generator, GeneratorConfig
from smis_core.recipes import bench_inversion as bench
from smis_core.recipes import drain
from smis_core.recipes.models import Places, parts
from smis_core.recipes.train_inverter import make_inverter

sys.path.append(str(Path(__file__).parent))
from fewshot_world import write_networks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_networks(folder)
    last = drain(
        make_inverter(
            folder / "inverter.safetensors",
            generator=folder / "generator.safetensors",
            discriminator=folder / "discriminator.safetensors",
            scratch=folder / "work",
            options=ImageEncoderOptions(pictures=16, batch=4),
            device="cpu",
        ),
        quiet=True,
    )
    assert isinstance(last.encoder, ImageEncoder)
    return folder


def test_the_encoder_is_small_and_knows_its_generator(folder):
    path = folder / "inverter.safetensors"
    assert path.stat().st_size < 10 * 2**20
    card = read_card(path)
    assert card["made_from"]["generator"] == fingerprint(folder / "generator.safetensors")
    assert card["command"] == "smis models --only inverter"
    assert isinstance(load_network(path, device="cpu"), ImageEncoder)
    assert not (folder / "work" / "inverter.state").exists()


def test_another_generator_makes_it_stale(folder, tmp_path):
    places = Places(folder, tmp_path, tmp_path, tmp_path)
    (part,) = (part for part in parts(places, device="cpu") if part.name == "inverter")
    assert part.stale() == []
    generator = load_generator(folder / "generator.safetensors", device="cpu")
    assert part.wanted()["generator"] == fingerprint(generator)


def test_a_generator_finds_its_companions(folder, monkeypatch):
    def path_of(name):
        return folder / f"{name.split('/')[1]}.safetensors"

    monkeypatch.setattr(companions, "bundled_path", path_of)
    generator = load_generator(folder / "generator.safetensors", device="cpu")
    found = companions.companions_of(generator)
    assert found.encoder is not None
    assert found.discriminator is not None


def test_the_benchmark_compares_every_way(folder):
    report = drain(
        bench.bench_inversion(
            images=1,
            steps=3,
            seconds=0.2,
            encoder_path=folder / "inverter.safetensors",
            generator_path=folder / "generator.safetensors",
            discriminator_path=folder / "discriminator.safetensors",
            judge_path=folder / "judge.safetensors",
            device="cpu",
        ),
        quiet=True,
    ).report
    told = json.loads(json.dumps(report.to_dict()))
    methods = {"encode", "encode, 2 looks", "hybrid", "tune", "project W", "project W+"}
    assert {(row["method"], row["kind"]) for row in told["rows"]} == {
        (method, kind) for method in methods for kind in ("renders", "samples")
    }
    for row in told["rows"]:
        assert {"method", "images", "seconds", "steps", "psnr", "distance"} <= set(row)
        assert row["images"] == 1
        assert row["seconds"] > 0
    assert len(told["figures"]) == 9
    assert "project W+" in report.table()
    with pytest.raises(ValueError, match="images, steps and seconds"):
        bench.bench_inversion(images=0)


def test_the_time_to_a_distance_is_that_of_the_mean():
    def run(*track):
        return bench._Run(1.0, 1, 20.0, 0.1, track)

    runs = [run((1.0, 0.5), (2.0, 0.1)), run((1.0, 0.3), (3.0, 0.2))]
    assert bench._reached(runs, 0.4) == 1.0
    assert bench._reached(runs, 0.2) == 2.0
    assert bench._reached(runs, 0.16) == 3.0
    assert bench._reached(runs, 0.1) is None


def test_pictures_are_inverted_by_the_command(folder, tmp_path):
    for index in range(2):
        torch.manual_seed(index)
        save_image(torch.rand(3, 40, 40) * 2 - 1, tmp_path / "in" / f"p{index}.png")
    arguments = [
        "invert", str(tmp_path / "in"), "--out", str(tmp_path / "out"),
        "--generator", str(folder / "generator.safetensors"), "--device", "cpu",
    ]  # fmt: skip
    runner = CliRunner()
    done = runner.invoke(app, [*arguments, "--method", "hybrid", "--steps", "3"])
    assert done.exit_code == 0, done.output
    assert "codes of 2 of 2" in done.output
    latent, _ = load_latent(tmp_path / "out" / "p1.safetensors")
    assert len(latent) == 1
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"p{i}.{kind}" for i in range(2) for kind in ("png", "safetensors")}
    assert runner.invoke(app, [*arguments, "--method", "project", "--steps", "2"]).exit_code == 0
    for wrong, message in (
        (["--method", "guess"], "hybrid, encode or project"),
        (["--method", "encode"], "travels with it"),
        (["--perceptual", "sharp"], "perceptual: wanted"),
        (["--method", "project", "--class", "1"], "which has none"),
    ):
        refused = runner.invoke(app, [*arguments, *wrong])
        assert refused.exit_code == 1
        assert message in refused.output


@pytest.fixture
def conditional(tmp_path):
    torch.manual_seed(0)
    sizes = {"resolution": 16, "z_dim": 6, "w_dim": 8, "channel_base": 128, "channel_max": 8}
    save_network(tmp_path / "g.safetensors", Generator(GeneratorConfig(**sizes, c_dim=3)).eval())
    save_image(torch.rand(3, 40, 40) * 2 - 1, tmp_path / "p.png")
    return [
        "invert", str(tmp_path / "p.png"), "--generator", str(tmp_path / "g.safetensors"),
        "--steps", "8", "--device", "cpu", "--out",
    ]  # fmt: skip


@pytest.mark.parametrize(("more", "known"), [(["--class", "2"], {2}), ([], {0, 1, 2})])
def test_the_command_takes_or_searches_the_class(conditional, tmp_path, more, known):
    done = CliRunner().invoke(app, [*conditional, str(tmp_path / "out"), *more])
    assert done.exit_code == 0, done.output
    (found,) = load_classes(tmp_path / "out" / "p.safetensors")
    assert found in known


def test_the_command_goes_on_in_the_descent_that_was_interrupted(
    conditional, tmp_path, monkeypatch
):
    monkeypatch.setattr(work, "_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(work, "_LARGEST_SHARE", float("inf"))
    tell, told = many._many, []

    def interrupted(step, *arguments, **named):
        told.append(step.index)
        if told == [1, 2, 3]:
            raise KeyboardInterrupt
        return tell(step, *arguments, **named)

    monkeypatch.setattr(many, "_many", interrupted)
    arguments = [*conditional, str(tmp_path / "out")]
    assert CliRunner().invoke(app, arguments).exit_code != 0
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert told[:4] == [1, 2, 3, 5]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"p.png", "p.safetensors"}
