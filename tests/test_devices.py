"""Choosing a device."""

import pytest
import torch

from smis_core.devices import resolve_device


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
