"""The mask encoder: its size, its shapes, and that it sees where something is."""

import pytest
import torch

from smis_core.networks.encoders import MaskEncoder, MaskEncoderConfig, small_config


def config(**values):
    sound = {"num_classes": 5, "resolution": 32, "num_ws": 8, "w_dim": 16}
    small = {"widths": (8, 8, 16), "bottleneck": 4, "hidden": 16, "rank": 4}
    return MaskEncoderConfig(**sound | small | values)


def test_the_shipped_shape_is_the_widest():
    shipped = {"num_classes": 19, "resolution": 128, "num_ws": 12, "w_dim": 128}
    assert small_config(**shipped) == MaskEncoderConfig(**shipped)


@pytest.mark.parametrize("num_classes", [2, 19, 151, 255])
@pytest.mark.parametrize(
    ("resolution", "num_ws", "w_dim"),
    [(128, 12, 128), (256, 14, 512), (512, 16, 512), (1024, 18, 512), (1024, 16, 512)],
)
def test_a_small_encoder_has_at_most_a_million_and_a_half_parameters(
    num_classes, resolution, num_ws, w_dim
):
    sizes = {"resolution": resolution, "num_ws": num_ws, "w_dim": w_dim}
    chosen = small_config(num_classes=num_classes, **sizes)
    with torch.device("meta"):
        encoder = MaskEncoder(chosen)
    assert sum(each.numel() for each in encoder.parameters()) <= 1_500_000
    assert chosen.rank >= 16
    assert (chosen.num_classes, chosen.num_ws, chosen.w_dim) == (num_classes, num_ws, w_dim)


def test_choosing_a_size_draws_no_random_numbers():
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    small_config(num_classes=19, resolution=1024, num_ws=18, w_dim=512)
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("resolution", [4, 16, 32, 64, 128, 256])
def test_codes_for_every_size(resolution):
    encoder = MaskEncoder(config(resolution=resolution))
    codes = encoder(torch.zeros(2, 5, resolution, resolution))
    assert codes.shape == (2, 8, 16)
    assert (codes == 0).all(), "training starts at the average picture"


def test_an_untouched_scale_is_one_and_a_set_one_multiplies():
    encoder = MaskEncoder(config())
    torch.nn.init.normal_(encoder.base.weight)
    mask = torch.rand(1, 5, 32, 32)
    before = encoder(mask)
    encoder.set_code_scale(torch.full((16,), 3.0))
    assert torch.allclose(encoder(mask), 3 * before)


def test_it_learns_where_a_small_part_is():
    torch.manual_seed(0)
    encoder = MaskEncoder(config(num_ws=1, w_dim=2, hidden=32))
    optimizer = torch.optim.Adam(encoder.parameters(), 3e-3)

    def batch(count):
        corner = torch.randint(0, 30, (count, 2))
        masks = torch.zeros(count, 5, 32, 32)
        masks[:, 0] = 1
        for index, (row, column) in enumerate(corner):
            masks[index, :, row : row + 2, column : column + 2] = 0
            masks[index, 3, row : row + 2, column : column + 2] = 1
        return masks, corner[:, None] / 15 - 1

    for _ in range(150):
        masks, places = batch(32)
        loss = (encoder(masks) - places).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    masks, places = batch(64)
    # A spread of 2 in all; a twentieth of it is one and a half pixels.
    assert (encoder(masks) - places).square().mean().sqrt() < 0.15


def test_rows_may_differ():
    encoder = MaskEncoder(config())
    torch.nn.init.normal_(encoder.deltas.weight)
    codes = encoder(torch.rand(1, 5, 32, 32))
    assert not torch.allclose(codes[:, 0], codes[:, 1])


def test_configurations_travel_as_json():
    import json

    kept = json.loads(json.dumps(config().to_dict()))
    assert MaskEncoderConfig.from_dict(kept) == config()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"resolution": 48}, "power of two"),
        ({"num_ws": 0}, "num_ws"),
        ({"widths": (8, 8, 12)}, "multiples of 8"),
    ],
)
def test_impossible_shapes_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        config(**values)


def test_a_mask_of_another_size_or_palette_is_refused():
    encoder = MaskEncoder(config())
    with pytest.raises(ValueError, match=r"wanted \[N, 5, 32, 32\]"):
        encoder(torch.zeros(1, 5, 16, 16))
    with pytest.raises(ValueError, match="palette"):
        encoder(torch.zeros(1, 4, 32, 32))
