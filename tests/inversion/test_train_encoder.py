"""Training an image encoder: it learns, resumes exactly, and refuses other pictures."""

import sys
from pathlib import Path

import pytest
import torch

from smis_core.checkpoints import load_network, save_network
from smis_core.inversion import (
    ImageEncoder,
    ImageEncoderConfig,
    ImageEncoderOptions,
    critic_features,
    encode,
    train_image_encoder,
)

sys.path.append(str(Path(__file__).parent))
import inversion_world as world

OPTIONS = ImageEncoderOptions(pictures=480, batch=8)


@pytest.fixture(scope="module")
def generator():
    return world.stylegan2()


@pytest.fixture(scope="module")
def shown(generator):
    stock = world.pictures(generator, 64, seed=1).detach()
    return lambda first, count: stock[torch.arange(first, first + count) % 64]


@pytest.fixture(scope="module")
def steps(generator, shown):
    critic = world.discriminator()
    return list(
        train_image_encoder(
            generator,
            shown,
            features=lambda images: critic_features(critic, images),
            options=OPTIONS,
        )
    )


def test_it_learns(generator, steps):
    assert [step.index for step in steps] == list(range(1, 61))
    early, late = (
        sum(step.losses["latent"] for step in some) for some in (steps[:15], steps[-15:])
    )
    assert late < 0.9 * early
    assert "features" in steps[-1].losses
    fresh = world.pictures(generator, 6, seed=3)
    *_, trained = encode(generator, fresh, steps[-1].encoder)
    start = steps[-1].encoder.start(6)
    before = (generator.synthesis(start) - fresh).square().mean()
    assert (trained.image - fresh).square().mean() < 0.8 * before


def test_it_is_saved_and_loaded(generator, steps, tmp_path):
    save_network(tmp_path / "encoder.safetensors", steps[-1].encoder)
    loaded = load_network(tmp_path / "encoder.safetensors", device="cpu")
    assert isinstance(loaded, ImageEncoder)
    fresh = world.pictures(generator, 2, seed=3)
    assert torch.equal(loaded(fresh, fresh), steps[-1].encoder(fresh, fresh))


def test_a_killed_training_ends_as_an_undisturbed_one(generator, shown, tmp_path):
    options = ImageEncoderOptions(pictures=64, batch=8)
    *_, whole = train_image_encoder(generator, shown, options=options)
    state = tmp_path / "encoder.state"
    run = train_image_encoder(
        generator, shown, options=options, state=state, state_interval_seconds=0
    )
    for _ in range(3):
        next(run)
    run.close()
    resumed = list(train_image_encoder(generator, shown, options=options, state=state))
    assert resumed[0].index == 4
    assert resumed[-1].losses == pytest.approx(whole.losses, rel=1e-4)
    with pytest.raises(ValueError, match="other options"):
        train_image_encoder(generator, shown, options=OPTIONS, state=state)


def test_other_pictures_and_options_are_refused(generator):
    with pytest.raises(ValueError, match=r"wanted \[1, 3, 32, 32\]"):
        train_image_encoder(generator, lambda first, count: torch.zeros(count, 3, 16, 16))
    with pytest.raises(ValueError, match="even batch"):
        ImageEncoderOptions(batch=3)
    with pytest.raises(ValueError, match="multiples of 8"):
        ImageEncoderConfig(32, 8, 8, widths=(8, 8, 9))
