"""The judge's contract: what it reads, at any size, and how it is kept."""

import pytest
import torch

from smis_core.checkpoints.native import load_network, save_network
from smis_core.evaluation import PORTRAIT_ATTRIBUTES, AttributeSpec, Judge, JudgeConfig, load_judge
from smis_core.evaluation.judge import _read_places, _unfold_patches
from smis_core.evaluation.losses import patches_of

TINY = {"resolution": 32, "widths": (16, 16, 16, 32), "depths": (1, 0, 1)}


def _judge(seed=0, **changes):
    torch.manual_seed(seed)
    return Judge(JudgeConfig(**{**TINY, **changes})).eval()


@pytest.mark.parametrize("architecture", ["unet", "dilated"])
@pytest.mark.parametrize("size", [32, 64, 48])
def test_reads_pictures_of_any_size(architecture, size):
    judge = _judge(architecture=architecture)
    reading = judge(torch.rand(2, 3, size, size) * 2 - 1)
    assert reading.logits.shape == (2, 19, size, size)
    assert reading.features.shape == (2, 32)
    assert list(reading.attributes) == [spec.name for spec in PORTRAIT_ATTRIBUTES]
    assert all(values.shape == (2,) for values in reading.attributes.values())
    for spec in PORTRAIT_ATTRIBUTES:
        if spec.kind != "continuous":
            values = reading.attributes[spec.name]
            assert ((values >= 0) & (values <= 1)).all()
    labels = judge.labels(torch.zeros(1, 3, size, size))
    assert labels.dtype == torch.uint8
    assert labels.shape == (1, size, size)


def test_a_picture_is_read_alike_in_any_batch():
    judge, images = _judge(), torch.rand(5, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(judge(images).logits[3:4], judge(images[3:4]).logits)


def test_patches_hold_pixels_row_by_row():
    labels = torch.randint(0, 19, (2, 8, 8))
    patches = torch.nn.functional.one_hot(patches_of(labels), 19).float()
    assert torch.equal(_unfold_patches(patches).argmax(1), labels)


def test_places_know_where_a_class_lies_and_what_is_there():
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[:, 2:6, 8:16] = 1
    logits = 50 * torch.nn.functional.one_hot(labels, 3).float()
    features = torch.randn(1, 2, 16, 16)
    places = _read_places(logits, (features,)).view(3, 7)
    area, _, _, y, x = places[1, :5]
    assert area**2 == pytest.approx(32 / 256, rel=1e-3)
    assert y == pytest.approx(3.5 / 7.5 - 1, abs=0.02)
    assert x == pytest.approx(11.5 / 7.5 - 1, abs=0.02)
    here = features[0, :, 2:6, 8:16].mean((1, 2))
    torch.testing.assert_close(places[1, 5:], here, atol=0.02, rtol=0.05)
    assert places[2, 3:].abs().max() < 1e-3  # the class that is absent


def test_attributes_do_not_move_the_classes():
    judge = _judge().train()
    raw = judge.raw(torch.rand(4, 3, 32, 32))
    raw.attributes.sum().backward()
    assert judge.head.weight.grad is None
    assert judge.backbone.stem[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("architecture", ["unet", "dilated"])
def test_survives_the_file(tmp_path, architecture):
    judge = _judge(architecture=architecture)
    save_network(tmp_path / "judge.safetensors", judge, card={"kind": "judge"})
    again = load_network(tmp_path / "judge.safetensors", device="cpu")
    images = torch.rand(1, 3, 32, 32)
    assert again.config == judge.config
    torch.testing.assert_close(again(images).logits, judge(images).logits)
    assert isinstance(load_judge(tmp_path / "judge.safetensors", device="cpu"), Judge)


def test_config_survives_json():
    config = JudgeConfig(
        architecture="dilated", attributes=(AttributeSpec("mood", "continuous", -1, 1),)
    )
    assert JudgeConfig.from_dict(config.to_dict()) == config


def test_the_judge_that_ships_is_small():
    judge = Judge(JudgeConfig())
    assert sum(parameter.numel() for parameter in judge.parameters()) < 3.5e6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resolution": 40}, "resolution"),
        ({"num_classes": 1}, "num_classes"),
        ({"architecture": "vit"}, "dilated"),
        ({"widths": (16, 16, 20, 16)}, "widths"),
        ({"depths": (1, -1, 1)}, "depths"),
    ],
)
def test_shapes_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        JudgeConfig(**changes)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match=r"\[N, 3, H, W\]"):
        _judge()(torch.zeros(3, 32, 32))
    with pytest.raises(ValueError, match="kind"):
        AttributeSpec("mood", "fuzzy")
    with pytest.raises(FileNotFoundError):
        load_judge("nowhere.safetensors")
