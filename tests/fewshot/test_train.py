"""Training the encoder: it learns, resumes exactly, and refuses another run's state."""

from dataclasses import replace

import pytest
import torch

from smis_core.checkpoints.native import load_network, save_network
from smis_core.fewshot import (
    AugmentOptions,
    EncoderOptions,
    PseudoSampler,
    ValidationOptions,
    encoder_config,
    train_encoder,
)
from smis_core.fewshot.validation import Validator
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


def test_a_full_disk_does_not_end_the_training(world, tmp_path, monkeypatch):
    state = tmp_path / "state"
    whole = run(world, options=OPTIONS, state=state, state_interval_steps=2)
    assert whole[-1].warning is None
    kept = state.read_bytes()
    state.unlink()
    save, saved = torch.save, []

    def full(values, path, **named):
        saved.append(path)
        if len(saved) == 2:
            path.write_bytes(b"half")
            raise RuntimeError("PytorchStreamWriter failed: No space left on device")
        save(values, path, **named)

    monkeypatch.setattr(torch, "save", full)
    seen = []
    for step in train_encoder(
        world.generator, world.labeller, world.palette,
        options=OPTIONS, state=state, state_interval_steps=2,
    ):  # fmt: skip
        seen.append((step.warning, [path.name for path in tmp_path.iterdir()]))
    assert [warning is not None for warning, _ in seen] == [False] * 3 + [True] * 2 + [False]
    assert "No space left" in seen[3][0]
    assert "it goes on" in seen[3][0]
    assert all(names == ["state"] for _, names in seen[1:]), "half a file takes no room"
    assert state.read_bytes() == kept
    assert step.losses == whole[-1].losses


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


def test_a_validation_that_stalls_ends_the_training_early(world, tmp_path):
    options = EncoderOptions(pictures=800, batch=8)
    watch = ValidationOptions(
        masks=4, interval_steps=2, patience=2, least_gain=0.9, cooldown=0.5, shown=3
    )
    state = tmp_path / "state"
    steps = run(world, options=options, validation=watch)
    taken = [step.index + 1 for step in steps if step.validation]
    assert taken[:3] == [1, 2, 4]
    assert len(steps) == steps[-1].last + 1 < 20
    assert steps[0].last == 99
    first = steps[1].validation
    assert 0 <= first.miou <= first.best <= 1
    assert first.masks.shape == (3, 32, 32)
    assert first.images.shape == (3, 3, 32, 32)
    halves = train_encoder(
        world.generator, world.labeller, world.palette, options=options, validation=watch,
        state=state, state_interval_steps=3,
    )  # fmt: skip
    for _ in range(5):
        next(halves)
    rest = run(world, options=options, validation=watch, state=state)
    assert rest[-1].index == steps[-1].index
    for name, value in weights(steps[-1]).items():
        assert torch.equal(value, weights(rest[-1])[name]), name


def test_validation_changes_nothing_but_the_end(world):
    plain = run(world, options=OPTIONS)
    watch = ValidationOptions(masks=4, patience=0, interval_steps=4)
    watched = run(world, options=OPTIONS, validation=watch)
    assert [step.index + 1 for step in watched if step.validation] == [1, 2, 4, 6]
    assert [step.losses for step in plain] == [step.losses for step in watched]
    for name, value in weights(plain[-1]).items():
        assert torch.equal(value, weights(watched[-1])[name]), name


def test_first_looks_neither_count_as_gains_nor_as_misses(world):
    """So that training ends where it would have ended without them."""
    (step,) = run(world, options=EncoderOptions(pictures=8, batch=8))
    sampler = PseudoSampler(world.generator, world.labeller)
    validator = Validator(world.generator, world.labeller, sampler, ValidationOptions(masks=4))
    assert [steps for steps in range(1, 200) if validator.is_early(steps)] == [25, 50]
    look = validator.take(step.network, counts=False)
    assert look.best == look.miou > 0
    assert (validator.best, validator.misses) == (0.0, 0)
    validator.take(step.network)
    assert (validator.best, validator.misses) == (look.miou, 0)


def test_psps_encoder_is_a_choice_by_name(world, tmp_path):
    shape = encoder_config(world.generator, world.palette.num_classes, "psp")
    assert shape.num_ws == world.generator.num_ws
    small = replace(shape, base_channels=16)
    options = EncoderOptions(pictures=2, batch=2)
    (step,) = run(world, options=options, encoder=small)
    save_network(tmp_path / "psp.safetensors", step.network)
    network = load_network(tmp_path / "psp.safetensors", device="cpu")
    masks = torch.zeros(1, 6, 32, 32)
    assert torch.equal(network(masks), step.network.eval()(masks))
    with pytest.raises(ValueError, match="architecture"):
        encoder_config(world.generator, 6, "huge")
    with pytest.raises(ValueError, match="small encoder"):
        replace(shape, num_ws=5)


def test_an_accelerator_of_one_process_trains_alike(world):
    accelerate = pytest.importorskip("accelerate")
    alone = run(world, options=OPTIONS)
    helped = run(world, options=OPTIONS, accelerator=accelerate.Accelerator(cpu=True))
    for name, value in weights(alone[-1]).items():
        assert torch.allclose(value, weights(helped[-1])[name], atol=1e-5), name


def test_processes_share_the_batch(world):
    class Three:
        num_processes = 3
        process_index = 0

    with pytest.raises(ValueError, match="multiple of 3"):
        run(world, options=OPTIONS, accelerator=Three())
