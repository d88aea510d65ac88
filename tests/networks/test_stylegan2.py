"""The generator beyond the golden tensors: features, noise, rows, training, bad input."""

import pytest
import torch
from golden_files import relative_error
from networks.contract import the_last_row_is_the_pictures

from smis_core.networks import Generator, GeneratorConfig


@pytest.fixture(scope="module")
def generator(device: torch.device) -> Generator:
    torch.manual_seed(0)
    config = GeneratorConfig(
        resolution=32, z_dim=8, w_dim=12, c_dim=3, channel_base=256, channel_max=16,
        mapping_layers=2, w_avg_beta=0.75,
    )  # fmt: skip
    network = Generator(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return network.to(device)


@pytest.fixture
def z(device: torch.device) -> torch.Tensor:
    return torch.randn(2, 8, generator=torch.Generator().manual_seed(1)).to(device)


@pytest.fixture
def c(device: torch.device) -> torch.Tensor:
    return torch.eye(3, device=device)[:2]


def test_layers_describe_their_features(generator: Generator, z, c) -> None:
    layers = generator.synthesis.layers
    assert [layer.w_row for layer in layers] == list(range(7))
    assert [layer.name for layer in layers[:3]] == ["b4.conv1", "b8.conv0", "b8.conv1"]
    assert [layer.group for layer in layers] == ["coarse"] * 3 + ["middle"] * 4
    names = [layer.name for layer in layers]
    image, features = generator.synthesis(generator.mapping(z, c), features=names)
    assert image.shape == (2, 3, 32, 32)
    assert image.dtype == torch.float32
    for layer in layers:
        side = layer.resolution
        assert features[layer.name].shape == (2, layer.channels, side, side)


def test_a_row_moves_its_layer_and_nothing_before(generator: Generator, z, c) -> None:
    the_last_row_is_the_pictures(generator, generator.mapping(z, c))


def test_noise(generator: Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    const = generator.synthesis(ws)
    stored = [
        generator.synthesis.get_buffer(f"{layer.name}.noise_const")
        for layer in generator.synthesis.layers
    ]
    assert torch.equal(generator.synthesis(ws, noise=stored), const)
    each = [m.expand(2, 1, *m.shape) for m in stored]
    assert torch.allclose(generator.synthesis(ws, noise=each), const, atol=1e-5)
    zero = [torch.zeros_like(m) for m in stored]
    none = generator.synthesis(ws, noise="none")
    assert torch.allclose(generator.synthesis(ws, noise=zero), none, atol=1e-5)
    assert not torch.allclose(none, const)
    first, second = (generator.synthesis(ws, noise="random") for _ in range(2))
    assert not torch.allclose(first, second)


def test_truncation(generator: Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    generator.mapping.w_avg.normal_()
    average = generator.mapping.w_avg.expand_as(ws)
    assert torch.allclose(generator.mapping(z, c, truncation_psi=0), average)
    mixed = generator.mapping(z, c, truncation_psi=0.25, truncation_cutoff=3)
    assert torch.allclose(mixed[:, :3], 0.75 * average[:, :3] + 0.25 * ws[:, :3], atol=1e-6)
    assert torch.equal(mixed[:, 3:], ws[:, 3:])


def test_the_average_follows_only_when_asked(generator: Generator, z, c) -> None:
    generator.mapping.w_avg.zero_()
    w = generator.mapping(z, c)[:, 0]
    assert not generator.mapping.w_avg.any()
    generator.mapping(z, c, update_w_avg=True)
    assert torch.allclose(generator.mapping.w_avg, 0.25 * w.mean(dim=0), atol=1e-6)
    assert not generator.mapping.w_avg.requires_grad


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_path_length_trains_every_parameter_in_bfloat16(architecture, device) -> None:
    config = GeneratorConfig(
        resolution=16, z_dim=8, w_dim=8, channel_base=128, channel_max=8, mapping_layers=2,
        architecture=architecture, conv_clamp=256,
    )  # fmt: skip
    network = Generator(config).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        ws = network.mapping(torch.randn(2, 8, device=device))
        image = network.synthesis(ws, noise="random")
        (slope,) = torch.autograd.grad(
            (image * torch.randn_like(image)).sum(), ws, create_graph=True
        )
        slope.square().sum(dim=2).mean(dim=1).sqrt().var().backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert all(torch.isfinite(g).all() for g in gradients.values())
    # What is added behind the last activation cannot change a slope.
    untouched = {name for name, _ in network.named_parameters()} - gradients.keys()
    assert all(name.endswith(("torgb.bias", "noise_strength")) for name in untouched), untouched


def test_bfloat16_draws_the_same_picture(generator: Generator, z, c, device) -> None:
    ws = generator.mapping(z, c)
    exact = generator.synthesis(ws)
    with torch.autocast(device.type, torch.bfloat16):
        rough, features = generator.synthesis(ws, features=["b32.conv1"])
    assert features["b32.conv1"].dtype == torch.bfloat16
    assert rough.dtype == torch.float32
    assert relative_error(rough, exact.detach().cpu()) < 0.03


def test_bad_input(generator: Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    maps = [torch.zeros(layer.resolution, 4) for layer in generator.synthesis.layers]
    refused = [
        (lambda: generator.mapping(z[:, :5], c), r"z must be \[N, 8\].*\[2, 5\] came"),
        (lambda: generator.mapping(z), r"c must be \[N, 3\].*nothing came"),
        (lambda: generator.synthesis(ws[:, :4]), r"ws must be \[N, 8, 12\]"),
        (lambda: generator.synthesis(ws, features=["b64.conv1"]), r"came with \['b64.conv1'\]"),
        (lambda: generator.synthesis(ws, noise="fresh"), "but is 'fresh'"),
        (lambda: generator.synthesis(ws, noise=maps[:2]), "a list of 2"),
        (lambda: generator.synthesis(ws, noise=maps), "the noise of b8.conv0 must be 8²"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()
