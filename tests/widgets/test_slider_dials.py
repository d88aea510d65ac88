"""Pairs of directions that are turned as one."""

from dataclasses import replace

import pytest
import torch
from editing.conftest import stylegan2
from widgets.slider_page import SliderPage, shows

from smis_core.editing import Directions, identify
from smis_core.editing.dials import RADIUS, readings
from smis_core.latents import WPlus
from smis_widgets import LatentSliders


@pytest.fixture
def dialled(tmp_path):
    """Sliders with a hue whose cosine and sine lie along two axes of W, and their page."""
    generator = stylegan2()
    identity = identify(generator)
    steps = torch.zeros(2, identity.num_ws, identity.w_dim)
    steps[0, :3, 0], steps[1, :3, 1] = 1.0, 1.0
    directions = Directions(
        names=("hair: red", "hair: lime"), steps=steps, normals=steps / 3,
        centre=torch.zeros(identity.w_dim), generator=identity, method="by hand",
        circles={"hair": ("hair: red", "hair: lime")},
    )  # fmt: skip
    sliders = LatentSliders(generator, directions=directions, folder=tmp_path)
    assert sliders.wait()
    yield sliders, SliderPage(sliders)
    sliders.close()


def place(sliders):
    """Where the drawn latent is on the circle."""
    assert shows(sliders)
    return readings(sliders.directions, sliders.value.wplus)["hair"]


def near(first, second):
    return abs((first - second + 0.5) % 1 - 0.5) < 1e-3


def test_the_dial_shows_where_a_picture_is(dialled):
    sliders, page = dialled
    assert sliders.panel.dials == {
        "hair": {
            "turns": pytest.approx(place(sliders), abs=1e-3),
            "axes": ["hair: red", "hair: lime"],
            "hue": True,
        }
    }
    page.ask("dice", place="a")
    assert near(place(sliders), sliders.panel.dials["hair"]["turns"])


@pytest.mark.parametrize("turns", [0.0, 0.3, 0.9])
def test_wherever_a_picture_is_the_dial_brings_it_to_its_place(dialled, turns):
    sliders, page = dialled
    # One of the two has been moved by itself, and others of the picture's settings.
    page.turn("strength:hair: red", 2.5, 0, 1)
    page.turn("psi", 0.8, 0, 1, 2)
    assert shows(sliders)
    for _ in range(2):  # what the dial itself has done is made up for too
        page.ask("dial", circle="hair", value=turns)
        assert near(place(sliders), turns)
        read = sliders.directions.read(sliders.value.wplus)[0]
        assert read.norm() == pytest.approx(RADIUS, abs=1e-3)
    assert near(sliders.panel.dials["hair"]["turns"], turns)
    page.ask("dial", circle="hair", value=None)
    assert all(not row.strengths for row in sliders.state.edit.rows)


def test_locked_rows_stay_and_rows_without_the_hue_are_not_named(dialled):
    sliders, page = dialled
    page.ask("lock", rows=[1], on=True)
    page.ask("dial", circle="hair", value=0.5, more=True)
    page.ask("dial", circle="hair", value=0.25)
    named = [bool(row.strengths) for row in sliders.state.edit.rows]
    assert named == [True, False, True] + [False] * (len(named) - 3)
    assert len(sliders.history) == 2
    assert sliders.films.films[-1]["label"] == "hair 90°"


def test_what_is_refused_is_said(dialled):
    sliders, page = dialled
    page.ask("dial", circle="beard", value=0.5)
    assert "there are: hair" in page.told
    page.ask("dial", circle="hair", value="nan")
    assert "nan" in page.told
    sliders.generator = stylegan2(seed=1)
    page.epoch = sliders.panel.layout_of["epoch"]
    assert sliders.panel.dials == {}
    page.ask("dial", circle="hair", value=0.5)
    assert "there are none yet" in page.told
    assert all(row.neutral for row in sliders.state.edit.rows)


def test_a_latent_on_an_axis_is_read_there(dialled):
    sliders, _ = dialled
    ws = replace(sliders.value.wplus).tensor * 0
    ws[:, :3, 1] = 1.0
    assert readings(sliders.directions, WPlus(ws))["hair"] == pytest.approx(0.25)
