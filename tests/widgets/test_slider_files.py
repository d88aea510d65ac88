"""What leaves the sliders and comes back: pictures with their latents, directions, code."""

import pytest
import torch
from editing.conftest import stylegan2
from widgets.slider_page import SliderPage, shows, tiny

from smis_core.checkpoints import load_generator, save_network
from smis_core.editing import draw, extract, save_directions, sefa
from smis_widgets import LatentSliders


@pytest.fixture
def opened(tmp_path):
    """Sliders of a tiny generator, and its page."""
    sliders, page = tiny(tmp_path)
    yield sliders, page
    sliders.close()


def test_a_saved_picture_brings_everything_back(opened, tmp_path):
    sliders, page = opened
    page.ask("seed", place="a", text="3.5")
    page.turn("strength:sefa 2", -1.5, 0, 1)
    page.turn("blend", 0.25, 2)
    kept = sliders.state
    page.film("save")
    assert "picture-0001.png" in page.told
    data = (tmp_path / "picture-0001.png").read_bytes()
    assert extract(data, sliders.generator).edit == kept.edit
    other = LatentSliders(sliders.generator, folder=tmp_path)
    page = SliderPage(other)
    page.drop("picture-0001.png", data)
    assert "picture-0001.png is open" in page.told
    assert (other.state.a, other.state.b, other.state.edit) == (kept.a, kept.b, kept.edit)
    assert "sefa 2" in other.panel.turnable
    assert shows(other)
    other.undo()
    assert other.state.edit.is_neutral
    other.close()


def test_the_code_draws_the_same(opened, tmp_path, monkeypatch):
    sliders, page = opened
    monkeypatch.setattr("smis_core.checkpoints.load_generator", lambda name: sliders.generator)
    page.turn("psi", 0.5, 0, 1)
    for act in (lambda: None, lambda: page.turn("strength:sefa 1", 1.0, 0)):
        act()
        space = {}
        exec(sliders.code(), space)
        assert torch.equal(space["image"], draw(sliders.generator, sliders.state))
    assert (tmp_path / "picture-0001.png").is_file()
    sliders.code()
    assert not (tmp_path / "picture-0002.png").exists()
    space = {}
    exec(sliders.shell.again.replace("LatentSliders(", "opened = LatentSliders("), space)
    assert space["opened"].state.edit.rows[1].psi == 0.5
    space["opened"].close()


@pytest.mark.parametrize("given", [False, True], ids=["remembered", "given"])
def test_the_code_opens_the_file_of_the_generator(tmp_path, given):
    first, second = (stylegan2(seed=seed) for seed in (0, 1))
    for name, network in (("first", first), ("second", second)):
        save_network(tmp_path / f"{name}.safetensors", network)
    path = str(tmp_path / "first.safetensors")
    generator = first if given else load_generator(path, device="cpu")
    sliders = LatentSliders(generator, source=path if given else None, folder=tmp_path)
    page = SliderPage(sliders)
    page.turn("psi", 0.5, 0)
    space = {}
    exec(sliders.code(), space)
    assert shows(sliders)
    assert torch.equal(space["image"].clamp(-1, 1), sliders.picture)
    assert f"load_generator({path!r})" in sliders.shell.again
    sliders.generator = load_generator(tmp_path / "second.safetensors", device="cpu")
    exec(sliders.code(), space)
    assert shows(sliders)
    assert torch.equal(space["image"].clamp(-1, 1), sliders.picture)
    # What opened the one before opens no other.
    sliders.generator = stylegan2(seed=2)
    assert "first" not in sliders.code()
    sliders.close()


def test_a_damaged_latent_is_refused(opened):
    sliders, page = opened
    data = bytearray(sliders.save().read_bytes())
    place = data.find(b"smLt") + 40
    data[place] ^= 255
    page.drop("broken.png", bytes(data))
    assert "damaged" in page.told
    assert shows(sliders)


def test_dropped_directions_join(opened, tmp_path):
    sliders, page = opened
    more = sefa(sliders.generator, rows=[0], count=1, prefix="own")
    save_directions(tmp_path / "own.safetensors", more)
    page.drop("own.safetensors", (tmp_path / "own.safetensors").read_bytes())
    assert sliders.directions.names == ("sefa 1", "sefa 2", "sefa 3", "own 1")
    assert "strength:own 1" in sliders.columns
    assert sliders.panel.turnable["own 1"] == [0]


def test_a_program_adds_directions_beside_the_others(opened):
    sliders, page = opened
    own = sefa(sliders.generator, rows=[0], count=1, prefix="own")
    sliders.add(own)
    assert sliders.directions.names == ("sefa 1", "sefa 2", "sefa 3", "own 1")
    assert "strength:own 1" in sliders.columns
    better = sefa(sliders.generator, rows=[1], count=1, prefix="own")
    sliders.add(better)
    assert sliders.panel.turnable["own 1"] == [1]
    page.turn("strength:own 1", 2.0, 0, 1)
    page.turn("strength:sefa 1", 1.0, 0)
    assert page.told == ""
    assert sliders.state.edit.rows[1].strengths == {"own 1": 2.0}
    assert shows(sliders)
    with pytest.raises(ValueError, match="mapping network is another"):
        sliders.add(sefa(stylegan2(seed=1)))


@pytest.mark.parametrize("others", ["others", "none"])
def test_an_edit_keeps_its_directions_when_others_are_offered(opened, others):
    sliders, page = opened
    page.turn("strength:sefa 1", 1.5, 0, 1)
    used = sliders.directions
    more = sefa(sliders.generator, rows=[0], count=1, prefix="own")
    sliders.directions = more if others == "others" else None
    page.ask("dice", place="a")
    page.turn("psi", 0.5, 2)
    assert page.told == ""
    if others == "others":
        page.turn("strength:own 1", 1.0, 0)
    page.turn("strength:sefa 1", 1.0, 0)
    assert page.told == ""
    kept = sliders.state
    assert [row.strengths.get("sefa 1") for row in kept.edit.rows[:2]] == [1.0, 1.5]
    assert torch.equal(kept.directions["sefa 1"], used["sefa 1"])
    assert shows(sliders)


def test_a_direction_that_is_learnt_anew_takes_the_place_of_the_old(opened):
    sliders, page = opened
    page.turn("strength:sefa 1", 1.5, 0, 1)
    better = sliders.directions.select(["sefa 2"]).renamed({"sefa 2": "sefa 1"})
    sliders.directions = better
    page.turn("strength:sefa 1", 1.0, 0)
    assert page.told == ""
    assert torch.equal(sliders.state.directions["sefa 1"], better["sefa 1"])
    assert shows(sliders)


@pytest.mark.parametrize("method", ["sefa:coarse", "pca", "features"])
def test_directions_are_found_once(opened, method, tmp_path, monkeypatch):
    monkeypatch.setattr("smis_core.editing.cache.cache_folder", lambda: tmp_path)
    sliders, page = opened
    job = sliders.find(method)
    assert job.wait(60)
    found = job.result.directions
    assert set(found.names) <= set(sliders.directions.names)
    assert f"strength:{found.names[0]}" in sliders.columns
    assert "directions were found" in page.told
    assert job.result.path.is_file()
    again = sliders.find(method)
    assert again.wait(60)
    assert again.steps_done == 1
    assert torch.equal(again.result.directions.steps, found.steps)
    page.turn(f"strength:{found.names[0]}", 1.0, *found.rows(found.names[0]))
    assert f"load_directions({str(job.result.path)!r}" in sliders.code()
