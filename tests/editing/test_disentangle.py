"""Regressions, whitening, and directions that keep out of each other's way."""

import pytest
import torch

from smis_core.editing import Distribution
from smis_core.editing.disentangle import Whitening, ridge, unmixed, weighed_by_row


@pytest.mark.parametrize("samples", [40, 400])
def test_a_ridge_is_the_regression_either_way(samples):
    torch.manual_seed(0)
    inputs, wanted = torch.randn(samples, 60), torch.randn(60, 3)
    found = ridge(inputs, inputs @ wanted + 5, strength=1e-6)
    assert torch.allclose((inputs - inputs.mean(0)) @ found,
                          (inputs - inputs.mean(0)) @ wanted, atol=0.05)  # fmt: skip
    held = ridge(inputs, inputs @ wanted, strength=10)
    assert held.norm() < found.norm()
    with pytest.raises(ValueError, match="as many rows"):
        ridge(inputs, wanted, strength=1)
    with pytest.raises(ValueError, match="above 0"):
        ridge(inputs, inputs @ wanted, strength=0)


def test_whitening_reads_the_same():
    torch.manual_seed(0)
    mixing = torch.eye(6) + 0.3 * torch.randn(6, 6)
    samples = torch.randn(4000, 6) @ mixing
    white = Whitening(Distribution(samples.mean(0), torch.cov(samples.T)))
    whitened = white.steps(samples - white.mean)
    assert torch.allclose(torch.cov(whitened.T), torch.eye(6), atol=0.02)
    assert torch.allclose(white.back(whitened), samples - white.mean, atol=1e-3)
    normal = torch.randn(2, 6)
    read = (samples - white.mean) @ white.normals(normal).T
    assert torch.allclose(read, whitened @ normal.T, atol=1e-2)


def test_a_direction_acts_where_it_has_an_effect():
    steps, normals = torch.ones(1, 4, 5), torch.zeros(1, 4, 5)
    normals[0, 1], normals[0, 2], normals[0, 3] = 1.0, 0.25, -1.0
    weighed = weighed_by_row(steps, normals)
    assert torch.allclose(weighed[0, :, 0], torch.tensor([0.0, 1.0, 0.5, 0.0]), atol=1e-5)


def test_mixed_effects_are_taken_apart():
    torch.manual_seed(0)
    normals = torch.randn(3, 2, 8)
    steps = 0.1 * normals + 0.05 * torch.randn(3, 2, 8)

    def effects(steps):
        return torch.einsum("klw,jlw->kj", steps, normals)

    apart = effects(unmixed(steps, effects(steps), caution=1e-9))
    assert torch.allclose(apart, torch.eye(3), atol=1e-2)
    careful = effects(unmixed(steps, effects(steps), caution=1e6))
    alone = effects(steps / effects(steps).diagonal()[:, None, None])
    assert torch.allclose(careful, alone, atol=1e-2), "nothing is borrowed where it costs much"
