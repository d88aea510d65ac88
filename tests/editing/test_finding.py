"""Finding directions: what each method promises, on every family."""

import pytest
import torch

from smis_core.editing import (
    Seeded,
    boundary,
    distribution_of_w,
    feature_pca,
    group_rows,
    latent_of,
    pair_direction,
    pca,
    rows_of,
    sefa,
)
from smis_core.editing.rows import style_affines
from smis_core.latents import WPlus

from .conftest import a_class


def codes_of(generator, seeds):
    label = a_class(generator)
    return WPlus(torch.cat([latent_of(generator, Seeded(s, 0.0, label)).tensor for s in seeds]))


def test_rows_are_the_networks_own_table(anyone):
    rows = rows_of(anyone)
    assert [row.index for row in rows] == list(range(anyone.num_ws))
    assert [row.name for row in rows[: len(anyone.synthesis.layers)]] == [
        layer.name for layer in anyone.synthesis.layers
    ]
    named = [index for group in ("coarse", "middle", "fine") for index in group_rows(anyone, group)]
    assert sorted(named) == list(range(anyone.num_ws))
    assert (rows[0].noise is not None) == anyone.synthesis.takes_noise
    with pytest.raises(ValueError, match="coarse, middle, fine"):
        group_rows(anyone, "large")


def test_the_affine_of_a_row_is_what_the_row_moves(anyone):
    ws = codes_of(anyone, [0]).tensor
    moved = []
    for path, row, affine in style_affines(anyone.synthesis):
        seen = []
        hook = affine.register_forward_hook(lambda m, i, o, seen=seen: seen.append(i[0].clone()))
        other = ws.clone()
        other[:, row] += 1
        anyone.synthesis(ws)
        anyone.synthesis(other)
        hook.remove()
        moved.append(path)
        assert not torch.equal(seen[0], seen[1]), path
        assert torch.equal(seen[0], ws[:, row]), path
    assert len(moved) == len(set(moved)) >= anyone.num_ws - 1


def test_sefa_moves_styles_most(anyone):
    rows = group_rows(anyone, "coarse")
    found = sefa(anyone, rows=rows, count=3, label=a_class(anyone))
    assert all(found.rows(name) == rows for name in found.names)
    weights = [
        affine.weight / affine.weight.norm().clamp_min(1e-6)
        for _, row, affine in style_affines(anyone.synthesis)
        if row in rows
    ]

    def change(n):
        return float(sum((weight @ n).square().sum() for weight in weights))

    units = [step[rows[0]] / step[rows[0]].norm() for step in found.steps]
    changes = [change(unit) for unit in units]
    assert changes == sorted(changes, reverse=True)
    rivals = torch.nn.functional.normalize(torch.randn(50, len(units[0])), dim=1)
    assert changes[0] >= max(change(rival) for rival in rivals)
    assert abs(float(units[0] @ units[1])) < 1e-4


def test_components_of_w_are_its_widest(anyone):
    found = pca(anyone, count=2, label=a_class(anyone))
    first, second = (step[0] for step in found.steps)
    assert first.norm() >= second.norm()
    assert abs(float(first @ second)) < 1e-3 * float(first.norm() * second.norm())


def test_components_of_features_move_them(anyone):
    layer = anyone.synthesis.layers[1]
    steps = list(feature_pca(anyone, layer.name, count=2, samples=64, label=a_class(anyone)))
    assert [step.index for step in steps] == [1, 2, 3, 4]
    assert [step.directions is not None for step in steps] == [False, False, False, True]
    found = steps[-1].directions
    assert found.names == (f"{layer.name} 1", f"{layer.name} 2")
    ws = codes_of(anyone, range(12)).tensor

    def features(ws):
        return anyone.synthesis(ws, features=[layer.name])[1][layer.name]

    def change(step):
        return float((features(ws + step) - features(ws)).norm())

    rows = found.rows(found.names[0])
    assert rows == tuple(range(layer.w_row + 1))
    covariance = distribution_of_w(anyone, label=a_class(anyone)).covariance
    rivals = []
    for rival in torch.nn.functional.normalize(torch.randn(20, ws.shape[2]), dim=1):
        step = torch.zeros_like(found.steps[0])
        step[list(rows)] = rival * (rival @ covariance @ rival).sqrt()
        rivals.append(change(step))
    assert change(found.steps[0]) > sum(rivals) / len(rivals)


def test_finding_stops_where_the_layer_is(generator):
    seen = []
    hook = generator.synthesis.b32.conv1.register_forward_hook(lambda *_: seen.append(1))
    list(feature_pca(generator, "b8.conv1", count=2, samples=8))
    hook.remove()
    assert not seen
    assert not generator.synthesis.b8.conv1._forward_hooks


@pytest.mark.parametrize("examples", [3, 40])
def test_a_boundary_is_learnt_from_few_examples(anyone, examples):
    codes = codes_of(anyone, range(300)).tensor
    agreements = []
    for draw in range(4):
        torch.manual_seed(draw)
        secret = torch.nn.functional.normalize(torch.randn(anyone.config.w_dim), dim=0)
        truth = codes[:, 0] @ secret
        order = truth.argsort(descending=True)
        picked = torch.randperm(60)[:examples]
        more, less = (WPlus(codes[ends[picked]]) for ends in (order[:60], order.flip(0)[:60]))
        found = boundary(anyone, more, less, name="it", label=a_class(anyone))
        assert float(found["it"][0] @ secret) > 0
        read = found.read(WPlus(codes))[:, 0]
        agreements.append(float(torch.corrcoef(torch.stack([read, truth]))[0, 1]))
    assert sum(agreements) / len(agreements) > (0.6 if examples == 3 else 0.85)


def test_pairs_give_what_they_share(anyone):
    before = codes_of(anyone, range(6))
    change = torch.randn(anyone.config.w_dim)
    moved = before.tensor.clone()
    moved[:, :2] += change + 0.05 * torch.randn(6, 1, len(change))
    found = pair_direction(anyone, before, WPlus(moved), name="p", label=a_class(anyone))
    assert found.rows("p") == (0, 1)
    assert torch.cosine_similarity(found["p"][0], change, dim=0) > 0.99


def test_unfit_examples_are_refused(generator):
    codes = codes_of(generator, range(4))
    broken = codes.tensor.clone()
    broken[0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="more: wanted finite"):
        boundary(generator, WPlus(broken), codes, name="x")
    with pytest.raises(ValueError, match="in both piles"):
        boundary(generator, codes, WPlus(codes.tensor[:1]), name="x")
    with pytest.raises(ValueError, match=r"less: wanted latents \[N, 8, 8\]"):
        boundary(generator, codes, WPlus(codes.tensor[:, :7]), name="x")
    with pytest.raises(ValueError, match="as many latents"):
        pair_direction(generator, codes, WPlus(codes.tensor[:2]), name="x")
    with pytest.raises(ValueError, match="do not differ"):
        pair_direction(generator, codes, codes, name="x")
    with pytest.raises(ValueError, match="layer: wanted one of"):
        feature_pca(generator, "b64.conv1")
    with pytest.raises(ValueError, match="count: wanted 1 to 8"):
        sefa(generator, count=9)
    with pytest.raises(ValueError, match="rows: wanted"):
        pca(generator, rows=[], count=2)
    with pytest.raises(ValueError, match="has no classes"):
        pca(generator, count=2, label=1)
