"""The discriminator beyond the golden tensors."""

import pytest
import torch

from smis_core.networks import Discriminator, DiscriminatorConfig
from smis_core.networks.discriminator import append_minibatch_std


def tiny(**values) -> Discriminator:
    torch.manual_seed(0)
    sizes = {"resolution": 16, "channel_base": 128, "channel_max": 16}
    return Discriminator(DiscriminatorConfig(**{**sizes, **values}))


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_r1_trains_every_weight_in_bfloat16(architecture, device) -> None:
    network = tiny(architecture=architecture, conv_clamp=256).to(device)
    pictures = torch.randn(4, 3, 16, 16, device=device, requires_grad=True)
    with torch.autocast(device.type, torch.bfloat16):
        (slope,) = torch.autograd.grad(network(pictures).sum(), pictures, create_graph=True)
        slope.square().sum(dim=(1, 2, 3)).mean().backward()
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert parameter.grad.any(), name


def test_logits_stay_in_float32_and_depend_on_the_class(device) -> None:
    network = tiny(c_dim=3, cmap_dim=5, mapping_layers=2).to(device)
    pictures = torch.randn(4, 3, 16, 16, device=device)
    classes = torch.eye(3, device=device)
    with torch.autocast(device.type, torch.bfloat16):
        first, second = (network(pictures, classes[i].expand(4, -1)) for i in (0, 1))
    assert first.shape == (4, 1)
    assert first.dtype == torch.float32
    assert not torch.allclose(first, second)


def test_features_are_those_behind_the_logits(device) -> None:
    network = tiny().to(device)
    pictures = torch.randn(4, 3, 16, 16, device=device)
    logits, maps = network(pictures, features=True)
    assert torch.equal(logits, network(pictures))
    assert [tuple(m.shape) for m in maps] == [(4, 16, 8, 8), (4, 16, 4, 4), (4, 16, 4, 4)]
    assert torch.allclose(network.b4.out(network.b4.fc(maps[-1].flatten(1))), logits)


def test_minibatch_deviation_is_that_of_each_group() -> None:
    x = torch.zeros(8, 2, 3, 3)
    x[0], x[4] = 1, -1  # samples i and i + 4 meet in groups of two
    y = append_minibatch_std(x, 2, 2)
    assert torch.equal(y[:, :2], x)
    for sample in range(8):
        expected = 1.0 if sample in (0, 4) else 1e-4
        assert torch.allclose(y[sample, 2:], torch.tensor(expected), atol=1e-6)


def test_without_minibatch_deviation_pictures_are_judged_alone(device) -> None:
    network = tiny(mbstd_group_size=1).to(device)
    pictures = torch.randn(3, 3, 16, 16, device=device)
    alone = torch.cat([network(p) for p in pictures.split(1)])
    assert torch.allclose(network(pictures), alone, atol=1e-5)


def test_bad_input() -> None:
    network = tiny()
    with pytest.raises(ValueError, match=r"img must be \[N, 3, 16, 16\].*is \[4, 3, 8, 8\]"):
        network(torch.zeros(4, 3, 8, 8))
    with pytest.raises(ValueError, match=r"divide by 4 .* has 6 pictures; drop 2"):
        network(torch.zeros(6, 3, 16, 16))
    with pytest.raises(ValueError, match=r"c must be \[N, 3\]"):
        tiny(c_dim=3)(torch.zeros(4, 3, 16, 16))
