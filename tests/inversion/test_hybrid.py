"""Encoding, the hybrid and tuning: each looks at what the one before it left."""

import copy
import inspect
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from killing import killed_once

from smis_core.checkpoints import InversionConfig, InversionEncoder
from smis_core.inversion import (
    HybridOptions,
    ImageEncoder,
    ImageEncoderConfig,
    TuningOptions,
    class_labels,
    companions_of,
    draw,
    encode,
    hybrid,
    tune,
)
from smis_core.latents import StyleSpace, W, WPlus, Z

sys.path.append(str(Path(__file__).parent))
import inversion_world as world

SHORT = HybridOptions(steps=24)


@pytest.fixture(scope="module")
def generator():
    return world.stylegan2()


@pytest.fixture(scope="module")
def target(generator):
    return world.pictures(generator, 2)


@pytest.fixture(scope="module")
def encoder(generator):
    network = world.encoder(generator)
    torch.manual_seed(4)
    torch.nn.init.normal_(network.base.weight, std=0.05)
    network.mean.copy_(generator.mapping.w_avg)
    return network


def test_a_look_that_makes_it_worse_is_not_taken(generator, target, encoder):
    steps = list(encode(generator, target, encoder, refinements=3))
    assert [step.phase for step in steps] == ["encode"] * 4
    totals = [step.losses["total"] for step in steps]
    assert totals == sorted(totals, reverse=True)
    last = steps[-1]
    assert torch.allclose(draw(generator, last.latent), last.image, atol=1e-4)


def test_an_encoder_begins_with_what_the_generator_draws_now(generator, target, encoder):
    changing = copy.deepcopy(generator)
    before = list(encode(changing, target, encoder))[-1]
    with torch.no_grad():
        changing.synthesis.b4.const.mul_(-1)
    after = list(encode(changing, target, encoder))[-1]
    fresh = list(encode(copy.deepcopy(changing), target, encoder))[-1]
    assert torch.equal(after.latent.tensor, fresh.latent.tensor)
    assert not torch.equal(after.latent.tensor, before.latent.tensor)


def test_an_encoder_of_another_generator_is_refused(generator, target):
    other = world.encoder(world.stylegan2(resolution=16))
    with pytest.raises(ValueError, match="encoder: wanted"):
        encode(generator, target, other)
    wide = ImageEncoder(ImageEncoderConfig(32, generator.num_ws, 12, widths=(8, 8, 8)))
    with pytest.raises(ValueError, match="codes of"):
        hybrid(generator, target, encoder=wide)


@pytest.mark.parametrize("channels", [3, 6])
def test_encoders_of_psp_and_restyle_are_looked_through(generator, target, channels):
    config = InversionConfig(
        encoder="gradual",
        resolution=32,
        w_dim=8,
        img_channels=channels,
        base_channels=16,
    )
    torch.manual_seed(0)
    foreign = InversionEncoder(config).eval().requires_grad_(False)
    foreign.latent_avg.copy_(generator.mapping.w_avg.expand(generator.num_ws, -1))
    steps = list(encode(generator, target, foreign))
    assert len(steps) == {3: 1, 6: 2}[channels]
    assert steps[-1].latent.tensor.shape == (2, generator.num_ws, 8)
    if channels == 3:
        with pytest.raises(ValueError, match="look again"):
            encode(generator, target, foreign, refinements=1)


def test_the_hybrid_goes_on_from_the_encoder_and_grows(generator, target, encoder):
    critic = world.discriminator()
    steps = list(hybrid(generator, target, encoder=encoder, perceptual=critic, options=SHORT))
    phases = [step.phase for step in steps]
    assert phases[:2] == ["encode", "encode"]
    assert "16²" in phases
    assert phases[-1] == "32²"
    assert [step.index for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        assert step.image.shape[-1] == (16 if step.phase == "16²" else 32)
    best = steps[-1].best_so_far
    assert torch.allclose(draw(generator, best.latent), best.image, atol=0.05)
    seen = steps[1].losses["pyramid"]
    assert best.losses["pyramid"] < 0.8 * seen


@pytest.mark.parametrize("family", [world.stylegan1, world.stylegan3])
def test_other_families_start_at_the_average_and_do_not_grow(family):
    generator = family()
    target = world.pictures(generator, 1)
    steps = list(hybrid(generator, target, options=SHORT))
    assert {step.phase for step in steps} == {"32²"}
    assert steps[-1].best_so_far.losses["total"] < 0.9 * steps[0].losses["total"]


def test_a_class_is_found_or_taken():
    conditional = world.stylegan2(c_dim=3)
    targets = world.pictures(conditional, 3)
    *_, found = hybrid(conditional, targets, options=SHORT)
    assert sum(a == b for a, b in zip(found.best_so_far.classes, (0, 1, 2), strict=True)) >= 2
    first, *_, given = hybrid(conditional, targets, classes=1, options=SHORT)
    assert given.classes == (1, 1, 1)
    average = conditional.mapping(torch.randn(4000, 6), torch.eye(3)[[1] * 4000])[:, 0].mean(dim=0)
    begin = first.latent.tensor[0, 0]
    assert (begin - average).norm() < 0.5 * (begin - conditional.mapping.w_avg).norm()
    with pytest.raises(ValueError, match="from 0 to 2"):
        hybrid(conditional, targets, classes=3)


def test_it_ends_at_a_plateau(generator, target):
    options = replace(SHORT, steps=200, plateau=0.9, patience_steps=4)
    steps = list(hybrid(generator, target, options=options))
    assert len(steps) < 130
    assert steps[-1].index == steps[-1].total


def test_it_ends_in_time(generator, target):
    options = replace(SHORT, steps=10_000, time_limit_seconds=0.3)
    *_, last = hybrid(generator, target, options=options)
    assert last.index < 5_000


def test_a_killed_hybrid_ends_as_an_undisturbed_one(generator, target, encoder, tmp_path):
    *_, whole = hybrid(generator, target, encoder=encoder, options=SHORT)
    for stop in (4, 12):
        state = tmp_path / f"{stop}.state"
        steps = hybrid(generator, target, encoder=encoder, options=SHORT, state=state)
        for _ in range(stop):
            next(steps)
        inspect.getgeneratorlocals(steps)["keeper"]._next = 0.0
        next(steps)
        steps.close()
        resumed = list(hybrid(generator, target, encoder=encoder, options=SHORT, state=state))
        assert resumed[0].index == stop + 2
        assert resumed[-1].index == whole.index
        assert resumed[-1].losses["total"] == pytest.approx(whole.losses["total"], abs=1e-3)
    again = list(hybrid(generator, target, encoder=encoder, options=SHORT, state=state))
    assert again[-1].losses == pytest.approx(resumed[-1].losses)
    for others in ({"perceptual": world.discriminator()}, {"mask_loss": lambda ws: ws.mean()}):
        with pytest.raises(ValueError, match="loss or option"):
            hybrid(generator, target, encoder=encoder, options=SHORT, state=state, **others)


MORTAL = """
import pathlib, sys, time
from inversion import inversion_world as world
from smis_core.inversion import HybridOptions, hybrid, work
work._INTERVAL_SECONDS = 0.0
generator = world.stylegan2()
options = HybridOptions(steps=24)
for _ in hybrid(generator, world.pictures(generator, 2), options=options, state=sys.argv[1]):
    time.sleep(60.0 * pathlib.Path(sys.argv[1]).exists())
"""


def test_a_process_that_was_killed_loses_nothing(generator, target, tmp_path):
    state = tmp_path / "run.state"
    killed_once(tmp_path, state.name, MORTAL, str(state))
    resumed = world.drained(hybrid(generator, target, options=SHORT, state=state))
    assert resumed[0].index > 1
    *_, whole = hybrid(generator, target, options=SHORT)
    assert resumed[-1].index == whole.index
    assert resumed[-1].losses["total"] == pytest.approx(whole.losses["total"], abs=1e-3)


def test_in_a_folder_every_run_goes_on_until_it_has_ended(generator, target, tmp_path):
    """So one call serves whatever is inverted: another picture disturbs nobody's state."""
    folder = tmp_path / "inversions"
    steps = hybrid(generator, target, options=SHORT, state=folder)
    next(steps)
    inspect.getgeneratorlocals(steps)["keeper"]._next = 0.0
    next(steps)
    steps.close()
    (kept,) = folder.iterdir()
    other = hybrid(generator, target.flip(3), options=SHORT, state=folder)
    assert world.drained(other)[0].index == 1
    assert [*folder.iterdir()] == [kept]
    resumed = world.drained(hybrid(generator, target, options=SHORT, state=folder))
    assert resumed[0].index == 3
    assert not [*folder.iterdir()]
    assert next(hybrid(generator, target, options=SHORT, state=folder)).index == 1


def test_impossible_hybrids_are_refused(generator, target):
    for change in ({"steps": 0}, {"coarse_share": 1.0}, {"time_limit_seconds": 0.0}):
        with pytest.raises(ValueError, match="options: wanted"):
            HybridOptions(**change)
    with pytest.raises(ValueError, match="which has none"):
        hybrid(generator, target, classes=1)
    with pytest.raises(ValueError, match="start: wanted"):
        hybrid(generator, target, start=WPlus(torch.zeros(1, 2, 8)))


@pytest.fixture(scope="module")
def strange(generator):
    """Pictures that the generator cannot draw."""
    torch.manual_seed(9)
    return torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8) * 2 - 1, size=(32, 32))


def test_tuning_draws_what_the_code_could_not(generator, strange):
    pivot = W(generator.mapping.w_avg[None].clone())
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    options = TuningOptions(steps=40, learning_rate=0.02)
    steps = list(tune(generator, strange, pivot, options=options))
    last = steps[-1]
    assert last.best_so_far.losses["total"] < 0.7 * steps[0].losses["total"]
    after = generator.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    drawn = draw(last.generator, pivot)
    assert not torch.allclose(drawn, draw(generator, pivot), atol=1e-2)
    tuned = dict(last.generator.named_parameters())
    shared = {
        name
        for name, value in generator.named_parameters()
        if value.data_ptr() == tuned[name].data_ptr()
    }
    assert shared == {
        name
        for name in tuned
        if name.startswith("mapping") or "affine" in name or "noise_strength" in name
    }
    assert not any(value.requires_grad for value in tuned.values())


def test_tuning_that_is_ended_early_keeps_the_best(generator, strange):
    pivot = W(generator.mapping.w_avg[None].clone())
    options = TuningOptions(steps=40, learning_rate=0.5)
    steps = tune(generator, strange, pivot, options=options)
    seen = [next(steps) for _ in range(8)]
    steps.close()
    best = min(seen, key=lambda step: step.losses["total"])
    assert seen[-1].best_so_far.index == best.index
    assert torch.allclose(draw(seen[-1].generator, pivot), best.image, atol=0.05)


def test_locality_keeps_other_pictures(generator, strange):
    pivot = W(generator.mapping.w_avg[None].clone())
    others = world.pictures(generator, 8, seed=5)
    changed = []
    for weight in (0.0, 30.0):
        options = TuningOptions(
            steps=40, learning_rate=0.02, locality_weight=weight, locality_interval_steps=1
        )
        *_, last = tune(generator, strange, pivot, options=options)
        redrawn = world.pictures(last.generator, 8, seed=5)
        changed.append(float((redrawn - others).square().mean()))
    assert changed[1] < 0.8 * changed[0]


def test_a_killed_tuning_ends_as_an_undisturbed_one(generator, strange, tmp_path):
    pivot = W(generator.mapping.w_avg[None].clone())
    options = TuningOptions(steps=12, learning_rate=0.02)
    *_, whole = tune(generator, strange, pivot, options=options)
    state = tmp_path / "tune.state"
    steps = tune(generator, strange, pivot, options=options, state=state)
    for _ in range(4):
        next(steps)
    inspect.getgeneratorlocals(steps)["keeper"]._next = 0.0
    next(steps)
    steps.close()
    resumed = list(tune(generator, strange, pivot, options=options, state=state))
    assert resumed[0].index == 6
    assert resumed[-1].losses["total"] == pytest.approx(whole.losses["total"], abs=1e-3)
    critic = world.discriminator()
    with pytest.raises(ValueError, match="loss or option"):
        tune(generator, strange, pivot, perceptual=critic, options=options, state=state)


def test_a_tuning_taken_up_again_draws_its_best_step_whenever_that_was(
    generator, strange, tmp_path
):
    pivot = W(generator.mapping.w_avg[None].clone())
    options = TuningOptions(steps=4, learning_rate=5.0)  # which makes everything worse
    state = tmp_path / "tune.state"
    *_, whole = tune(generator, strange, pivot, options=options, state=state)
    *_, last = tune(generator, strange, pivot, options=options, state=state)
    best = last.best_so_far
    assert best.index == whole.best_so_far.index < last.index
    assert torch.allclose(draw(best.generator, pivot), best.image, atol=0.05)


def test_a_tuned_pivot_keeps_its_class():
    conditional = world.stylegan2(c_dim=2)
    z, target = Z(torch.randn(1, 6)), world.pictures(conditional, 1)
    *_, last = tune(conditional, target, z, classes=(1,), options=TuningOptions(steps=2))
    best = last.best_so_far
    labels = class_labels(conditional, best.classes)
    assert torch.allclose(draw(best.generator, z, labels=labels), best.image, atol=0.05)


def test_impossible_tunings_are_refused(generator, strange):
    with pytest.raises(ValueError, match="style space"):
        tune(generator, strange, StyleSpace((torch.zeros(1, 3),)))
    with pytest.raises(ValueError, match="pivot of 1 targets"):
        tune(generator, strange, W(torch.zeros(2, 8)))
    with pytest.raises(ValueError, match="options: wanted"):
        TuningOptions(learning_rate=0)


def test_a_generator_of_ones_own_has_no_companions(generator):
    found = companions_of(generator)
    assert found.encoder is None
    assert found.discriminator is None
