"""The encoders of pSp and e4e: agreement with the published ones, sizes, and bad input."""

import json
import math
import zlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_files import load_golden, relative_error

from smis_core.networks.foreign_configs import PyramidEncoderConfig
from smis_core.networks.psp_encoders import Encoder4Editing, GradualStyleEncoder

LIMIT = 1e-4
PSP_LIMIT = 0.03
"""The pSp network of the golden tensors, with its weights by rule and its flat one-hot areas,
multiplies rounding by some 1e5: to round the weights in another order changes its codes by 14%, and
float32 on two machines differs as much. The limit is what the golden tensors' own rounding leaves.
Exactness is shown by e4e's network, which has the same parts and is tame, and by the test that
pSp's rows are e4e's base and deltas."""


def fill_by_rule(network: torch.nn.Module) -> None:
    """The golden weights, which follow from their names (they are too many to store)."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            source = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
            n = torch.from_numpy(source.standard_normal(value.shape).astype(np.float32))
            if name.endswith("running_var"):
                n = 1 + 0.3 * n.abs()
            elif name.endswith(("running_mean", "bias")):
                n = 0.1 * n
            elif n.ndim == 4:
                n = n * math.sqrt(2 / n[0].numel())
            elif n.ndim == 1:
                n = 1 + 0.1 * n
            value.copy_(n)


def shapes_of(network: torch.nn.Module) -> dict[str, list]:
    return {k: [[*v.shape], str(v.dtype)] for k, v in network.state_dict().items()}


def published_codes(network: torch.nn.Module, x: torch.Tensor, shapes) -> torch.Tensor:
    assert shapes_of(network) == shapes
    fill_by_rule(network)
    # In float64, so that the golden tensors' rounding is not doubled by ours. Dense layers stay in
    # float32, in which they compute.
    network.to(x.device).double().eval()
    for head in network.styles:
        head.linear.float()
    with torch.inference_mode():
        return network(x.double())


def test_golden_psp(device: torch.device) -> None:
    golden, texts = load_golden("psp_gradual_style_encoder")
    classes = texts["config"]["input_nc"]
    config = PyramidEncoderConfig(resolution=32, img_channels=classes)
    assert config.num_ws == texts["config"]["style_num"]
    x = F.one_hot(golden["labels"].long(), classes).permute(2, 0, 1)[None].float().to(device)
    codes = published_codes(GradualStyleEncoder(config), x, texts["shapes"])
    errors = [relative_error(codes[:, i], golden["codes"][:, i]) for i in range(config.num_ws)]
    assert max(errors) <= PSP_LIMIT, errors


def test_golden_e4e(device: torch.device) -> None:
    golden, texts = load_golden("e4e_encoder")
    config = PyramidEncoderConfig(resolution=texts["config"]["stylegan_size"])
    x = golden["x_32"].to(device).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    codes = published_codes(Encoder4Editing(config), x, texts["shapes"])
    assert relative_error(codes, golden["codes"]) <= LIMIT


def tiny(**changes) -> PyramidEncoderConfig:
    return PyramidEncoderConfig(
        **{"resolution": 64, "w_dim": 24, "base_channels": 16, "img_channels": 2, **changes}
    )


@pytest.fixture
def x(device: torch.device) -> torch.Tensor:
    return torch.randn(1, 2, 192, 256, generator=torch.Generator().manual_seed(0)).to(device)


@pytest.fixture(scope="module")
def e4e(device: torch.device) -> Encoder4Editing:
    torch.manual_seed(0)
    return Encoder4Editing(tiny()).to(device).eval()


@torch.inference_mode()
def test_deltas_are_switched_on_one_by_one(e4e: Encoder4Editing, x) -> None:
    full = e4e(x)
    assert full.shape == (1, 10, 24)
    base = e4e(x, stage=0)
    assert torch.equal(base, base[:, :1].expand_as(base))
    for stage in (2, 3, 7, 9):
        codes = e4e(x, stage=stage)
        assert torch.allclose(codes[:, : stage + 1], full[:, : stage + 1], atol=1e-5)
        assert torch.allclose(codes[:, stage + 1 :], base[:, stage + 1 :], atol=1e-5)
    assert not torch.allclose(full[:, 1:], base[:, 1:], atol=1e-3)


@torch.inference_mode()
def test_rows_of_psp_are_base_and_deltas_of_e4e(e4e: Encoder4Editing, x) -> None:
    psp = GradualStyleEncoder(e4e.config).to(x.device).eval()
    psp.load_state_dict(e4e.state_dict())
    rows, codes = psp(x), e4e(x)
    assert torch.allclose(rows[:, 0], codes[:, 0], atol=1e-5)
    assert torch.allclose(rows[:, 1:], codes[:, 1:] - codes[:, :1], atol=1e-5)


@torch.inference_mode()
def test_bfloat16_gives_nearly_the_same_codes(e4e: Encoder4Editing, x) -> None:
    exact = e4e(x)
    with torch.autocast(x.device.type, torch.bfloat16):
        rough = e4e(x)
    assert rough.dtype == torch.float32
    assert relative_error(rough, exact.cpu()) < 0.05


def test_every_parameter_trains(x) -> None:
    torch.manual_seed(0)
    network = GradualStyleEncoder(tiny(resolution=32)).to(x.device)
    codes = network(x)
    assert codes.shape == (1, 8, 24)
    (codes * torch.randn_like(codes)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_bad_input(e4e: Encoder4Editing, x) -> None:
    refused = [
        (lambda: e4e(x[:, :1]), r"x must be \[N, 2, 256, 256\].*\[1, 1, 192, 256\]"),
        (lambda: e4e(x[..., :128]), "resize it first"),
        (lambda: e4e(x[0]), r"x must be \[N, 2"),
        (lambda: e4e(x, stage=10), "stage must be from 0 to 9"),
        (lambda: e4e(x, stage=-1), "stage must be from 0 to 9"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()


def test_config() -> None:
    rows = [PyramidEncoderConfig(resolution=r).num_ws for r in (1024, 512, 256)]
    assert rows == [18, 16, 14]
    assert PyramidEncoderConfig.from_dict(json.loads(json.dumps(tiny().to_dict()))) == tiny()
    for values, message in [
        ({"resolution": 100}, "power of two"),
        ({"base_channels": 24}, "base_channels must be a multiple of 16"),
        ({"w_dim": 0}, "w_dim must be at least 1"),
        ({"img_channels": 0}, "img_channels must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            tiny(**values)
