"""What one looks through."""

import math
from dataclasses import replace

import pytest
import torch

from smis_core.editing import (
    BetweenPool,
    Edit,
    EditState,
    Found,
    Identity,
    LikePool,
    Seeded,
    SeedPool,
    Sieve,
    StatePool,
    draw,
    identify,
    pca,
    positions,
    resolve,
)
from smis_core.latents import WPlus

from .conftest import FAMILIES, a_class, stylegan2


def states(generator, *seeds):
    edit = Edit.neutral(generator.num_ws)
    label = a_class(generator)
    return [
        EditState(generator=identify(generator), a=Seeded(seed, label=label), edit=edit)
        for seed in seeds
    ]


def directions_of(generator, count=2):
    return pca(generator, count=count)


@pytest.fixture(params=["seeds", "like", "between two", "between three", "states"])
def pool(request, generator):
    many = states(generator, 3, 4, 5)
    return {
        "seeds": lambda: SeedPool(generator, first=7, psi=0.6),
        "like": lambda: LikePool(generator, many[0], radius=0.5),
        "between two": lambda: BetweenPool(generator, many[:2], count=30),
        "between three": lambda: BetweenPool(generator, many, count=30),
        "states": lambda: StatePool(generator, many * 12),
    }[request.param]()


def test_what_opens_in_the_sliders_is_what_was_shown(generator, pool):
    numbers = [0, 5, 31, 1]
    shown = pool.latents(numbers).tensor
    for number, latent in zip(numbers, shown, strict=True):
        opened = resolve(generator, pool.state(number)).wplus.tensor[0]
        assert torch.allclose(opened, latent, atol=1e-6)


def test_the_same_number_is_the_same_latent_in_any_company(pool):
    alone = torch.cat([pool.latents([number]).tensor for number in (9, 2)])
    assert torch.allclose(pool.latents([9, 2]).tensor, alone, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_seeds_and_their_neighbours(family):
    generator = FAMILIES[family]()
    label = a_class(generator)
    seeds = SeedPool(generator, label=label)
    one = seeds.state(3)
    like = LikePool(generator, one, label=label, radius=0.3)
    assert like.latents([0, 1]).tensor.shape == (2, generator.num_ws, generator.config.w_dim)
    assert draw(generator, like.state(1)).shape[-1] == generator.config.resolution


def test_neighbours_are_around_the_one_and_their_strength_is_their_distance(generator):
    (one,) = states(generator, 3)
    here = resolve(generator, one).wplus.tensor
    distances = []
    for radius in (0.1, 0.4, 0.9):
        pool = LikePool(generator, one, radius=radius)
        distances.append(float((pool.latents([*range(1, 65)]).tensor - here).norm()))
    assert torch.equal(LikePool(generator, one).latents([0]).tensor, here)
    assert distances == sorted(distances)
    assert distances[2] > 4 * distances[0]
    rows = LikePool(generator, one, rows=[0, 1]).latents([1, 2]).tensor - here
    assert rows[:, 2:].abs().max() == 0
    assert rows[:, :2].abs().amax(dim=(1, 2)).min() > 0


def test_the_way_between_two_is_in_order_with_its_ends(generator):
    ends = states(generator, 3, 4)
    pool = BetweenPool(generator, ends, count=10)
    assert pool.size == 12
    assert (pool.state(0), pool.state(11)) == (ends[0], ends[1])
    away = (pool.latents(range(12)).tensor - pool.latents([0]).tensor).norm(dim=(1, 2))
    assert (away.diff() > 0).all()


def test_a_pool_of_seeds_truncates(generator):
    whole = SeedPool(generator).latents([1, 2]).tensor
    half = SeedPool(generator, psi=0.5).latents([1, 2]).tensor
    assert torch.allclose(half, generator.mapping.w_avg.lerp(whole, 0.5), atol=1e-6)


def test_a_sieve_keeps_what_lies_in_the_ranges(generator):
    directions = directions_of(generator)
    name = directions.names[0]
    pool = SeedPool(generator)
    sieve = Sieve(pool, directions, {name: (0.5, math.inf)}, limit=300)
    sieve.look(200)
    assert sieve.size is None
    sieve.look(200)
    assert sieve.looked == 300
    values = directions.read(pool.latents(range(300)))[:, 0]
    wanted = [number for number in range(300) if values[number] >= 0.5]
    assert (sieve.found, sieve.size) == (wanted, len(wanted))
    assert 0 < len(wanted) < 200
    assert sieve.number(1) == wanted[1]
    assert sieve.number(len(wanted)) is None
    sieve.look()
    assert sieve.looked == 300


def test_a_sieve_without_ranges_lets_everything_through_unseen(generator):
    pool = BetweenPool(generator, states(generator, 3, 4), count=3)
    sieve = Sieve(pool)
    assert [sieve.number(place) for place in (0, 4, 5)] == [0, 4, None]
    assert (sieve.size, sieve.looked) == (5, 0)


def test_positions_on_a_circle_are_turns(generator):
    directions = directions_of(generator, count=3)
    pair = directions.names[1:]
    circled = replace(directions, circles={"hue": pair})
    centre = directions.centre.expand(1, generator.num_ws, -1)
    for turns in (0.0, 0.2, -0.4):
        wanted = directions.select(pair)
        amounts = [math.cos(2 * math.pi * turns), math.sin(2 * math.pi * turns)]
        moved = centre + sum(a * s for a, s in zip(amounts, wanted.steps, strict=True))
        read = positions(circled, WPlus(moved))
        assert set(read) == {directions.names[0], "hue"}
        assert float(read["hue"]) == pytest.approx(turns, abs=0.05)


def test_a_range_of_hues_leads_through_half_a_turn(generator):
    directions = circled(generator)
    pool = SeedPool(generator)
    hues = positions(directions, pool.latents(range(256)))["hue"]
    sieve = Sieve(pool, directions, {"hue": (0.4, -0.3)})
    sieve.look(256)
    wanted = [place for place, hue in enumerate(hues.tolist()) if hue >= 0.4 or hue <= -0.3]
    assert sieve.found == wanted
    assert 0 < len(wanted) < 256
    plain = Sieve(pool, directions, {"hue": (-0.3, 0.4)})
    plain.look(256)
    assert sorted(plain.found + wanted) == [*range(256)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g: SeedPool(g, first=-1), "from 0 up"),
        (lambda g: SeedPool(g, first=2**63), "below 2"),
        (lambda g: SeedPool(g, psi=math.nan), "psi"),
        (lambda g: SeedPool(g, label=2), "no classes"),
        (lambda g: StatePool(g, []), "at least one"),
        (lambda g: StatePool(g, other()), "rows"),
        (lambda g: StatePool(g, strange()), "mapping network is another"),
        (lambda g: LikePool(g, strange()[0]), "mapping network is another"),
        (lambda g: BetweenPool(g, strange()), "mapping network is another"),
        (lambda g: LikePool(g, states(g, 1)[0], radius=1.5), "radius"),
        (lambda g: LikePool(g, states(g, 1)[0], rows=[99]), "rows"),
        (lambda g: BetweenPool(g, states(g, 1)), "at least two"),
        (lambda g: BetweenPool(g, []), "at least two"),
        (lambda g: Sieve(SeedPool(g), None, {"x": (0, 1)}), "nothing to measure"),
        (lambda g: Sieve(SeedPool(g), directions_of(g), {"x": (0, 1)}), "no direction"),
        (lambda g: Sieve(SeedPool(g), directions_of(g), {"pca 1": (1, 0)}), "highest"),
        (lambda g: Sieve(SeedPool(g), circled(g), {"hue": (math.nan, 0)}), "highest"),
    ],
)
def test_what_makes_no_sense_is_refused(generator, make, message):
    with pytest.raises(ValueError, match=message):
        make(generator)


def circled(generator):
    directions = directions_of(generator)
    return replace(directions, circles={"hue": directions.names})


def other():
    """States of a generator with another W+."""
    identity = Identity(network="0" * 64, mapping="0" * 64, num_ws=3, w_dim=5)
    latent = Found(WPlus(torch.zeros(1, 3, 5)))
    return [EditState(generator=identity, a=latent, edit=Edit.neutral(3))]


def strange():
    """States of another generator whose W+ is as large."""
    return states(stylegan2(seed=1), 1, 2)
