"""pSp's encoder for masks sees all that is painted."""

import pytest
import torch

from smis_core.fewshot.pyramid import PyramidMaskConfig, PyramidMaskEncoder


@pytest.mark.parametrize(("side", "rows"), [(64, 10), (1024, 18)])
def test_a_single_pixel_and_a_thin_line_count(side, rows):
    torch.manual_seed(0)
    config = PyramidMaskConfig(2, side, rows, 16, base_channels=16)
    encoder = PyramidMaskEncoder(config).eval().requires_grad_(False)
    masks = torch.zeros(3, 2, side, side)
    masks[:, 0] = 1
    masks[1, :, 37, 51] = torch.tensor([0.0, 1.0])
    masks[2, :, :, 51] = torch.tensor([0.0, 1.0])[:, None]
    blank, dot, line = encoder(masks)
    assert blank.shape == (rows, 16)
    assert not torch.equal(blank, dot)
    assert not torch.equal(dot, line)
    assert not torch.equal(blank, line)
