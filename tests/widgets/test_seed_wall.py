"""The search for the one."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from widgets.walls import look, say, small_directions, small_generator

from smis_core.editing import EditState, Seeded, draw, group_rows, positions, resolve
from smis_core.images import to_uint8
from smis_core.latents import WPlus
from smis_widgets.seed_wall import SeedWall


@pytest.fixture
def generator():
    return small_generator()


@pytest.fixture
def wall(generator):
    wall = SeedWall(generator, directions=small_directions(generator))
    yield wall
    wall.close()


def shows(wall, place, state):
    """Whether a place shows a state, drawn as exactly as thumbnails are."""
    there = np.array(Image.open(io.BytesIO(wall.wall.picture(place)))).astype(int)
    wanted = np.asarray(to_uint8(draw(wall.generator, state).clamp(-1, 1))[0]).astype(int)
    return np.abs(there - wanted).mean() < 2


def test_the_wall_shows_seeds_and_opens_what_it_shows(generator, wall):
    assert wall.chosen.a == Seeded(0)
    look(wall.wall, 6)
    assert wall.wait()
    wall.wall.selected = [4]
    assert wall.chosen.a == Seeded(4)
    assert shows(wall, 4, wall.chosen)
    assert not wall.wall.picture(20)
    assert wall.message.value == ""


def test_it_fills_as_it_scrolls(wall):
    before = wall.wall.count
    look(wall.wall, 4, first=before - 4)
    assert wall.wait()
    assert wall.wall.count > before
    assert wall.wall.picture(before - 1)
    assert not wall.wall.picture(0)


def test_what_is_chosen_opens_elsewhere(wall):
    class Other(traitlets.HasTraits):
        state = traitlets.Instance(EditState)

    other = Other(state=wall.chosen)
    traitlets.dlink((wall, "chosen"), (other, "state"))
    wall.wall.selected = [9]
    assert other.state.a == Seeded(9)


@pytest.mark.parametrize("group", ["all", "coarse", "middle"])
def test_more_like_this(generator, wall, group):
    wall.wall.selected = [5]
    one = wall.chosen
    wall.group = group
    wall.like_button.click()
    assert wall.wall.selected == []
    look(wall.wall, 5)
    assert wall.wait()
    assert shows(wall, 0, one)
    wall.wall.selected = [3]
    apart = resolve(generator, wall.chosen).wplus.tensor - resolve(generator, one).wplus.tensor
    rows = group_rows(generator, group) if group != "all" else range(generator.num_ws)
    changed = [row for row in range(generator.num_ws) if apart[0, row].abs().max() > 1e-5]
    assert changed == [*rows]
    assert shows(wall, 3, wall.chosen)
    wall.back_button.click()
    assert wall.title == "seeds from 0"
    assert wall.back_button.disabled


def test_strength_is_how_much_they_differ(generator, wall):
    def distance(radius):
        wall.radius = radius
        one = wall.chosen
        wall.more_like_this(one)
        states = [wall._view.pool.state(number) for number in range(1, 20)]
        codes = torch.cat([resolve(generator, state).wplus.tensor for state in states])
        return float((codes - resolve(generator, one).wplus.tensor).norm())

    assert distance(0.1) < distance(0.5) < distance(1.0)


def test_between_two_is_the_way_from_one_to_the_other(generator, wall):
    assert wall.between_button.disabled
    wall.wall.selected = [2, 7]
    wall.between_button.click()
    wall.wall.selected = [wall.wall.count - 1]
    assert wall.chosen.a == Seeded(7)
    wall.wall.selected = [0]
    assert wall.chosen.a == Seeded(2)
    assert not wall.wall.endless
    wall.wall.selected = [wall.wall.count // 2]
    ends = WPlus(
        torch.cat([
            resolve(generator, wall._view.pool.state(place)).wplus.tensor
            for place in (0, wall.wall.count - 1)
        ])
    )  # fmt: skip
    middle = resolve(generator, wall.chosen).wplus.tensor[0]
    away = (ends.tensor - middle).norm(dim=(1, 2))
    assert float(away.max()) < 0.6 * float((ends.tensor[0] - ends.tensor[1]).norm())


def test_keys_search_on(wall):
    say(wall.wall, key="m", at=8)
    assert "like 8" in wall.title
    wall.wall.selected = [0, 1]
    say(wall.wall, key="b", at=0)
    assert "between 8, 8 · 1" in wall.title


def test_a_star_stays_with_its_seed(wall):
    wall.wall.favourites = [3]
    assert [state.a for state in wall.favourites] == [Seeded(3)]
    wall.seed_field.field.value = "2"
    assert wall.wall.favourites == []
    assert len(wall.favourites) == 1
    look(wall.wall, 3)
    assert wall.wait()
    assert wall.wall.favourites == [1]
    wall.wall.favourites = []
    assert wall.favourites == ()


def test_favourites_of_anywhere_hang_side_by_side(generator, wall):
    wall.wall.favourites = [3, 5]
    wall.more_like_this()
    wall.wall.favourites = [2]
    like = wall.favourites[2]
    wall.favourites_button.click()
    assert wall.wall.count == 3
    look(wall.wall)
    assert wall.wait()
    assert wall.wall.favourites == [0, 1, 2]
    assert shows(wall, 2, like)
    wall.wall.favourites = [1, 2]
    assert wall.favourites[0].a == Seeded(5)


def test_filters_let_through_what_lies_in_their_ranges(generator, wall):
    name = wall.directions.names[0]
    row = wall.filters._rows[name]
    wall.filters.set(name, 0.5, row.slider.max)
    look(wall.wall, 8)
    assert wall.wait()
    states = []
    for place in range(8):
        wall.wall.selected = [place]
        states.append(wall.chosen)
    codes = torch.cat([resolve(generator, state).wplus.tensor for state in states])
    values = positions(wall.directions, WPlus(codes))[name]
    assert float(values.min()) >= 0.5
    assert all(shows(wall, at, s) for at, s in enumerate(states))
    wall.filters.reset()
    wall.wall.selected = [1]
    assert wall.chosen.a == Seeded(1)


def test_an_empty_range_ends_the_wall(wall):
    for name in wall.directions.names:
        slider = wall.filters._rows[name].slider
        wall.filters.set(name, slider.max - slider.step, slider.max - slider.step)
    look(wall.wall, 8)
    assert wall.wait(60)
    assert not wall.wall.endless
    assert wall.wall.count < 60


def test_a_filters_end_is_no_limit(wall):
    name = wall.directions.names[0]
    wall.filters.set(name, 0.0, wall.filters._rows[name].slider.max)
    assert wall.filters.ranges[name] == (pytest.approx(0.0, abs=1e-6), math.inf)


def test_a_filter_of_hues_leads_through_half_a_turn(generator):
    found = small_directions(generator)
    directions = replace(found, circles={"hue": found.names[:2]})
    wall = SeedWall(generator, directions=directions)
    wall.filters.set("hue", 0.25, -0.25)
    assert wall.filters.ranges["hue"] == pytest.approx((0.25, -0.25))
    look(wall.wall, 6)
    assert wall.wait()
    for place in range(6):
        wall.wall.selected = [place]
        code = resolve(generator, wall.chosen).wplus
        assert abs(float(positions(directions, code)["hue"])) >= 0.25
    row = wall.filters._rows["hue"]
    row.children[3].click()
    assert wall.filters.ranges["hue"] == pytest.approx((-0.25, 0.25))
    row.children[3].click()
    row.slider.value = (row.slider.min, row.slider.max)
    assert wall.filters.ranges == {}
    wall.close()


@pytest.mark.parametrize("typed", ["-1", str(2**63), "many", "nan", ""])
def test_what_is_no_seed_is_a_line_and_the_wall_stays(wall, typed):
    title = wall.title
    wall.seed_field.field.value = typed
    assert "smis-error" in wall.message.value
    assert "seed" in wall.message.value
    assert wall.title == title
    wall.seed_field.field.value = "7"
    assert (wall.title, wall.message.value) == ("seeds from 7", "")


def test_the_last_seeds_are_a_short_wall(generator):
    last = 2**63 - 1
    wall = SeedWall(generator, seed=last - 2)
    look(wall.wall)
    assert wall.wait()
    assert wall.wall.count == 3
    wall.wall.selected = [wall.wall.count - 1]
    assert wall.chosen.a.seed == last
    wall.seed_field.field.value = f"{last}"
    assert (wall.wall.count, wall.message.value) == (1, "")
    wall.close()


def test_the_last_seed_is_searched_along_directions(generator):
    wall = SeedWall(generator, seed=2**63 - 1, directions=small_directions(generator))
    look(wall.wall)
    assert wall.wait()
    assert wall.chosen.a == Seeded(2**63 - 1)
    assert shows(wall, 0, wall.chosen)
    wall.close()


def test_a_class_is_chosen():
    generator = small_generator(c_dim=3)
    wall = SeedWall(generator)
    wall.label_field.value = 2
    wall.wall.selected = [1]
    assert wall.chosen.a == Seeded(1, label=2)
    wall.more_like_this()
    look(wall.wall, 2)
    assert wall.wait()
    assert (wall.message.value, bool(wall.wall.picture(1))) == ("", True)
    wall.close()


def test_a_failure_is_a_line(wall, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the lamp went out")

    monkeypatch.setattr(type(wall.generator.synthesis), "run", fail)
    look(wall.wall, 2)
    assert wall.wait()
    assert "the lamp went out" in wall.message.value


def test_what_cannot_be_searched_is_refused(generator):
    with pytest.raises(ValueError, match="another"):
        SeedWall(generator, directions=small_directions(small_generator(seed=1)))
    with pytest.raises(ValueError, match="from 0 up"):
        SeedWall(generator, seed=-1)
    with pytest.raises(ValueError, match="no classes"):
        SeedWall(generator, label=1)
