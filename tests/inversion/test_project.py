"""Inversion: it finds pictures that the generator can draw, and refuses what it cannot take."""

import pytest
import torch

from smis_core.inversion import ProjectionOptions, critic_features, feature_distance, project
from smis_core.inversion.noise_maps import autocorrelation, normalise_
from smis_core.inversion.perceptual import pixel_distance, pyramid
from smis_core.labelling import sample_ws
from smis_core.latents import WPlus
from smis_core.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=16, channel_base=256, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2
    )
    network = Generator(config).eval().requires_grad_(False)
    network.mapping.w_avg.copy_(network.mapping(torch.randn(500, 8))[:, 0].mean(0))
    return network


@pytest.fixture(scope="module")
def discriminator():
    torch.manual_seed(1)
    config = DiscriminatorConfig(resolution=16, channel_base=128, channel_max=8)
    return Discriminator(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def target(generator):
    ws = sample_ws(generator, 5, rng=torch.Generator().manual_seed(11))
    return generator.synthesis(ws).clamp(-1, 1)


@pytest.mark.parametrize("space", ["wplus", "w"])
def test_pictures_are_found_side_by_side(generator, discriminator, target, space):
    options = ProjectionOptions(steps=60, candidates=32, space=space)
    steps = list(project(generator, target, discriminator=discriminator, options=options))
    first, last = steps[0], steps[-1]
    assert [step.index for step in steps] == list(range(60))
    assert last.latent.tensor.shape == (5, generator.num_ws, 8)
    assert last.losses["pixels"] < 0.5 * first.losses["pixels"]
    assert set(last.losses) == {"pixels", "features", "prior", "rows"}
    rows_differ = (last.latent.tensor != last.latent.tensor[:, :1]).any()
    assert rows_differ == (space == "wplus")
    drawn = generator.synthesis(last.latent.tensor)
    assert (drawn - last.image).abs().max() < 0.1, "the latent is that of the picture"


def test_noise_maps_are_found_on_request(generator, target):
    options = ProjectionOptions(steps=3, candidates=0, optimise_noise=True)
    *_, last = project(generator, target[:1], options=options)
    assert len(last.noise.maps) == len(generator.synthesis.layers)
    for each in last.noise.maps:
        assert each.mean() == pytest.approx(0, abs=1e-5)
        assert each.square().mean() == pytest.approx(1, abs=1e-4)
    assert "noise" in last.losses
    *_, plain = project(generator, target[:1], options=ProjectionOptions(steps=2, candidates=0))
    assert plain.noise is None


def test_it_starts_where_it_is_told(generator, target):
    ws = sample_ws(generator, 1, rng=torch.Generator().manual_seed(2))
    options = ProjectionOptions(steps=1, learning_rate=1e-6, exploration=0)
    (step,) = project(generator, target[:1], start=WPlus(ws), options=options)
    assert torch.allclose(step.latent.tensor, ws, atol=1e-4)
    assert torch.allclose(step.image, generator.synthesis(ws), atol=1e-4)


def test_the_best_candidate_is_where_it_begins(generator, target):
    near, far = (
        next(iter(project(generator, target, options=ProjectionOptions(steps=1, candidates=count))))
        for count in (64, 0)
    )
    assert near.losses["pixels"] < far.losses["pixels"]


def test_the_same_seed_finds_the_same(generator, target):
    a, b = (
        list(project(generator, target[:1], options=ProjectionOptions(steps=3, candidates=8)))[-1]
        for _ in range(2)
    )
    assert torch.equal(a.latent.tensor, b.latent.tensor)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images: images[:, :, :8, :8], r"wanted \[N, 3, 16, 16\]"),
        (lambda images: images * 255, r"in \[-1, 1\]"),
        (lambda images: images * torch.nan, r"in \[-1, 1\]"),
    ],
)
def test_other_pictures_are_refused_before_any_work(generator, target, change, message):
    with pytest.raises(ValueError, match=message):
        project(generator, change(target))


def test_impossible_options_are_refused(generator, discriminator, target):
    with pytest.raises(ValueError, match="steps"):
        project(generator, target, options=ProjectionOptions(steps=0))
    with pytest.raises(ValueError, match="start"):
        project(generator, target, start=WPlus(torch.zeros(1, 2, 8)))
    other = Discriminator(DiscriminatorConfig(resolution=32, channel_base=128, channel_max=8))
    with pytest.raises(ValueError, match="discriminator"):
        project(generator, target, discriminator=other)


def test_a_picture_has_no_distance_to_itself_however_it_is_batched(discriminator, target):
    together = critic_features(discriminator, target)
    alone = critic_features(discriminator, target[2:3])
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a[2:3], b, atol=1e-5), "a batch must not change a picture's features"
    assert feature_distance(together, together).abs().max() == 0
    assert feature_distance(together, [each.roll(1, 0) for each in together]).min() > 0


def test_the_pyramid_sees_a_shift_more_mildly_the_coarser_it_is():
    image = torch.zeros(1, 3, 32, 32)
    image[..., 10:14, 10:14] = 1
    near, far = image.roll(1, -1), image.roll(6, -1)
    wanted = pyramid(image)
    assert [level.shape[-1] for level in wanted] == [32, 16, 8]
    assert pixel_distance(pyramid(near), wanted) < pixel_distance(pyramid(far), wanted)


def test_structure_in_noise_costs():
    torch.manual_seed(0)
    white = [torch.randn(1, 1, 32, 32)]
    smooth = [torch.nn.functional.avg_pool2d(torch.randn(1, 1, 34, 34), 3, 1)]
    normalise_(white)
    normalise_(smooth)
    assert autocorrelation(smooth) > 10 * autocorrelation(white)
