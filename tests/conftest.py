"""What every test can ask for."""

import pytest
import torch

from smis_core.devices import resolve_device


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="where tests compute: cpu, cuda, mps, auto")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device that `--device` names."""
    return resolve_device(request.config.getoption("--device"))
