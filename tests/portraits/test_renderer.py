"""The portrait renderer: same seed, same character; exact classes; attributes that show."""

import math

import pytest
import torch

from smis_core.labels import PORTRAITS
from smis_core.portraits import BINARY, CIRCULAR, CONTINUOUS, render

BRIM = {"hat": 0.0, "glasses": 0.0, "roll": 0.0, "yaw": 0.0}


def centre(labels: torch.Tensor, index: int) -> tuple[float, float]:
    """(x, y) of a class in one mask, as shares of the picture."""
    rows, columns = torch.where(labels == index)
    side = labels.shape[-1]
    return (columns.float().mean().item() + 0.5) / side, (rows.float().mean().item() + 0.5) / side


def test_a_seed_is_the_same_character_in_any_batch() -> None:
    together = render([7, 900, 12, 5], size=64)
    for place, seed in enumerate((7, 900, 12, 5)):
        alone = render([seed], size=64)
        assert torch.equal(alone.images[0], together.images[place])
        assert torch.equal(alone.labels[0], together.labels[place])
        assert all(alone.attributes[k][0] == v[place] for k, v in together.attributes.items())


def test_a_seed_is_the_same_picture_at_every_size() -> None:
    small, large = render(range(24), size=64), render(range(24), size=256)
    shrunk = torch.nn.functional.avg_pool2d(large.images, 4)
    assert (shrunk - small.images).abs().mean() < 0.03
    assert (large.labels[:, 2::4, 2::4] == small.labels).float().mean() > 0.97
    for name, values in small.attributes.items():
        assert torch.equal(values, large.attributes[name]), name


def test_different_seeds_are_different_characters() -> None:
    images = render(range(16), size=32).images.flatten(1)
    distances = torch.cdist(images, images) + torch.eye(16) * 1e9
    assert distances.min() > 5


def test_pictures_and_masks_are_what_they_claim_to_be() -> None:
    renders = render(range(64), size=64)
    assert renders.images.shape == (64, 3, 64, 64)
    assert renders.images.dtype == torch.float32
    assert renders.images.min() >= -1
    assert renders.images.max() <= 1
    assert renders.labels.dtype == torch.uint8
    drawn = set(renders.labels.unique().tolist())
    assert drawn == set(PORTRAITS.indices) - {15, 16}  # no jewellery
    assert not renders.images.requires_grad
    (renders.images.requires_grad_() * 2).sum().backward()  # ordinary tensors, not inference ones


@pytest.mark.parametrize("name", ["left eye", "right eye", "left brow", "right brow"])
def test_what_a_person_draws_is_large_enough_at_64(name: str) -> None:
    labels = render(range(200), size=64).labels
    pixels = (labels == PORTRAITS.by_name(name).index).sum((1, 2)).float()
    assert pixels.quantile(0.05) >= 6


def test_mouth_is_large_enough_at_64() -> None:
    labels = render(range(200), size=64).labels
    pixels = ((labels >= 10) & (labels <= 12)).sum((1, 2)).float()
    assert pixels.quantile(0.05) >= 12


def test_left_is_the_subjects_left() -> None:
    labels = render([3], size=128, overrides=BRIM).labels[0]
    for left, right in ((4, 5), (6, 7), (8, 9)):
        if (labels == left).any() and (labels == right).any():
            assert centre(labels, left)[0] > centre(labels, right)[0]
    assert centre(labels, 4)[0] > 0.5


def test_the_frame_of_celebamask_is_within_reach() -> None:
    frame = {**BRIM, "x": 0.0, "y": 0.48, "scale": 1.0}
    labels = render([11], size=256, overrides=frame).labels[0]
    assert centre(labels, 5) == pytest.approx((0.38, 0.48), abs=0.02)
    assert centre(labels, 4) == pytest.approx((0.62, 0.48), abs=0.02)
    mouth = torch.where((labels >= 10) & (labels <= 12), 10, 0)
    assert centre(mouth, 10) == pytest.approx((0.5, 0.75), abs=0.03)


def test_a_turn_moves_near_parts_farther() -> None:
    def turned(yaw: float) -> torch.Tensor:
        return render([11], size=256, overrides={**BRIM, "yaw": yaw}).labels[0]

    for yaw in (-1.0, 1.0):
        shifts = {
            part: (centre(turned(yaw), part)[0] - centre(turned(0.0), part)[0])
            * math.copysign(1, yaw)
            for part in (2, 1)  # the nose stands out, the skin lies behind it
        }
        assert shifts[2] > shifts[1] + 0.02


def test_a_tilt_lowers_the_eye_on_its_side() -> None:
    labels = render([11], size=128, overrides={**BRIM, "roll": 1.0}).labels[0]
    (left_x, left_y), (right_x, right_y) = centre(labels, 4), centre(labels, 5)
    angle = math.degrees(math.atan2(left_y - right_y, left_x - right_x))
    assert angle == pytest.approx(20, abs=4)


def test_overrides_set_what_is_measured() -> None:
    renders = render([1, 2], size=64, overrides={"glasses": 1.0, "hat": torch.tensor([0.0, 1.0])})
    assert renders.attributes["glasses"].tolist() == [1, 1]
    assert [(labels == 14).any().item() for labels in renders.labels] == [False, True]
    assert all((labels == 3).sum() > 50 for labels in renders.labels)


def test_attributes_are_drawn_independently() -> None:
    attributes = render(range(1500), size=16).attributes
    names = [*CONTINUOUS, *CIRCULAR, *BINARY]
    correlations = torch.corrcoef(torch.stack([attributes[name] for name in names]))
    off_diagonal = correlations - torch.eye(len(names))
    assert off_diagonal.abs().max() < 0.12
    assert 0.15 < attributes["glasses"].mean() < 0.26
    assert 0.11 < attributes["hat"].mean() < 0.22


@pytest.mark.parametrize(
    ("seeds", "options", "message"),
    [
        ([], {}, "at least one seed"),
        ([-1], {}, "from 0 up"),
        ([1], {"size": 8}, "at least 16 pixels"),
        ([1], {"overrides": {"smile": 1.0}}, "no trait is called 'smile'"),
        ([1, 2], {"overrides": {"mood": torch.zeros(3)}}, "one value or one a seed"),
    ],
)
def test_bad_requests_are_refused(seeds: list[int], options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(seeds, **options)
