"""The loop: exact resumption, the order of things, what is refused."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from smis_core.training import GanState, train_gan

CPU = torch.device("cpu")


def everything(folder, options):
    state = GanState.load(folder, CPU, options=options)
    tensors = {}
    for name in ("generator", "average", "discriminator", "encoder"):
        tensors |= {f"{name}.{k}": v for k, v in getattr(state, name).state_dict().items()}
    for name, network, optimizer in state.optimized():
        for key, parameter in network.named_parameters():
            for moment in ("step", "exp_avg", "exp_avg_sq"):
                tensors[f"{name}.{key}.{moment}"] = optimizer.state[parameter][moment]
    return state, tensors


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_three_steps_twice_are_six_steps(tmp_path, discs, small_options, precision):
    options = replace(
        small_options, precision=precision, path_length_weight=2.0, path_length_interval_steps=2,
        flip=True,
    )  # fmt: skip
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    torch.manual_seed(1)
    steps = train_gan(discs, options=options, state=whole, device="cpu")
    six = list(islice(steps, 6))
    steps.close()
    torch.manual_seed(2)
    parts = []
    for _ in range(2):
        steps = train_gan(discs, options=options, state=halves, device="cpu")
        parts += list(islice(steps, 3))
        steps.close()
    assert [step.losses for step in parts] == [step.losses for step in six]
    state, expected = everything(whole, options)
    again, found = everything(halves, options)
    assert (again.step, again.pictures) == (state.step, state.pictures) == (6, 48)
    assert again.path_length == state.path_length > 0
    assert found.keys() == expected.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


def test_the_number_of_threads_changes_nothing(discs, small_options):
    former = torch.get_num_threads()
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            steps = train_gan(discs, options=small_options, device="cpu")
            results.append([step.losses for step in islice(steps, 3)])
            steps.close()
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(former)
    assert results[0] == results[1]


def test_shards_give_the_gradient_of_the_whole_batch(discs, small_options, monkeypatch):
    """Without batch statistics, halves and whole are the same sum."""
    options = replace(small_options, mbstd_group_size=1)
    results = []
    for shards in (1, 2):
        monkeypatch.setattr("smis_core.training.loop.CPU_SHARDS", shards)
        steps = train_gan(discs, options=options, device="cpu")
        results.append([step.losses for step in islice(steps, 3)])
        steps.close()
    for one, two in zip(*results, strict=True):
        assert two == pytest.approx(one, rel=1e-3)


def test_training_leaves_the_global_randomness_alone(discs, small_options):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    next(iter(train_gan(discs, options=small_options, device="cpu")))
    assert torch.equal(torch.rand(4), expected)


def test_losses_are_reported_where_they_are_due(discs, small_options):
    steps = list(islice(train_gan(discs, options=small_options, device="cpu"), 5))
    assert [sorted(step.losses) for step in steps] == [
        ["reconstruction"],
        ["reconstruction"],
        ["discriminator", "fake", "generator", "real"],
        ["discriminator", "fake", "generator", "real"],
        ["discriminator", "fake", "generator", "r1", "real", "reconstruction"],
    ]
    assert [step.preview is not None for step in steps] == [False, True, False, True, False]
    assert steps[1].preview.shape[0] == 3
    assert steps[-1].pictures == 40
    assert steps[-1].index == 5


def test_the_average_follows_the_generator_slowly_and_copies_w_avg(tmp_path, discs, small_options):
    options = replace(small_options, ema_rampup=None, ema_half_life_pictures=80)
    start = GanState.create(options, CPU)
    before = start.generator.synthesis.b4.const.detach().clone()
    steps = train_gan(discs, options=options, start=start, device="cpu")
    next(steps)
    now = start.generator.synthesis.b4.const.detach()
    expected = before.lerp(now, 1 - 0.5 ** (8 / 80))
    assert torch.allclose(start.average.synthesis.b4.const, expected, atol=1e-6)
    assert start.generator.mapping.w_avg.abs().sum() > 0
    assert torch.equal(start.average.mapping.w_avg, start.generator.mapping.w_avg)


def test_it_ends_at_the_pictures_asked_for_and_when_time_is_over(tmp_path, discs, small_options):
    state = tmp_path / "state"
    slice_ = list(train_gan(discs, options=small_options, state=state, minutes=1e-9, device="cpu"))
    assert len(slice_) == 1
    assert slice_[0].saved
    options = replace(small_options, pictures=20)
    rest = list(train_gan(discs, options=options, state=state, device="cpu"))
    assert [step.pictures for step in rest] == [16, 24]
    assert rest[-1].saved
    assert list(train_gan(discs, options=options, state=state, device="cpu")) == []


def test_a_discriminator_learns_to_tell(discs, small_options):
    options = replace(small_options, generator_lr=1e-9, autoencoder_pictures=0)
    steps = list(islice(train_gan(discs, options=options, device="cpu"), 12))
    assert steps[-1].losses["discriminator"] < 0.7 * steps[0].losses["discriminator"]
    assert steps[-1].losses["real"] > steps[-1].losses["fake"] + 0.5


@pytest.mark.parametrize("discriminator", ["skip", "resnet"])
def test_stylegan2s_own_discriminators_learn_to_tell_too(discs, small_options, discriminator):
    options = replace(
        small_options, generator_lr=1e-9, discriminator_lr=0.01, autoencoder_pictures=0,
        discriminator=discriminator,
    )  # fmt: skip
    steps = list(islice(train_gan(discs, options=options, device="cpu"), 12))
    assert steps[-1].losses["discriminator"] < 0.7 * steps[0].losses["discriminator"]


def test_the_generator_begins_by_reconstructing_every_picture(discs, small_options):
    """Codes of different pictures give different pictures, each nearest to its own."""
    options = replace(small_options, pictures=3200, autoencoder_pictures=3200, generator_lr=0.01)
    start = GanState.create(options, CPU)
    steps = list(train_gan(discs, options=options, start=start, device="cpu"))
    assert steps[-1].losses["reconstruction"] < 0.3 * steps[0].losses["reconstruction"]
    reals = discs.read([0, 12, 24, 36])
    with torch.no_grad():
        codes, _ = start.encoder(reals)
        again = start.generator(codes, noise="none")
    distances = (again[:, None] - reals[None]).square().mean(dim=(2, 3, 4))
    assert distances.argmin(dim=1).tolist() == [0, 1, 2, 3]


def test_errors_come_before_any_work(tmp_path, discs, small_options):
    with pytest.raises(ValueError, match="32² are wanted"):
        train_gan(discs, options=replace(small_options, resolution=32), device="cpu")
    with pytest.raises(ValueError, match="minutes"):
        train_gan(discs, options=small_options, minutes=0, device="cpu")
    discs.count = 0
    with pytest.raises(ValueError, match="no picture"):
        train_gan(discs, options=small_options, device="cpu")


def test_a_state_of_something_else_is_refused(tmp_path, discs, small_options):
    GanState.create(small_options, CPU).save(tmp_path / "state")
    with pytest.raises(ValueError, match="channel_max is 16, wanted is 8"):
        train_gan(
            discs, options=replace(small_options, channel_max=8), state=tmp_path / "state",
            device="cpu",
        )  # fmt: skip
    with pytest.raises(ValueError, match="another kind of discriminator, 'strided', than 'skip'"):
        train_gan(
            discs, options=replace(small_options, discriminator="skip"), state=tmp_path / "state",
            device="cpu",
        )  # fmt: skip
    with pytest.raises(ValueError, match="other pictures"):
        train_gan(discs, options=small_options, state=tmp_path / "state", device="cpu")


def test_losses_that_are_not_finite_end_the_training(discs, small_options):
    steps = train_gan(discs, options=replace(small_options, generator_lr=1e30), device="cpu")
    with pytest.raises(FloatingPointError, match="lower the learning rates"):
        list(islice(steps, 6))


def test_rates_fall_to_zero_over_the_cooldown(discs, small_options):
    batch = small_options.batch
    # With so short a half-life the averaged generator is the generator.
    steady = replace(small_options, autoencoder_pictures=0, ema_half_life_pictures=1e-3)
    last = {}
    for over in (0, 4 * batch):
        options = replace(steady, pictures=6 * batch, cooldown_pictures=over)
        weights = [
            torch.cat([each.flatten() for each in step.average.parameters()])
            for step in train_gan(discs, options=options, device="cpu")
        ]
        assert len(weights) == 6
        last[over] = float((weights[-1] - weights[-2]).norm())
    # A quarter of half a cosine is left: 0.15 of the rate, and Adam's steps are as long as that.
    assert 0 < last[4 * batch] < 0.3 * last[0]
