"""Projection: it finds pictures that the generator can draw, in every space, and can be left and
taken up again."""

import inspect
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from smis_core.inversion import (
    LossWeights,
    ProjectionOptions,
    class_labels,
    draw,
    project,
    styles_of,
)
from smis_core.latents import StyleSpace, W, WPlus, Z

sys.path.append(str(Path(__file__).parent))
import inversion_world as world

QUICK = ProjectionOptions(steps=50, unit="spread", learning_rate=0.2, exploration=0.0)


@pytest.fixture(scope="module")
def generator():
    return world.stylegan2()


@pytest.fixture(scope="module")
def target(generator):
    return world.pictures(generator, 2)


@pytest.mark.parametrize(
    ("space", "kind"), [("z", Z), ("w", W), ("wplus", WPlus), ("s", StyleSpace)]
)
def test_pictures_are_found_side_by_side_in_every_space(generator, target, space, kind):
    options = replace(QUICK, space=space, candidates=16)
    steps = list(project(generator, target, perceptual=world.discriminator(), options=options))
    first, last = steps[0], steps[-1]
    assert [step.index for step in steps] == list(range(1, 51))
    assert last.total == 50
    best = last.best_so_far
    assert isinstance(best.latent, kind)
    assert len(best.latent) == 2
    assert best.losses["total"] < 0.7 * first.losses["total"]
    assert best.losses["total"] == min(step.losses["total"] for step in steps)


@pytest.mark.parametrize("space", ["z", "w", "wplus", "s"])
def test_latent_picture_and_loss_of_a_step_belong_together(generator, target, space):
    options = replace(QUICK, space=space, steps=4, optimise_noise=False)
    for step in project(generator, target, options=options):
        assert torch.allclose(draw(generator, step.latent), step.image, atol=1e-4)


@pytest.mark.parametrize("family", [world.stylegan1, world.stylegan3])
@pytest.mark.parametrize("space", ["w", "s"])
def test_every_family_is_projected(family, space):
    generator = family()
    target = world.pictures(generator, 1)
    options = replace(QUICK, steps=25, space=space)
    *_, last = project(generator, target, options=options)
    first = next(iter(project(generator, target, options=options)))
    assert last.best_so_far.losses["total"] < 0.9 * first.losses["total"]


@pytest.mark.parametrize("family", [world.stylegan1, world.stylegan2, world.stylegan3])
@pytest.mark.parametrize("space", ["z", "w", "wplus", "s"])
@pytest.mark.parametrize("classes", [0, 2])
def test_every_family_is_searched_in_every_space_with_and_without_classes(family, space, classes):
    generator = family(c_dim=classes)
    target = world.pictures(generator, 2)
    options = replace(QUICK, steps=4, space=space, rampdown=0.0, optimise_noise=False)
    steps = list(project(generator, target, options=options))
    best = steps[-1].best_so_far
    assert best.losses["total"] < steps[0].losses["total"]
    assert (best.classes is None) == (classes == 0)
    labels = None if best.classes is None else class_labels(generator, best.classes)
    assert torch.allclose(draw(generator, best.latent, labels=labels), best.image, atol=1e-4)


def test_styles_draw_what_their_code_draws(generator):
    ws = generator.mapping(torch.randn(2, 6))
    styles = styles_of(generator, ws)
    assert len(styles.styles) == 7 + 4, "seven convolutions and four ToRGB"
    assert torch.allclose(draw(generator, styles), generator.synthesis(ws), atol=1e-5)
    with pytest.raises(ValueError, match="styles of 11 layers"):
        draw(generator, StyleSpace(styles.styles[:3]))


def test_a_class_is_found_or_taken():
    generator = world.stylegan2(c_dim=3)
    target = world.pictures(generator, 3)
    *_, found = project(generator, target, options=replace(QUICK, steps=3))
    assert sum(a == b for a, b in zip(found.classes, (0, 1, 2), strict=True)) >= 2
    *_, given = project(generator, target, classes=1, options=replace(QUICK, steps=2))
    assert given.classes == (1, 1, 1)
    with pytest.raises(ValueError, match="from 0 to 2"):
        project(generator, target, classes=[0, 1, 7])
    with pytest.raises(ValueError, match="which has none"):
        project(world.stylegan2(), target, classes=1)


def test_noise_maps_are_found_where_they_matter(generator, target):
    options = replace(QUICK, steps=3)
    *_, silent = project(generator, target, options=options)
    assert silent.noise is None, "this generator gives its noise no strength"
    *_, asked = project(generator, target, options=replace(options, optimise_noise=True))
    assert len(asked.noise.maps) == len(generator.synthesis.layers)
    for each in asked.noise.maps:
        assert each.shape[0] == 2
        assert each.mean() == pytest.approx(0, abs=1e-5)
        assert each.square().mean() == pytest.approx(1, abs=1e-4)
    assert "noise" in asked.losses
    with pytest.raises(ValueError, match="optimise_noise"):
        project(world.stylegan3(), target, options=replace(options, optimise_noise=True))


def test_it_starts_where_it_is_told(generator, target):
    ws = generator.mapping(torch.randn(2, 6))
    options = replace(QUICK, steps=1, space="wplus")
    (step,) = project(generator, target, start=WPlus(ws), options=options)
    assert torch.allclose(step.latent.tensor, ws)
    assert torch.allclose(step.image, generator.synthesis(ws), atol=1e-5)


def test_the_best_candidate_is_where_it_begins(generator, target):
    near, far = (
        next(iter(project(generator, target, options=replace(QUICK, candidates=count))))
        for count in (64, 0)
    )
    assert near.losses["pyramid"] < far.losses["pyramid"]


def test_the_same_seed_finds_the_same(generator, target):
    options = replace(QUICK, steps=4, exploration=0.05, candidates=8)
    a, b = (list(project(generator, target, options=options))[-1] for _ in range(2))
    assert torch.equal(a.latent.tensor, b.latent.tensor)
    other = list(project(generator, target, options=replace(options, seed=1)))[-1]
    assert not torch.equal(a.latent.tensor, other.latent.tensor)


@pytest.mark.parametrize(
    ("space", "classes"), [("z", 0), ("w", 0), ("s", 0), ("wplus", 3), ("s", 3)]
)
def test_a_run_that_was_killed_ends_as_an_undisturbed_one(tmp_path, space, classes):
    generator = world.stylegan2(c_dim=classes)
    target = world.pictures(generator, 2)
    options = replace(QUICK, steps=12, space=space, exploration=0.05, optimise_noise=True)
    *_, whole = project(generator, target, options=options)
    state = tmp_path / "run.state"
    steps = project(generator, target, options=options, state=state)
    for _ in range(5):
        next(steps)
    frame = inspect.getgeneratorlocals(steps)
    frame["keeper"]._next = 0.0  # as if five seconds had passed
    next(steps)
    steps.close()
    resumed = list(project(generator, target, options=options, state=state))
    assert resumed[0].index == 7
    assert resumed[-1].losses["total"] == pytest.approx(whole.losses["total"], abs=1e-5)
    again = list(project(generator, target, options=options, state=state))
    assert again[-1].losses == pytest.approx(resumed[-1].losses), "a finished run gives its result"
    with pytest.raises(ValueError, match="another picture"):
        project(generator, target.flip(3), options=options, state=state)
    state.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="does not open"):
        project(generator, target, options=options, state=state)


def test_a_state_goes_on_with_its_own_losses_alone(generator, target, tmp_path):
    """The best so far was measured by them."""
    options, state = replace(QUICK, steps=2), tmp_path / "run.state"
    critic = world.discriminator()
    world.drained(project(generator, target, perceptual=critic, options=options, state=state))
    for others in ({}, {"perceptual": critic, "mask_loss": lambda ws: ws.mean((1, 2))}):
        with pytest.raises(ValueError, match="loss or option"):
            project(generator, target, options=options, state=state, **others)
    assert world.drained(
        project(generator, target, perceptual=critic, options=options, state=state)
    )


def test_a_full_disk_does_not_end_the_work(generator, target, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    options = replace(QUICK, steps=3)
    *_, last = project(generator, target, options=options, state=tmp_path / "run.state")
    assert last.index == 3
    assert "No space left" in last.warning
    assert "goes on" in last.warning
    assert not list(tmp_path.iterdir())


def test_what_comes_between_two_steps_is_not_work(generator, target):
    import time

    steps = project(generator, target, options=replace(QUICK, steps=3))
    first = next(steps)
    time.sleep(0.3)
    second = next(steps)
    begun = time.perf_counter()
    third = next(steps)
    assert third.seconds - second.seconds <= time.perf_counter() - begun
    assert second.seconds - first.seconds < 0.3


def test_a_step_remembers_the_best(generator, target):
    steps = list(project(generator, target, options=replace(QUICK, learning_rate=30.0, steps=12)))
    best = min(steps, key=lambda step: step.losses["total"])
    assert steps[-1].best_so_far.index == best.index
    assert [step.best for step in steps].count(True) < 12, "such a rate must leave the best behind"


def test_what_a_mask_leaves_out_does_not_matter(generator, target):
    spoilt = target[:1].clone()
    spoilt[..., 16:] = 1.0
    weight = torch.ones(1, 1, 32, 32)
    weight[..., 16:] = 0
    options = replace(QUICK, space="wplus")
    critic = world.discriminator()
    *_, masked = project(generator, spoilt, weight=weight, perceptual=critic, options=options)
    *_, fooled = project(generator, spoilt, perceptual=critic, options=options)

    def error(step):
        drawn = draw(generator, step.best_so_far.latent)
        return (drawn - target[:1]).square().mean()

    assert error(masked) < 0.7 * error(fooled)


def test_a_labellers_reading_joins_the_losses(generator, target):
    def bright(ws):
        return (generator.synthesis(ws).mean(dim=(1, 2, 3)) - 0.5).square()

    options = replace(QUICK, losses=LossWeights(mask=100.0))
    *_, without = project(generator, target, options=QUICK)
    *_, with_it = project(generator, target, mask_loss=bright, options=options)
    assert "mask" not in without.losses
    gap = (without.image.mean(dim=(1, 2, 3)) - 0.5).square().mean()
    assert with_it.losses["mask"] < 0.5 * gap


def test_a_mask_has_nothing_to_read_in_style_space(generator, target):
    with pytest.raises(ValueError, match="search in z, w or wplus"):
        project(
            generator, target, mask_loss=lambda ws: ws.mean(), options=replace(QUICK, space="s")
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images: images[:, :, :8, :8], r"wanted \[N, 3, 32, 32\]"),
        (lambda images: images * 255, r"in \[-1, 1\]"),
        (lambda images: images * torch.nan, r"in \[-1, 1\]"),
        (lambda images: torch.zeros_like(images), "single colour"),
    ],
)
def test_other_pictures_are_refused_before_any_work(generator, target, change, message):
    with pytest.raises(ValueError, match=message):
        project(generator, change(target))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.zeros(1, 1, 32, 32), "covers nothing"),
        (-torch.ones(1, 1, 32, 32), "at least 0"),
        (torch.ones(1, 1, 8, 8), "weight: wanted"),
    ],
)
def test_other_masks_are_refused(generator, target, weight, message):
    with pytest.raises(ValueError, match=message):
        project(generator, target, weight=weight)


def test_impossible_options_are_refused(generator, target):
    with pytest.raises(ValueError, match="steps"):
        ProjectionOptions(steps=0)
    with pytest.raises(ValueError, match="space"):
        ProjectionOptions(space="v")
    with pytest.raises(ValueError, match="l2 of at least 0"):
        LossWeights(l2=-1)
    with pytest.raises(ValueError, match="nothing would compare"):
        LossWeights(pyramid=0, perceptual=0)
    with pytest.raises(ValueError, match="start"):
        project(generator, target, start=WPlus(torch.zeros(1, 2, 8)))
    with pytest.raises(ValueError, match="perceptual: wanted a discriminator of 32²"):
        project(generator, target, perceptual=world.discriminator(16))


@pytest.mark.parametrize("name", ["stylegan2", "image2stylegan", "psp", "e4e", "pti"])
def test_published_weights_are_presets(generator, target, name):
    options = replace(QUICK, steps=2, losses=getattr(LossWeights, name)())
    *_, last = project(generator, target, perceptual=world.discriminator(), options=options)
    assert "perceptual" in last.losses
    assert last.losses["total"] > 0
