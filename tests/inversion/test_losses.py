"""What pictures are compared by: pixels at every size, features, and the quiet of noise maps."""

import sys
from pathlib import Path

import pytest
import torch

from smis_core.inversion import (
    choose_perceptual,
    critic_features,
    feature_distance,
    load_lpips,
    lpips,
    perceptual,
    pixel_distance,
    pyramid,
)
from smis_core.inversion.losses import LossWeights, Objective
from smis_core.inversion.noise_maps import autocorrelation, normalise_

sys.path.append(str(Path(__file__).parent))
import inversion_world as world


@pytest.fixture(scope="module")
def pictures():
    return world.pictures(world.stylegan2(), 5)


def test_a_picture_has_no_distance_to_itself_however_it_is_batched(pictures):
    critic = world.discriminator()
    together = critic_features(critic, pictures)
    alone = critic_features(critic, pictures[2:3])
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


def test_pixels_count_as_much_as_they_matter(pictures):
    weight = torch.ones(1, 1, 32, 32)
    weight[..., :16] = 0
    spoilt = pictures.clone()
    spoilt[..., :16] = -1
    objective = Objective(pictures, LossWeights(l2=1, l1=1, perceptual=0), matters=weight)
    terms = objective.compare(spoilt)
    assert max(float(terms[name].max()) for name in ("l2", "l1")) == 0
    whole = Objective(pictures, LossWeights(l2=1, l1=1, perceptual=0)).compare(spoilt)
    assert float(whole["l2"].min()) > 0.1


def test_smaller_pictures_are_compared_at_their_size(pictures):
    objective = Objective(pictures, LossWeights(l2=1, pyramid=0, perceptual=0))
    small = torch.nn.functional.avg_pool2d(pictures, 4)
    assert float(objective.compare(small)["pyramid"].max()) < 1e-6
    assert float(objective.total(objective.compare(-small)).min()) > 0


def test_structure_in_noise_costs():
    torch.manual_seed(0)
    white = [torch.randn(1, 1, 32, 32)]
    smooth = [torch.nn.functional.avg_pool2d(torch.randn(1, 1, 34, 34), 3, 1)]
    normalise_(white)
    normalise_(smooth)
    assert autocorrelation(smooth) > 10 * autocorrelation(white)


def fake_weights(kind, folder):
    """Files of the published layout with random numbers."""
    torch.manual_seed(3)
    network = lpips.Lpips(kind)
    trunk, index = {}, 0
    for stage in network.stages:
        for convolution in stage:
            trunk[f"features.{index}.weight"] = convolution.weight.detach()
            trunk[f"features.{index}.bias"] = torch.randn_like(convolution.bias) * 0.1
            index += 2
    trunk["classifier.0.weight"] = torch.zeros(2, 2)
    heads = {
        f"lin{i}.model.1.weight": torch.rand(1, len(each), 1, 1)
        for i, each in enumerate(network.channel_weights)
    }
    (trunk_path, _), (heads_path, _) = lpips._files(kind, folder)
    torch.save(trunk, trunk_path)
    torch.save(heads, heads_path)
    return trunk, heads


@pytest.mark.parametrize("kind", ["vgg", "alex"])
def test_lpips_is_its_published_formula(kind, tmp_path, pictures):
    trunk, heads = fake_weights(kind, tmp_path)
    network = load_lpips(kind, folder=tmp_path)
    a, b = pictures[:1], pictures[1:2]
    ours = feature_distance(network(a), network(b))

    # The formula of the paper, layer by layer.
    pools = {"vgg": {2: 2, 4: 2, 7: 2, 10: 2}, "alex": {1: 3, 2: 3}}[kind]
    taps = {"vgg": (1, 3, 6, 9, 12), "alex": (0, 1, 2, 3, 4)}[kind]
    shapes = {"alex": {0: (4, 2), 1: (1, 2)}, "vgg": {}}[kind]
    mean = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    deviation = torch.tensor([0.458, 0.448, 0.450])[:, None, None]

    def maps(x):
        if kind == "alex":
            x = torch.nn.functional.interpolate(x, size=(35, 35), mode="bilinear")
        x, found = (x - mean) / deviation, []
        for i in range(max(taps) + 1):
            if i in pools:
                x = torch.nn.functional.max_pool2d(x, pools[i], 2)
            stride, padding = shapes.get(i, (1, 1))
            weight, bias = trunk[f"features.{2 * i}.weight"], trunk[f"features.{2 * i}.bias"]
            x = torch.nn.functional.conv2d(x, weight, bias, stride, padding).relu()
            if i in taps:
                found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found

    wanted = sum(
        ((x - y).square() * heads[f"lin{i}.model.1.weight"]).sum(1).mean()
        for i, (x, y) in enumerate(zip(maps(a), maps(b), strict=True))
    )
    assert float(ours) == pytest.approx(float(wanted), rel=1e-4)
    assert float(feature_distance(network(a), network(a))) == 0


def test_lpips_says_what_is_wrong_with_its_files(tmp_path):
    (trunk, _), _ = lpips._files("alex", tmp_path)
    fake_weights("alex", tmp_path)
    torch.save({"features.0.weight": torch.zeros(1)}, trunk)
    with pytest.raises(ValueError, match="do not fit"):
        load_lpips("alex", folder=tmp_path)
    trunk.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="does not open"):
        load_lpips("alex", folder=tmp_path)
    with pytest.raises(ValueError, match="'vgg' or 'alex'"):
        load_lpips("resnet", folder=tmp_path)


def test_another_file_than_was_published_is_not_kept(tmp_path, monkeypatch):
    def send(path, _address):
        path.write_bytes(b"a page")

    monkeypatch.setattr(lpips, "_fetch", send)
    with pytest.raises(ValueError, match="nothing was kept"):
        load_lpips("alex", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_connection_it_says_what_to_do(tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")
    requests = pytest.importorskip("requests")

    def offline(*_args, **_kwargs):
        raise requests.exceptions.ConnectionError

    monkeypatch.setattr(pooch, "retrieve", offline)
    with pytest.raises(OSError, match="alexnet-owt-7be5be79"):
        load_lpips("alex", folder=tmp_path)


def test_the_choice_of_a_perceptual_distance_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path))
    generator, critic = world.stylegan2(), world.discriminator()
    assert choose_perceptual(generator, critic).name == "the discriminator's features"
    assert choose_perceptual(generator) is None
    assert choose_perceptual(generator, critic, choice="none") is None
    (tmp_path / "lpips").mkdir()
    fake_weights("alex", tmp_path / "lpips")
    assert choose_perceptual(generator, critic).name == "LPIPS (AlexNet)"
    with pytest.raises(ValueError, match="got None"):
        choose_perceptual(generator, choice="discriminator")
    with pytest.raises(ValueError, match="'sharp'"):
        choose_perceptual(generator, critic, choice="sharp")
    with pytest.raises(ValueError, match="of 32²"):
        choose_perceptual(generator, world.discriminator(16))
    assert perceptual.discriminator_distance(critic).name
