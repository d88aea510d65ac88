"""Seeds, neighbours, mixtures, order, grids."""

from decimal import Decimal
from itertools import pairwise

import pytest
import torch

from smis_core.editing import (
    LARGEST_SEED,
    Seeded,
    between,
    filtered_by,
    group_rows,
    latent_of,
    mixing_grid,
    neighbours,
    ordered_by,
    pca,
    split_seed,
    walk_z,
)
from smis_core.latents import WPlus, sample_z

from .conftest import a_class, stylegan2


@pytest.mark.parametrize(
    ("typed", "seed"),
    [
        (42, (42, 0.0)),
        (42.25, (42, 0.25)),
        ("7.5", (7, 0.5)),
        (str(LARGEST_SEED), (LARGEST_SEED, 0.0)),
        (Decimal(2**62) + Decimal("0.125"), (2**62, 0.125)),
        (0, (0, 0.0)),
    ],
)
def test_a_seed_is_read_exactly(typed, seed):
    assert split_seed(typed) == seed


@pytest.mark.parametrize(
    "typed", [-1, LARGEST_SEED + 1, "9223372036854775807.5", float("nan"), "inf", "", "seven",
              None, True, [1], "1" * 200, float(2**63)],
)  # fmt: skip
def test_what_is_no_seed_is_refused(typed):
    with pytest.raises(ValueError, match="from 0 to 9223372036854775807"):
        split_seed(typed)


def test_a_walk_leads_from_seed_to_seed_at_full_length():
    start, end = (sample_z([seed], 64).tensor for seed in (5, 6))
    assert torch.equal(walk_z(5, 0.0, 64).tensor, start)
    assert torch.allclose(walk_z(5, 1 - 1e-9, 64).tensor, end, atol=1e-5)
    lengths = sorted((float(start.norm()), float(end.norm())))
    places = [walk_z(5, index / 20, 64).tensor for index in range(20)]
    for place in places:
        assert lengths[0] - 1e-3 <= float(place.norm()) <= lengths[1] + 1e-3
    paces = [float((a - b).norm()) for a, b in pairwise(places)]
    assert max(paces) < 1.1 * min(paces)
    assert walk_z(LARGEST_SEED, 0.0, 8).tensor.shape == (1, 8)
    assert torch.isfinite(walk_z(3, 0.5, 1).tensor).all()
    for seed, fraction in ((LARGEST_SEED + 1, 0), (-1, 0), (LARGEST_SEED, 0.5), (1, 1), (1.0, 0)):
        with pytest.raises(ValueError, match=r"seed|fraction"):
            walk_z(seed, fraction, 8)


def test_neighbours_differ_where_asked_and_as_far_as_asked(anyone):
    label = a_class(anyone)
    one = latent_of(anyone, Seeded(1, 0.0, label))
    rows = list(group_rows(anyone, "middle"))
    near = neighbours(anyone, one, count=6, rows=rows, radius=0.2, label=label)
    again = neighbours(anyone, one, count=4, rows=rows, radius=0.2, label=label)
    assert torch.equal(near.tensor[:4], again.tensor)
    rest = [row for row in range(anyone.num_ws) if row not in rows]
    assert torch.equal(near.tensor[:, rest], one.tensor[:, rest].expand(6, -1, -1))
    away = neighbours(anyone, one, count=6, rows=rows, radius=0.9, label=label)
    distances = [(each.tensor - one.tensor).norm(dim=(1, 2)).mean() for each in (near, away)]
    assert 0 < distances[0] < distances[1]
    same = neighbours(anyone, one, count=2, radius=0, label=label)
    assert torch.equal(same.tensor, one.tensor.expand(2, -1, -1))
    assert not torch.equal(
        near.tensor, neighbours(anyone, one, count=6, rows=rows, radius=0.2, seed=99,
                                label=label).tensor
    )  # fmt: skip


def test_neighbours_are_as_likely_as_samples(generator):
    ws = torch.cat([latent_of(generator, Seeded(seed)).tensor for seed in range(200)])
    found = torch.cat(
        [neighbours(generator, WPlus(w[None]), count=1, radius=0.6, seed=1000 + index).tensor
         for index, w in enumerate(ws)]
    )  # fmt: skip
    spreads = [(each[:, 0] - each[:, 0].mean(0)).square().sum(1).mean() for each in (ws, found)]
    assert spreads[1] / spreads[0] == pytest.approx(1, abs=0.2)


def test_between_lies_between(generator):
    ends = WPlus(torch.cat([latent_of(generator, Seeded(seed)).tensor for seed in (1, 2, 3)]))
    line = between(WPlus(ends.tensor[:2]), count=3)
    assert torch.allclose(line.tensor[1], ends.tensor[:2].mean(0), atol=1e-5)
    inside = between(ends, count=20, seed=4)
    assert torch.equal(inside.tensor, between(ends, count=20, seed=4).tensor)
    low, high = ends.tensor.amin(0) - 1e-5, ends.tensor.amax(0) + 1e-5
    assert ((inside.tensor >= low) & (inside.tensor <= high)).all()
    with pytest.raises(ValueError, match="at least two"):
        between(WPlus(ends.tensor[:1]))


def test_samples_are_put_in_order_and_filtered(generator):
    directions = pca(generator, count=2)
    mean = directions.centre.expand(1, generator.num_ws, -1)
    places = [0.5, -2.0, 3.0, 0.0]
    codes = WPlus(torch.cat([mean + place * directions["pca 1"] for place in places]))
    assert ordered_by(directions, "pca 1", codes) == (1, 3, 0, 2)
    assert ordered_by(directions, "pca 1", codes, descending=True) == (2, 0, 3, 1)
    assert filtered_by(directions, {"pca 1": (-0.1, 1.0)}, codes) == (0, 3)
    assert filtered_by(directions, {"pca 1": (2.5, float("inf")), "pca 2": (5, 6)}, codes) == ()
    with pytest.raises(ValueError, match="no direction"):
        filtered_by(directions, {"smile": (0, 1)}, codes)
    with pytest.raises(ValueError, match="lowest and highest"):
        filtered_by(directions, {"pca 1": (1, 0)}, codes)
    with pytest.raises(ValueError, match="wplus: wanted"):
        ordered_by(directions, "pca 1", WPlus(torch.zeros(1, 7, 8)))


def test_a_grid_pairs_everyone(generator):
    down = WPlus(torch.randn(2, 8, 8))
    across = WPlus(torch.randn(3, 8, 8))
    grid = mixing_grid(down, across, rows=range(4, 8)).tensor.view(2, 3, 8, 8)
    for row in range(2):
        for column in range(3):
            assert torch.equal(grid[row, column, :4], down.tensor[row, :4])
            assert torch.equal(grid[row, column, 4:], across.tensor[column, 4:])
    with pytest.raises(ValueError, match="same rows"):
        mixing_grid(down, WPlus(torch.randn(3, 7, 8)), rows=[1])


def test_unfit_requests_are_refused():
    generator = stylegan2(c_dim=3)
    one = latent_of(generator, Seeded(1, 0.0, 1))
    with pytest.raises(ValueError, match="a class from 0 to 2"):
        neighbours(generator, one)
    with pytest.raises(ValueError, match="radius from 0 to 1"):
        neighbours(generator, one, radius=2, label=0)
    with pytest.raises(ValueError, match=r"wanted \[1, 8, 8\]"):
        neighbours(generator, WPlus(torch.zeros(2, 8, 8)), label=0)
