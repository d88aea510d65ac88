"""Edits of rows: what they do, what they refuse, how they are undone."""

import json
import math

import pytest
import torch

from smis_core.editing import (
    Edit,
    LayerEdit,
    Seeded,
    apply,
    group_rows,
    latent_of,
    pca,
    rows_of,
    scaled_noise,
)
from smis_core.latents import Noise, WPlus

from .conftest import a_class, stylegan2


@pytest.fixture
def codes(generator):
    return WPlus(torch.cat([latent_of(generator, Seeded(seed)).tensor for seed in (1, 2)]))


def test_a_neutral_edit_changes_no_bit(anyone):
    label = a_class(anyone)
    code = latent_of(anyone, Seeded(1, 0.0, label))
    edit = Edit.neutral(anyone.num_ws)
    after, noise = apply(code, edit)
    assert edit.is_neutral
    assert torch.equal(after.tensor, code.tensor)
    assert noise == (1.0,) * anyone.num_ws


def test_rows_are_edited_one_by_one(generator, codes):
    directions = pca(generator, count=2)
    other = latent_of(generator, Seeded(9))
    edit = (
        Edit.neutral(generator.num_ws)
        .changed([0], strengths={"pca 1": 2.0, "pca 2": -1.0})
        .changed([1], blend=0.25)
        .changed([2], psi=0.5)
        .changed([3], noise=0.0)
    )
    after, noise = apply(codes, edit, directions, second=other, w_avg=generator.mapping.w_avg)
    w, v, mean = codes.tensor, other.tensor, generator.mapping.w_avg
    step = 2 * directions["pca 1"][0] - directions["pca 2"][0]
    assert torch.allclose(after.tensor[:, 0], w[:, 0] + step, atol=1e-5)
    assert torch.allclose(after.tensor[:, 1], 0.75 * w[:, 1] + 0.25 * v[:, 1], atol=1e-5)
    assert torch.allclose(after.tensor[:, 2], (w[:, 2] + mean) / 2, atol=1e-5)
    assert torch.equal(after.tensor[:, 3:], w[:, 3:])
    assert noise == (1, 1, 1, 0, 1, 1, 1, 1)
    back, _ = apply(codes, edit.reset())
    assert torch.equal(back.tensor, w)


def test_strength_is_added_to_what_is_blended_and_truncated(generator, codes):
    directions = pca(generator, count=1)
    edit = Edit.neutral(generator.num_ws).changed(strengths={"pca 1": 1.5}, psi=0.0, blend=1.0)
    after, _ = apply(codes, edit, directions, second=codes, w_avg=generator.mapping.w_avg)
    wanted = generator.mapping.w_avg + 1.5 * directions["pca 1"]
    assert torch.allclose(after.tensor, wanted.expand_as(after.tensor), atol=1e-5)


def test_rows_are_reset_singled_out_and_changed_again(generator):
    coarse = group_rows(generator, "coarse")
    edit = Edit.neutral(generator.num_ws).changed(strengths={"a": 1.0, "b": 2.0}, psi=0.7)
    assert edit.names == ("a", "b")
    assert all(edit.reset(coarse).rows[row] == LayerEdit() for row in coarse)
    assert edit.reset(coarse).rows[-1] == edit.rows[-1]
    alone = edit.only(coarse)
    assert alone.rows[0] == edit.rows[0]
    assert alone.rows[-1] == LayerEdit()
    assert edit.changed(strengths={"a": 0.0}).names == ("b",)
    assert edit.changed(strengths={"a": 0, "b": 0}, psi=1).is_neutral


def test_an_edit_survives_json(generator):
    edit = Edit.neutral(8).changed([2, 5], strengths={"mood": -0.5}, noise=0.2).changed(blend=1)
    again = Edit.from_dict(json.loads(json.dumps(edit.to_dict())))
    assert again == edit
    assert Edit.neutral(8).to_dict() == {"rows": [{}] * 8}
    for hostile in ({}, {"rows": [{"psi": "NaN"}]}, {"rows": [{"volume": 3}]}, {"rows": 5}):
        with pytest.raises(ValueError, match=r"wanted|psi"):
            Edit.from_dict(hostile)


@pytest.mark.parametrize(
    "row",
    [
        {"strengths": {"turn": math.nan}},
        {"strengths": {"turn": math.inf}},
        {"strengths": {"turn": 1e9}},
        {"strengths": {"turn": True}},
        {"psi": math.nan},
        {"blend": 1.5},
        {"noise": -1.0},
        {"noise": math.inf},
    ],
)
def test_numbers_out_of_range_are_refused(row):
    with pytest.raises(ValueError, match=r"wanted a number from"):
        LayerEdit(**row)


def test_what_does_not_fit_is_refused_before_any_work(generator, codes):
    directions = pca(generator, count=1)
    edit = Edit.neutral(generator.num_ws)
    with pytest.raises(ValueError, match="wanted one of 8 rows, as the latents have, got 7"):
        apply(codes, Edit.neutral(7))
    with pytest.raises(ValueError, match="moves along pca 1, but none came"):
        apply(codes, edit.changed(strengths={"pca 1": 1}))
    with pytest.raises(ValueError, match="no direction is called 'smile'"):
        apply(codes, edit.changed(strengths={"smile": 1}), directions)
    with pytest.raises(ValueError, match="second: the edit blends"):
        apply(codes, edit.changed(blend=0.5))
    with pytest.raises(ValueError, match=r"second: wanted \[2 or 1, 8, 8\]"):
        apply(codes, edit, second=WPlus(torch.zeros(1, 7, 8)))
    with pytest.raises(ValueError, match="w_avg"):
        apply(codes, edit.changed(psi=0.5))
    with pytest.raises(ValueError, match="rows: wanted"):
        edit.changed([8], psi=0.5)


def test_a_rows_noise_is_scaled_where_it_is(generator, codes):
    row = next(row for row in rows_of(generator) if row.name == "b16.conv0")
    edit = Edit.neutral(generator.num_ws).changed([row.index], noise=0.0)
    _, factors = apply(codes, edit)
    noise = scaled_noise(generator, factors)
    assert noise.maps[row.noise].abs().max() == 0
    stored = generator.synthesis.b8.conv0.noise_const
    assert torch.equal(noise.maps[1], stored)
    image = generator.synthesis(codes.tensor, noise=noise.maps)
    assert not torch.allclose(image, generator.synthesis(codes.tensor), atol=1e-4)
    found = Noise(tuple(torch.randn_like(each) for each in noise.maps))
    mine = scaled_noise(generator, (2.0,) * generator.num_ws, noise=found)
    assert torch.equal(mine.maps[3], 2 * found.maps[3])
    with pytest.raises(ValueError, match="one for each of 8 rows"):
        scaled_noise(generator, (1.0,))
    with pytest.raises(ValueError, match="a map for each of 7 layers"):
        scaled_noise(generator, factors, noise=Noise(found.maps[:2]))


def test_a_generator_without_noise_has_none(anyone):
    noise = scaled_noise(anyone, (1.0,) * anyone.num_ws)
    assert (noise is None) == (not anyone.synthesis.takes_noise)


def test_of_two_generators_directions_keep_apart(codes):
    wide = pca(stylegan2(seed=3), count=1)
    edit = Edit.neutral(8).changed(strengths={"pca 1": 1})
    with pytest.raises(ValueError, match="belong to another generator"):
        apply(WPlus(torch.zeros(1, 8, 9)), edit, wide)
