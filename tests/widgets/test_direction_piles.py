"""A direction of one's own."""

import pytest
import torch
from widgets.walls import look, say, small_generator

from smis_core.editing import Seeded, boundary, latent_of, load_directions, pair_direction, resolve
from smis_core.latents import WPlus
from smis_widgets.direction_piles import DirectionPiles


@pytest.fixture
def generator():
    return small_generator()


@pytest.fixture
def piles(generator, tmp_path):
    piles = DirectionPiles(generator, folder=tmp_path / "mine")
    yield piles
    piles.close()


def codes(piles, side):
    states = piles.piles[side].states
    return WPlus(torch.cat([resolve(piles.generator, each).wplus.tensor for each in states]))


def sort(piles, less, more):
    for key, places in (("1", less), ("2", more)):
        for place in places:
            say(piles.wall, key=key, at=place)
    assert piles.wait()


def seeds(piles, side):
    return [state.a.seed for state in piles.piles[side].states]


def test_keys_sort_and_the_direction_is_there_at_once(generator, piles):
    sort(piles, [0, 1], [])
    assert piles.direction is None
    assert piles.save_button.disabled
    sort(piles, [], [4, 5, 6])
    wanted = boundary(generator, codes(piles, "more"), codes(piles, "less"), name="mine")
    assert torch.allclose(piles.direction.steps, wanted.steps, atol=1e-6)
    read = piles.direction.read
    assert read(codes(piles, "more")).mean() > read(codes(piles, "less")).mean()
    assert piles.message.value == ""


def test_samples_are_dragged_to_and_fro(piles):
    less, more = (piles.piles[side].wall for side in ("less", "more"))
    say(more, **{"from": piles.wall.name, "drop": [2, 3]})
    say(less, **{"from": more.name, "drop": [0]})
    assert (seeds(piles, "less"), seeds(piles, "more")) == ([2], [3])
    assert (less.count, more.count) == (1, 1)
    say(piles.wall, **{"from": less.name, "drop": [0]})
    assert seeds(piles, "less") == []
    say(more, key="1", at=0)
    assert (seeds(piles, "less"), seeds(piles, "more")) == ([3], [])
    say(less, key="Delete", at=0)
    assert seeds(piles, "less") == []


def test_a_key_sorts_all_that_are_chosen(piles):
    piles.wall.selected = [1, 4, 7]
    say(piles.wall, key="2", at=4)
    assert seeds(piles, "more") == [1, 4, 7]
    say(piles.wall, key="2", at=4)
    assert seeds(piles, "more") == [1, 4, 7]


def test_the_strip_shows_one_sample_along_the_direction(generator, piles):
    sort(piles, [0, 1], [4, 5])
    piles.wall.selected = [3]
    look(piles.strip)
    assert piles.wait()
    assert piles.strip.count == 7
    assert all(piles.strip.picture(place) for place in range(7))
    before = resolve(generator, piles.chosen).wplus
    piles.strip.selected = [6]
    assert piles.chosen.a == Seeded(3)
    after = resolve(generator, piles.chosen).wplus
    moved = piles.direction.read(after) - piles.direction.read(before)
    assert float(moved) == pytest.approx(3, abs=1e-3)


def test_pairs_belong_together_in_their_order(generator, piles):
    piles.pair_button.click()
    sort(piles, [0, 1], [4])
    assert piles.direction is None
    assert "as many" in piles.message.value
    sort(piles, [], [5])
    wanted = pair_direction(generator, codes(piles, "less"), codes(piles, "more"), name="mine")
    assert torch.allclose(piles.direction.steps, wanted.steps, atol=1e-6)
    assert piles.message.value == ""


def test_it_acts_in_the_layers_that_are_asked_for(piles):
    sort(piles, [0, 1], [4, 5])
    piles.group = "coarse"
    assert piles.wait()
    assert piles.direction.rows("mine") == (0, 1, 2)


def test_it_is_saved_under_its_name_and_nothing_is_overwritten(generator, piles, tmp_path):
    with pytest.raises(ValueError, match="each pile"):
        piles.save()
    sort(piles, [0, 1], [4, 5])
    piles.name_field.value = "a certain something"
    assert piles.wait()
    piles.save_button.click()
    first = tmp_path / "mine" / "a_certain_something.safetensors"
    loaded = load_directions(first, generator)
    assert loaded.names == ("a certain something",)
    assert torch.equal(loaded.steps, piles.direction.steps)
    assert piles.save() != first
    with pytest.raises(ValueError, match="another"):
        load_directions(first, small_generator(seed=1))


def test_what_is_no_name_is_a_line_and_the_piles_stay(piles):
    sort(piles, [0], [1])
    piles.name = ""
    assert piles.wait()
    assert "smis-error" in piles.message.value
    assert piles.direction is None
    piles.name = "again"
    assert piles.wait()
    assert (piles.message.value, piles.direction.names) == ("", ("again",))


def test_other_seeds_do_not_empty_the_piles(piles):
    sort(piles, [0], [1])
    piles.seed_field.field.value = "50"
    sort(piles, [], [2])
    assert (seeds(piles, "less"), seeds(piles, "more")) == ([0], [1, 52])
    piles.clear_button.click()
    assert piles.wait()
    assert (piles.direction, piles.strip.count) == (None, 0)


def test_a_seed_that_hangs_again_is_the_one_on_the_pile(piles):
    def marks():
        look(piles.wall, 3)
        assert piles.wait()
        return [bool(piles.wall._tiles[place].mark) for place in range(3)]

    sort(piles, [0], [1])
    assert marks() == [True, True, False]
    piles.start()
    assert marks() == [True, True, False]
    sort(piles, [], [0])
    assert (seeds(piles, "less"), seeds(piles, "more")) == ([], [1, 0])
    say(piles.wall, key="0", at=1)
    assert seeds(piles, "more") == [0]
    assert marks() == [True, False, False]
    assert piles.message.value == ""


def test_ones_own_pictures_are_sorted(generator, tmp_path):
    latents = [latent_of(generator, Seeded(seed)) for seed in range(4)]
    piles = DirectionPiles(generator, sources=latents, folder=tmp_path)
    assert piles.wall.count == 4
    sort(piles, [0, 1], [2, 3])
    assert torch.equal(codes(piles, "more").tensor, torch.cat([c.tensor for c in latents[2:]]))
    assert piles.direction is not None
    piles.close()


def test_what_is_no_seed_is_a_line(piles):
    piles.seed_field.field.value = "-5"
    assert "smis-error" in piles.message.value
    assert piles.sample(0).a == Seeded(0)
