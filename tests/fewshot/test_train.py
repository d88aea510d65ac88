"""Training the encoder: it learns, resumes exactly, and refuses another run's state."""

from dataclasses import replace

import pytest
import torch

from smis_core.fewshot import AugmentOptions, EncoderOptions, PseudoSampler, train_encoder
from smis_core.labels import PORTRAITS

OPTIONS = EncoderOptions(pictures=48, batch=8, learning_rate=3e-3)


def run(world, **values):
    return list(train_encoder(world.generator, world.labeller, world.palette, **values))


def weights(step):
    return {name: value.clone() for name, value in step.network.encoder.state_dict().items()}


def test_it_learns_to_find_the_latents_of_masks(world):
    options = EncoderOptions(
        pictures=640, batch=16, learning_rate=5e-3, augment=AugmentOptions(clean=1.0)
    )
    steps = run(world, options=options, folded=(5,))
    early = {n: sum(s.losses[n] for s in steps[:10]) / 10 for n in steps[0].losses}
    late = {n: sum(s.losses[n] for s in steps[-10:]) / 10 for n in steps[0].losses}
    assert set(late) == {"latent", "mask", "image", "features"}
    assert late["mask"] < 0.9 * early["mask"]
    assert late["latent"] < early["latent"]
    assert steps[-1].pictures == 640
    assert steps[-1].network.config.folded == (5,)
    assert steps[-1].network.labeller.classes == world.labeller.classes


def test_the_papers_loss_is_the_codes_alone(world):
    steps = run(world, options=OPTIONS.paper())
    assert set(steps[-1].losses) == {"latent"}
    assert steps[-1].total == pytest.approx(steps[-1].losses["latent"])


def test_stopped_and_resumed_is_the_same_as_never_stopped(world, tmp_path):
    whole = run(world, options=OPTIONS)
    state = tmp_path / "state"
    halves = train_encoder(
        world.generator,
        world.labeller,
        world.palette,
        options=OPTIONS,
        state=state,
        state_interval_steps=3,
    )
    for _ in range(4):  # the fourth step is lost
        next(halves)
    rest = run(world, options=OPTIONS, state=state)
    assert [step.index for step in rest] == [3, 4, 5]
    for name, value in weights(whole[-1]).items():
        assert torch.equal(value, weights(rest[-1])[name]), name
    again = run(world, options=OPTIONS, state=state)
    assert [step.index for step in again] == [5], "a finished run still yields its result"
    assert again[-1].losses == rest[-1].losses


def test_the_state_of_another_run_is_refused(world, tmp_path):
    state = tmp_path / "state"
    run(world, options=OPTIONS, state=state)
    with pytest.raises(ValueError, match="delete it"):
        run(world, options=replace(OPTIONS, learning_rate=1e-3), state=state)
    state.write_bytes(b"broken")
    with pytest.raises(ValueError, match="does not open"):
        run(world, options=OPTIONS, state=state)


def test_the_generator_and_the_labeller_stay_as_they_are(world):
    before = {name: value.clone() for name, value in world.generator.state_dict().items()}
    run(world, options=OPTIONS)
    after = world.generator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(parameter.grad is None for parameter in world.labeller.parameters())


def test_pictures_can_be_named_by_someone_else(world):
    seen = []

    def name(images):
        seen.append(images.shape)
        return torch.ones(len(images), 32, 32, dtype=torch.uint8)

    run(world, options=OPTIONS, picture_labeller=name)
    assert set(seen) == {(8, 3, 32, 32), (64, 3, 32, 32)}


def test_samples_come_with_their_labels_and_depend_on_the_seed(world):
    sampler = PseudoSampler(world.generator, world.labeller, style_mixing=0.5)
    a, b, c = (sampler.draw(16, rng=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(a.ws, b.ws)
    assert torch.equal(a.labels, b.labels)
    assert not torch.equal(a.ws, c.ws)
    assert a.labels.dtype == torch.uint8
    assert a.labels.shape == (16, 32, 32)
    mixed = (a.ws != a.ws[:, :1]).any(dim=2).any(dim=1)
    assert 0 < mixed.float().mean() < 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pictures": 4, "batch": 8}, "pictures and batch"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"mask_weight": -1.0}, "loss weights"),
    ],
)
def test_impossible_options_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        EncoderOptions(**values)


def test_a_labeller_of_another_palette_is_refused(world):
    with pytest.raises(ValueError, match="palette 'portraits'"):
        next(iter(train_encoder(world.generator, world.labeller, PORTRAITS, options=OPTIONS)))
