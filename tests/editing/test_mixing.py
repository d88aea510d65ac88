"""The grid of styles, and what stands at its edges."""

import pytest
import torch

from smis_core.editing import (
    Edit,
    EditState,
    Found,
    MixPool,
    Seeded,
    draw,
    embed,
    identify,
    latent_of,
    mixing_grid,
    read_source,
    resolve,
)
from smis_core.latents import W, WPlus

from .conftest import a_class, stylegan2


def test_the_grid_is_that_of_the_paper(anyone):
    label = a_class(anyone)
    down, across = [[Seeded(seed, label=label) for seed in seeds] for seeds in ((1, 2), (3, 4, 5))]
    pool = MixPool(anyone, down, across, rows=[1, 2])
    codes = [
        WPlus(torch.cat([latent_of(anyone, each).tensor for each in side]))
        for side in (down, across)
    ]
    wanted = mixing_grid(*codes, rows=[1, 2]).tensor
    assert torch.allclose(pool.latents(range(6)).tensor, wanted, atol=1e-6)
    opened = torch.cat([resolve(anyone, pool.state(place)).wplus.tensor for place in range(6)])
    assert torch.allclose(opened, wanted, atol=1e-6)
    edges = [pool.edge(1, across=False), pool.edge(2, across=True)]
    assert [edge.a for edge in edges] == [down[1], across[2]]


def test_psi_truncates_both_sources(generator):
    pool = MixPool(generator, [Seeded(1)], [Seeded(2)], rows=[0], psi=0.5)
    whole = MixPool(generator, [Seeded(1)], [Seeded(2)], rows=[0]).latents([0]).tensor
    average = generator.mapping.w_avg
    assert torch.allclose(pool.latents([0]).tensor, average.lerp(whole, 0.5), atol=1e-6)


def test_everything_that_stands_for_a_picture_is_read(generator, tmp_path):
    seed = Seeded(7)
    latent = latent_of(generator, seed)
    plain = EditState(generator=identify(generator), a=seed, edit=Edit.neutral(generator.num_ws))
    png = embed(draw(generator, plain).clamp(-1, 1), plain)
    (tmp_path / "picture.png").write_bytes(png)
    for what in (7, "7", seed, plain, png, tmp_path / "picture.png"):
        assert read_source(generator, what) == seed
    for what in (latent, W(latent.tensor[:, 0]), Found(latent)):
        assert torch.equal(read_source(generator, what).wplus.tensor, latent.tensor)
    edited = EditState(generator=plain.generator, a=seed, edit=plain.edit.changed([2], psi=0.5))
    read = read_source(generator, edited)
    assert torch.equal(read.wplus.tensor, resolve(generator, edited).wplus.tensor)
    assert read.name == "7"


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (-1, ValueError, "seed"),
        (2**63, ValueError, "seed"),
        ("many", ValueError, "seed"),
        (1.5, TypeError, "wanted a seed"),
        (WPlus(torch.zeros(1, 3, 4)), ValueError, "this generator"),
        (WPlus(torch.zeros(2, 8, 8)), ValueError, "one latent"),
        (b"nothing", ValueError, "PNG"),
    ],
)
def test_what_stands_for_nothing_is_refused(generator, what, error, message):
    with pytest.raises(error, match=message):
        read_source(generator, what)


def test_a_picture_of_another_generator_is_refused(generator):
    other = stylegan2(seed=1)
    state = EditState(generator=identify(other), a=Seeded(1), edit=Edit.neutral(other.num_ws))
    with pytest.raises(ValueError, match="made by the generator"):
        read_source(generator, state)


def test_an_empty_side_is_refused(generator):
    with pytest.raises(ValueError, match="each side"):
        MixPool(generator, [Seeded(1)], [], rows=[0])
