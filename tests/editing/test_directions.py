"""Directions: whose they are, what a step is, how they are kept."""

import json
import struct
from dataclasses import replace

import pytest
import torch

from smis_core.checkpoints import fingerprint, read_card
from smis_core.editing import (
    Directions,
    Edit,
    EditState,
    cached_directions,
    cached_path,
    distribution_of_w,
    group_rows,
    identify,
    latent_of,
    load_directions,
    pca,
    positions,
    save_directions,
    sefa,
)
from smis_core.editing.dials import readings
from smis_core.editing.state import Seeded
from smis_core.latents import WPlus
from smis_core.networks import Generator, GeneratorConfig

from .conftest import SIZES, stylegan2


def hand_made(generator, **changes):
    shape = (2, generator.num_ws, generator.config.w_dim)
    steps = torch.randn(shape)
    parts = {
        "names": ("one", "two"), "steps": steps, "normals": steps.clone(),
        "centre": torch.zeros(shape[2]), "generator": identify(generator), "method": "by hand",
    }  # fmt: skip
    return Directions(**{**parts, **changes})


def test_a_file_gives_them_back(generator, tmp_path):
    found = sefa(generator, rows=[0, 1, 2], count=3)
    path = tmp_path / "deep" / "sefa.safetensors"
    save_directions(path, found, card={"licence": "MIT"})
    again = load_directions(path, generator)
    assert again.names == found.names
    assert (again.method, again.settings) == ("SeFa", found.settings)
    assert torch.equal(again.steps, found.steps)
    assert torch.equal(again.normals, found.normals)
    assert read_card(path) == {"licence": "MIT"}
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_another_generator_is_refused_with_the_reason(generator, tmp_path):
    path = tmp_path / "d.safetensors"
    save_directions(path, pca(generator, count=2))
    with pytest.raises(ValueError, match="mapping network is another"):
        load_directions(path, stylegan2(seed=1))
    wider = {**SIZES, "resolution": 64}
    larger = Generator(GeneratorConfig(**wider, mapping_layers=2))
    with pytest.raises(ValueError, match="8 rows of 8, but this one has 10 rows"):
        load_directions(path, larger)


def test_a_tuned_copy_keeps_its_directions(generator, tmp_path):
    path = tmp_path / "d.safetensors"
    save_directions(path, pca(generator, count=2))
    before = fingerprint(generator)
    generator.synthesis.b8.conv0.weight += 0.1
    assert fingerprint(generator) != before
    assert len(load_directions(path, generator)) == 2


@pytest.mark.parametrize("harm", ["cut", "other file", "renamed tensor", "missing", "hostile name"])
def test_a_damaged_file_is_refused(generator, tmp_path, harm):
    path = tmp_path / "d.safetensors"
    if harm != "missing":
        save_directions(path, pca(generator, count=2))
        data = path.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + length])
        if harm == "cut":
            data = data[:-50]
        elif harm == "other file":
            data = b"\x89PNG" + data
        elif harm == "renamed tensor":
            header["paces"] = header.pop("steps")
        else:
            config = json.loads(header["__metadata__"]["config"])
            config["names"][0] = "\x1b[2J"
            header["__metadata__"]["config"] = json.dumps(config)
        if harm in ("renamed tensor", "hostile name"):
            text = json.dumps(header).encode()
            data = struct.pack("<Q", len(text)) + text + data[8 + length :]
        path.write_bytes(data)
    with pytest.raises((ValueError, FileNotFoundError), match=r"d\.safetensors|names:"):
        load_directions(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"names": ("one", "one")}, "each once"),
        ({"names": ("one", " ")}, "letters"),
        ({"names": ("one",)}, "1 directions"),
        ({"centre": torch.full((8,), torch.nan)}, "finite"),
        ({"steps": torch.full((2, 8, 8), torch.inf)}, "finite"),
        ({"steps": torch.zeros(2, 7, 8)}, "wanted floats"),
        ({"circles": {"hue": ("one", "three")}}, "circles"),
        ({"middles": {"hue": (0.0, 0.0)}}, "middles"),
        ({"circles": {"hue": ("one", "two")}, "middles": {"hue": (0.0, float("nan"))}}, "middles"),
    ],
)
def test_parts_that_do_not_fit_are_refused(generator, changes, reason):
    with pytest.raises(ValueError, match=reason):
        hand_made(generator, **changes)


def test_a_step_is_a_deviation_and_raises_its_reading_by_one(anyone):
    label = 1 if anyone.config.c_dim else None
    found = pca(anyone, count=3, label=label)
    codes = WPlus(torch.cat([latent_of(anyone, Seeded(s, 0.0, label)).tensor for s in range(400)]))
    read = found.read(codes)
    assert torch.allclose(read.std(dim=0), torch.ones(3), atol=0.15)
    assert read.mean(dim=0).abs().max() < 0.2
    for index, name in enumerate(found.names):
        moved = found.read(WPlus(codes.tensor[:1] + found[name])) - read[:1]
        assert moved[0, index] == pytest.approx(1, abs=1e-4)
        assert moved[0].abs().sum() == pytest.approx(1, abs=1e-3)


def test_they_are_chosen_renamed_joined_and_kept_to_rows(generator):
    coarse = sefa(generator, rows=group_rows(generator, "coarse"), count=2)
    every = pca(generator, count=2)
    both = coarse.joined(every).renamed({"sefa 2": "tilt"})
    assert both.names == ("sefa 1", "tilt", "pca 1", "pca 2")
    assert both.rows("tilt") == group_rows(generator, "coarse")
    assert torch.equal(both.select(["pca 2"]).steps, every.steps[1:])
    fine = both.select(["pca 1"]).within([6, 7])
    assert fine.rows("pca 1") == (6, 7)
    assert (fine.steps * fine.normals).sum() == pytest.approx(1, abs=1e-4)
    with pytest.raises(ValueError, match="does nothing in"):
        both.within([7])
    with pytest.raises(ValueError, match="both sets have pca 1"):
        both.joined(every)
    with pytest.raises(ValueError, match="'smile'; there are"):
        both["smile"]
    with pytest.raises(ValueError, match="rows: wanted"):
        every.within([8])


def test_a_circle_is_reached_from_everywhere(generator, tmp_path):
    found = pca(generator, count=2)
    found = Directions(**{**vars(found), "circles": {"hue": found.names}})
    for seed in (1, 2):
        code = latent_of(generator, Seeded(seed))
        strengths = found.towards("hue", 0.25, wplus=code, radius=3)
        moved = code.tensor + sum(value * found[name] for name, value in strengths.items())
        assert torch.allclose(found.read(WPlus(moved)), torch.tensor([[0.0, 3.0]]), atol=1e-3)
    # Around another middle than the average: after the file, and as part of a state.
    off = replace(found, middles={"hue": (0.5, -1.0)})
    save_directions(tmp_path / "off.safetensors", off)
    edit = Edit.neutral(generator.num_ws).changed(strengths=dict.fromkeys(off.names, 0.5))
    state = EditState(generator=found.generator, a=Seeded(1), edit=edit, directions=off)
    kept = EditState.from_bytes(state.to_bytes()).directions
    for each in (load_directions(tmp_path / "off.safetensors"), kept):
        strengths = each.towards("hue", 0.25, wplus=code, radius=3)
        moved = WPlus(code.tensor + sum(value * found[name] for name, value in strengths.items()))
        assert torch.allclose(found.read(moved), torch.tensor([[0.5, 2.0]]), atol=1e-3)
        assert torch.allclose(
            each.around("hue", each.read(moved)), torch.tensor([[0.0, 3.0]]), atol=1e-3
        )
        assert readings(each, moved)["hue"] == pytest.approx(0.25, abs=1e-3)
        assert positions(each, moved)["hue"].item() == pytest.approx(0.25, abs=1e-3)
    assert off.select(off.names[:1]).middles == {}
    with pytest.raises(ValueError, match="no circle"):
        found.towards("colour", 0.0)
    with pytest.raises(ValueError, match="wanted numbers"):
        found.towards("hue", float("nan"))


def test_the_spread_of_w_is_that_of_its_class():
    generator = stylegan2(c_dim=3)
    one, other = (distribution_of_w(generator, label=label, samples=500) for label in (0, 1))
    assert not torch.allclose(one.mean, other.mean, atol=1e-2)
    with pytest.raises(ValueError, match="a class from 0 to 2, got None"):
        distribution_of_w(generator)


def test_a_second_call_computes_nothing(generator, tmp_path):
    calls = []

    def make():
        calls.append(1)
        return sefa(generator, count=2)

    settings = {"count": 2}
    first = cached_directions(generator, "sefa", settings, make, folder=tmp_path)
    again = cached_directions(generator, "sefa", settings, make, folder=tmp_path)
    assert torch.equal(first.steps, again.steps)
    assert len(calls) == 1
    cached_path(generator, "sefa", settings, folder=tmp_path).write_bytes(b"broken")
    cached_directions(generator, "sefa", settings, make, folder=tmp_path)
    cached_directions(stylegan2(seed=1), "sefa", settings, make, folder=tmp_path)
    assert len(calls) == 3
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    assert len(cached_directions(generator, "sefa", settings, make, folder=nowhere)) == 2
