"""Choosing a device."""

import pytest
import torch

from smis_core.devices import inference_precision, resolve_device, resolve_precision


def test_auto_prefers_an_accelerator(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device() == torch.device("cuda")


def test_what_is_named_is_taken() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("meta")) == torch.device("meta")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "must be 'auto', 'cpu'.* but is 'gpu'"),
        ("cuda", "'cuda' was asked for.*sees 0 CUDA devices.*use device='auto'"),
        ("mps", "'mps' was asked for.*no MPS device"),
    ],
)
def test_refusals(name, message, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=message):
        resolve_device(name)


CPU = torch.device("cpu")


@pytest.mark.parametrize("fast", [True, False])
def test_auto_precision_is_bfloat16_where_it_is_fast(fast: bool, monkeypatch) -> None:
    monkeypatch.setattr("smis_core.devices.has_fast_bfloat16", lambda device: fast)
    assert resolve_precision("auto", CPU) == (torch.bfloat16 if fast else torch.float32)
    assert resolve_precision("bfloat16", CPU) == torch.bfloat16
    assert resolve_precision("float32", CPU) == torch.float32


def test_precision_replaces_the_one_around_it() -> None:
    x = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with inference_precision("float32", CPU):
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == torch.bfloat16
    with inference_precision("bfloat16", CPU):
        assert (x @ x).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("precision", "message"),
    [("half", "must be one of.*but is 'half'"), ("float16", "needs a CUDA device.*bfloat16")],
)
def test_refused_precision(precision, message) -> None:
    with pytest.raises(ValueError, match=message):
        inference_precision(precision, CPU)


def test_pictures_in_bfloat16_stay_within_40_decibels() -> None:
    from smis_core.recipes.evaluate_generator import load_stylegan2

    generator = load_stylegan2(None, device="cpu")
    z = torch.randn(4, generator.config.z_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        exact = generator(z, truncation_psi=0.7)
        with inference_precision("bfloat16", CPU):
            rough = generator(z, truncation_psi=0.7)
    error = (exact - rough).square().mean(dim=(1, 2, 3))
    assert 0 < error.max() <= 2**2 / 10**4
