"""What every test can ask for."""

import pytest
import torch

from smis_core.devices import resolve_device


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="where tests compute: cpu, cuda, mps, auto")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a CUDA device; runs with --device cuda")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if resolve_device(config.getoption("--device")).type == "cuda":
        return
    elsewhere = pytest.mark.skip(reason="needs a CUDA device: make test-gpu")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(elsewhere)


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device that `--device` names."""
    return resolve_device(request.config.getoption("--device"))
