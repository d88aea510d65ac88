"""The sliders of the portraits: found from pairs of renders, measured by a judge."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from smis_core.checkpoints import fingerprint, load_network, read_card
from smis_core.cli import app
from smis_core.editing import Directions, identify, load_directions, sefa
from smis_core.evaluation import JudgeConfig, JudgeOptions, load_judge, train_judge
from smis_core.inversion import ProjectionOptions
from smis_core.latents import WPlus
from smis_core.recipes import drain
from smis_core.recipes.attributes import DIALS, NAMES, SLIDERS
from smis_core.recipes.directions import (
    DirectionsOptions,
    _middle,
    find_directions,
    make_directions,
)
from smis_core.recipes.evaluate_directions import evaluate_directions, evaluate_kept
from smis_core.recipes.evaluate_generator import load_stylegan2
from smis_core.recipes.evaluate_judge import SOURCE, draw

from .fewshot_world import write_networks

FEW = DirectionsOptions(
    samples=60,
    characters=4,
    effect_samples=4,
    rounds=1,
    reader=JudgeOptions(pictures=16, renders=8, batch=8),
    reader_config=JudgeConfig(resolution=16, widths=(16, 16, 16, 16), depths=(0, 0, 0)),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    paths = write_networks(tmp_path_factory.mktemp("networks"))
    generator = load_stylegan2(paths["generator"], device="cpu")
    return SimpleNamespace(paths=paths, generator=generator)


@pytest.fixture(scope="module")
def made(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    out = folder / "directions.safetensors"
    phases = []
    for step in make_directions(
        out,
        generator_path=world.paths["generator"],
        discriminator_path=world.paths["discriminator"],
        scratch=folder / "reader",
        options=FEW,
        device="cpu",
    ):
        phases.append(step.phase)
        assert out.exists() == (step.directions is not None)
    assert [*dict.fromkeys(phases)] == ["render", "train", "samples", "pairs", "effects", "circles"]
    return out


def test_the_file_has_every_slider_and_a_card(world, made):
    found = load_directions(made, world.generator)
    assert set(SLIDERS) <= set(found.names)
    assert set(found.circles) == set(found.middles) == set(DIALS)
    card = read_card(made)
    assert card["made_from"]["generator"] == fingerprint(world.generator)
    assert "judge" not in card["made_from"]
    strengths = [*found.towards("hair colour", 0.3).values()]
    assert math.dist(strengths, found.middles["hair colour"]) == pytest.approx(2)


def test_the_same_is_found_again(world, made):
    critic = load_network(world.paths["discriminator"], device="cpu")
    shape = replace(FEW.reader_config, resolution=world.generator.config.resolution)
    for step in train_judge(
        draw, source=SOURCE, scratch=made.parent / "reader", config=shape, options=FEW.reader,
        device="cpu",
    ):  # fmt: skip
        reader = step.judge
    *_, last = find_directions(world.generator, critic, reader, options=FEW)
    assert torch.allclose(last.directions.steps, load_directions(made).steps, atol=1e-4)


class _Oracle:
    """A judge that reads one colour of a picture as every attribute's angle or value."""

    def __init__(self, attributes):
        self.config = SimpleNamespace(attributes=attributes)

    def to(self, device):
        return self

    def eval(self):
        return self

    def state_dict(self):
        return {}


def hand_made(generator):
    """One direction a slider, and a judge that reads exactly their normals."""
    names = (*SLIDERS, "hair colour: red", "hair colour: lime")
    width = generator.config.w_dim
    basis = torch.linalg.qr(torch.randn(width, width))[0][: len(names)]
    steps = basis[:, None].repeat(1, generator.num_ws, 1)
    return Directions(
        names=names,
        steps=steps,
        normals=steps / generator.num_ws,
        centre=torch.zeros(width),
        generator=identify(generator),
        method="by hand",
        circles={"hair colour": names[-2:]},
    )


def test_the_middle_of_a_circle_is_where_colours_are_grey(world):
    directions = hand_made(world.generator)
    place = [NAMES.index(f"hair_hue {part}") for part in ("cosine", "sine")]
    grey = torch.tensor([0.7, -1.2])

    def read(ws):
        # Colours are weaker along one axis, leave the other a little askew, and begin at grey.
        turned = torch.tensor([[0.2, 0.02], [0.0, 0.15]])
        seen = torch.zeros(len(ws), len(NAMES))
        seen[:, place] = (
            directions.around("hair colour", directions.read(WPlus(ws))) + middle() - grey
        ) @ turned.T
        seen[:, NAMES.index("hair_saturation")] = seen[:, place].norm(dim=1)
        return seen

    def middle():
        return torch.tensor(directions.middles.get("hair colour", (0.0, 0.0)))

    begun = torch.randn(20, world.generator.num_ws, world.generator.config.w_dim)
    for _ in range(4):
        found = _middle(directions, "hair colour", read, begun)
        directions = replace(directions, middles={"hair colour": found})
    assert found == pytest.approx(grey.tolist(), abs=0.02)


@pytest.fixture
def exact(world, monkeypatch):
    """Figures of directions under a judge that reads latents, perhaps one slider as another's."""
    import smis_core.recipes.evaluate_directions as recipe
    from smis_core.evaluation import PORTRAIT_ATTRIBUTES

    directions = hand_made(world.generator)
    owners = {attribute: name for name, attribute in SLIDERS.items()}

    def measured(leak=0.0):
        def read(generator, judge, codes):
            seen = directions.read(codes).T
            values = dict(zip(directions.names, seen, strict=True))
            values["tilt"] = values["tilt"] + leak * values["turn"]
            reading = {spec.name: torch.rand(len(codes)) for spec in PORTRAIT_ATTRIBUTES}
            for attribute, name in owners.items():
                reading[attribute] = values[name]
            angle = torch.atan2(values["hair colour: lime"], values["hair colour: red"])
            for name in ("hair_saturation", "eye_visible", "eye_saturation"):
                reading[name] = torch.linspace(0.4, 0.6, len(codes))
            reading["hair_hue"] = (angle / (2 * math.pi)) % 1
            for name in ("gaze", "skin", "glasses", "hat", "eye_hue"):
                reading[name] = torch.linspace(0, 0.9, len(codes))
            return reading

        monkeypatch.setattr(recipe, "_read", read)
        judge = _Oracle(PORTRAIT_ATTRIBUTES)
        monkeypatch.setattr(recipe, "fingerprint", lambda network: "0" * 64)
        steps = evaluate_directions(world.generator, judge, directions, samples=40, device="cpu")
        return drain(steps, quiet=True).report

    return measured


def test_directions_that_do_what_they_say_pass(exact):
    report = exact()
    assert report.passed, report.table()
    for name in SLIDERS:
        assert report[f"{name}: correlation"].value == pytest.approx(1, abs=1e-3)
        assert report[f"{name}: largest share of another"].value < 0.01
    assert report["hair colour: circular correlation"].value > 0.99


def test_a_slider_that_moves_another_does_not(exact):
    report = exact(leak=0.5)
    figure = report["turn: largest share of another"]
    assert figure.passed is False
    assert max(figure.beside, key=figure.beside.get) == "roll"
    assert report["turn: correlation"].passed


def test_inverted_renders_are_edited_and_read(world, made):
    from smis_core.evaluation import load_judge

    steps = evaluate_kept(
        world.generator,
        load_network(world.paths["discriminator"], device="cpu"),
        load_judge(world.paths["judge"], device="cpu"),
        load_directions(made),
        renders=4,
        options=replace(ProjectionOptions.thorough(), steps=2, candidates=4),
        device="cpu",
    )
    report = drain(steps, quiet=True).report
    assert len(report.figures) == len(SLIDERS) + 2 * len(DIALS)
    assert all(math.isfinite(figure.value) for figure in report.figures)


def test_commands_find_and_measure(world, made, tmp_path):
    out = tmp_path / "found.safetensors"
    for options in (["--method", "sefa"], ["--method", "pca", "--group", "coarse"],
                    ["--method", "features", "--layer", "b8.conv1"]):  # fmt: skip
        arguments = ["directions", "find", str(world.paths["generator"]), "-o", str(out),
                     "--count", "2", "--device", "cpu", *options]  # fmt: skip
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
        assert len(load_directions(out, world.generator)) == 2
    named = ["--generator", str(world.paths["generator"]), "--judge", str(world.paths["judge"])]
    arguments = ["directions", "evaluate", str(made), "--samples", "4", "--device", "cpu", "--json"]
    result = CliRunner().invoke(app, [*arguments, *named])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["about"]["samples"] == 4
    assert "turn: correlation" in record["figures"]
    refused = CliRunner().invoke(app, ["directions", "find", "-o", str(out), "--method", "magic"])
    assert refused.exit_code == 1


def test_what_cannot_be_measured_is_refused(world):
    other = sefa(world.generator, count=2)
    with pytest.raises(ValueError, match="wanted some of turn, tilt"):
        evaluate_directions(world.generator, None, other)
    with pytest.raises(ValueError, match="at least 2 pictures"):
        find_directions(
            world.generator,
            load_network(world.paths["discriminator"], device="cpu"),
            load_judge(world.paths["judge"], device="cpu"),
            options=DirectionsOptions(samples=1),
        )
