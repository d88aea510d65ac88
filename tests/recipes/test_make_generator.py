"""Making the generator: stages that grow, resumed where they stopped, saved with a card."""

from dataclasses import replace
from itertools import islice

import pytest

from smis_core.checkpoints import load_network, read_card
from smis_core.recipes.make_generator import GeneratorPlan, make_generator
from smis_core.training import GanOptions

START = GanOptions(
    resolution=16,
    pictures=24,
    batch=8,
    z_dim=8,
    w_dim=8,
    mapping_layers=2,
    channel_base=128,
    channel_max=8,
    autoencoder_pictures=8,
    precision="float32",
    noise_inputs=False,
)
PLAN = GeneratorPlan(stages=(START, replace(START, resolution=32, pictures=16)), renders=32)


def test_stages_grow_and_both_networks_are_saved(tmp_path):
    steps = make_generator(tmp_path, scratch=tmp_path / "work", plan=PLAN, device="cpu")
    first = list(islice(steps, 3))
    steps.close()
    assert [step.phase for step in first] == ["render 16²", "train 16²", "train 16²"]
    assert [*tmp_path.glob("*.safetensors")] == []

    resumed = list(make_generator(tmp_path, scratch=tmp_path / "work", plan=PLAN, device="cpu"))
    trained = [(step.phase, step.index) for step in resumed if step.phase.startswith("train")]
    assert trained == [("train 16²", 24), ("train 32²", 8), ("train 32²", 16)]
    for name in ("generator", "discriminator"):
        path = tmp_path / f"{name}.safetensors"
        assert load_network(path, device="cpu").config.resolution == 32
        card = read_card(path)
        assert card["made_from"] == {"renderer": "1"}
        assert card["pictures_seen"] == 16
        assert "16², 24 pictures" in card["grown_from"]


def test_a_plan_doubles_at_every_stage():
    with pytest.raises(ValueError, match=r"twice the resolution.*\[16, 64\]"):
        GeneratorPlan(stages=(START, replace(START, resolution=64)))
    with pytest.raises(ValueError, match="one or more"):
        GeneratorPlan(stages=())
