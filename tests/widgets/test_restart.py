"""What a page says when its kernel was restarted: lines that open the widget again."""

import pytest
from widgets.walls import small_generator

from smis_core.checkpoints import load_generator, save_network
from smis_core.editing import Seeded, latent_of
from smis_widgets import DirectionPiles, RegionEditor, SeedWall, StyleGrid


@pytest.fixture
def generator(tmp_path):
    """One that has a file."""
    path = tmp_path / "small.safetensors"
    save_network(path, small_generator())
    return load_generator(path, device="cpu")


@pytest.fixture
def reopened():
    """Runs a widget's lines, and closes what they open and the widget itself."""
    made = []

    def run(widget):
        *lines, last = widget.shell.again.split("\n")
        space = {}
        exec("\n".join(lines), space)
        made.extend([widget, eval(last, space)])
        return made[-1]

    yield run
    for each in made:
        each.close()


def test_a_wall_hangs_from_the_same_seed_on(generator, reopened):
    wall = SeedWall(generator, psi=0.5)
    wall.seed_field.field.value = "7"
    wall.more_like_this()
    again = reopened(wall)
    assert (again.chosen.a, again.psi) == (Seeded(7), 0.5)


def test_a_grid_has_the_same_sources_and_layers(generator, reopened):
    grid = StyleGrid(generator, [1, "2.5"], [3, 4])
    grid.fields["across"].children[1].value = "7, 8"
    grid.layers = (2, 4)
    again = reopened(grid)
    assert again._sources["down"] == (Seeded(1), Seeded(2, 0.5))
    assert (again._sources["across"], again.layers) == ((Seeded(7), Seeded(8)), (2, 4))


def test_piles_are_filled_from_the_same_seed_on(generator, reopened):
    piles = DirectionPiles(generator, psi=0.9)
    piles.seed_field.field.value = "11"
    again = reopened(piles)
    assert (again.sample(0).a, again._psi) == (Seeded(11), 0.9)


def test_a_region_is_painted_on_the_same_picture(generator, reopened):
    assert reopened(RegionEditor(generator, "3.5")).kept.a == Seeded(3, 0.5)


def test_where_no_line_could_say_it_none_does(generator):
    latent = latent_of(generator, Seeded(1))
    nameless = small_generator()
    for widget in (
        SeedWall(nameless),
        StyleGrid(generator, [latent]),
        DirectionPiles(generator, sources=[latent]),
        RegionEditor(generator, latent),
    ):
        assert widget.shell.again == ""
        assert widget.shell.texts["gone_cell"]
        widget.close()
