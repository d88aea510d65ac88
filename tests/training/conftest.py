import pytest
import torch

from smis_core.training import GanOptions


class Discs:
    """Coloured discs by index, drawn when asked for."""

    def __init__(self, resolution=16, count=40):
        self.resolution = resolution
        self.count = count
        self.description = f"{count} discs"

    def __len__(self):
        return self.count

    def read(self, indices):
        line = torch.linspace(-1, 1, self.resolution)
        far = line[:, None].square() + line[None].square()
        radius = torch.tensor([0.1 + 0.6 * int(i) / self.count for i in indices])
        inside = (far[None] < radius[:, None, None]).float()
        return torch.stack([inside * 2 - 1, 1 - inside, -inside], dim=1)


@pytest.fixture
def discs():
    return Discs()


@pytest.fixture
def small_options():
    return GanOptions(
        resolution=16, pictures=10_000, batch=8, z_dim=8, w_dim=8, mapping_layers=2,
        channel_base=128, channel_max=16, precision="float32", autoencoder_pictures=16,
        preview_count=4, preview_every_pictures=16,
    )  # fmt: skip
