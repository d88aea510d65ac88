"""Style mixing as a grid."""

import pytest
import torch
import traitlets
from widgets.walls import look, small_generator

from smis_core.editing import Found, Seeded, draw, embed, latent_of, resolve
from smis_core.latents import WPlus
from smis_widgets.style_grid import StyleGrid


@pytest.fixture
def generator():
    return small_generator()


@pytest.fixture
def grid(generator):
    grid = StyleGrid(generator, [1, 2], [3, 4, 5], layers=(0, 1), psi=1.0)
    yield grid
    grid.close()


def choose(grid, row, column):
    """The state in a row and a column, 0 for the edges."""
    grid.wall.selected = [row * (len(grid._sources["across"]) + 1) + column]
    return grid.chosen


def test_a_cell_has_the_layers_of_its_column_and_the_rest_of_its_row(generator, grid):
    state = choose(grid, 2, 3)
    assert (state.a, state.b) == (Seeded(2), Seeded(5))
    mixed = resolve(generator, state).wplus.tensor[0]
    row, column = (latent_of(generator, Seeded(seed)).tensor[0] for seed in (2, 5))
    assert torch.equal(mixed[:2], column[:2])
    assert torch.equal(mixed[2:], row[2:])
    assert choose(grid, 0, 1).a == Seeded(3)
    assert choose(grid, 1, 0).a == Seeded(1)


def test_everything_is_drawn_but_the_corner(grid):
    look(grid.wall)
    assert grid.wait()
    assert grid.wall.count == 12
    assert [place for place in range(12) if not grid.wall.picture(place)] == [0]
    assert grid.message.value == ""


def test_other_layers_change_the_cells_and_not_the_edges(grid):
    look(grid.wall)
    assert grid.wait()
    before = [grid.wall.picture(place) for place in range(12)]
    choose(grid, 1, 1)
    grid.slider.value = (2, 5)
    assert grid.wait()
    after = [grid.wall.picture(place) for place in range(12)]
    same = [place for place in range(12) if before[place] == after[place]]
    assert same == [0, 1, 2, 3, 4, 8]
    assert [row.blend for row in grid.chosen.edit.rows] == [0, 0, 1, 1, 1, 1]
    assert "2 to 5" in grid.reading.value


def test_sources_are_typed_and_rolled(grid):
    grid.fields["across"].children[1].value = "7, 8"
    assert (grid.wall.columns, grid.wall.count) == (3, 9)
    assert choose(grid, 0, 2).a == Seeded(8)
    grid.fields["down"].children[2].click()
    assert choose(grid, 1, 0).a != Seeded(1)
    assert grid.message.value == ""


@pytest.mark.parametrize("text", ["", "1, -2", f"{2**63}", "a b", ",".join("1" * 30)])
def test_what_are_no_seeds_is_a_line_and_the_grid_stays(grid, text):
    grid.fields["down"].children[1].value = text
    assert "smis-error" in grid.message.value
    assert choose(grid, 2, 0).a == Seeded(2)


def test_pictures_and_latents_stand_at_the_edges(generator, grid):
    latent = latent_of(generator, Seeded(9))
    state = choose(grid, 1, 0)
    png = embed(draw(generator, state).clamp(-1, 1), state)
    grid.set_sources(down=[png, latent, Found(latent, name="my picture")])
    assert choose(grid, 1, 0).a == Seeded(1)
    assert torch.equal(choose(grid, 3, 0).a.wplus.tensor, latent.tensor)
    assert "my picture" in grid.fields["down"].children[1].value
    # A name in the field stays what it was when a seed is typed beside it.
    grid.fields["down"].children[1].value = "my picture, 6"
    assert choose(grid, 1, 0).a.name == "my picture"
    assert choose(grid, 2, 0).a == Seeded(6)


@pytest.mark.parametrize("layers", [(2, 99), (-1, 2), (4, 1)])
def test_layers_that_there_are_not_are_a_line_and_the_grid_stays(grid, layers):
    with pytest.raises(traitlets.TraitError, match="from 0 to 5"):
        grid.layers = layers
    assert "smis-error" in grid.message.value
    assert grid.layers == grid.slider.value == (0, 1)
    grid.layers = (2, 5)
    assert (grid.slider.value, grid.message.value) == ((2, 5), "")


def test_what_cannot_be_mixed_is_refused(generator, grid):
    with pytest.raises(ValueError, match="layers"):
        StyleGrid(generator, layers=(3, 99))
    with pytest.raises(ValueError, match="this generator"):
        grid.set_sources(across=[WPlus(torch.zeros(1, 3, 4))])
    with pytest.raises(ValueError, match="PNG"):
        grid.set_sources(across=[b"no picture"])
    assert choose(grid, 0, 1).a == Seeded(3)
