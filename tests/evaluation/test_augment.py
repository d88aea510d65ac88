"""What happens to a render before a judge sees it."""

import torch

from smis_core.evaluation import PORTRAIT_ATTRIBUTES
from smis_core.evaluation.augment import augmented, mirror_table


def _batch(count=64, side=16):
    draw = torch.Generator().manual_seed(0)
    images = torch.zeros(count, side, side, 3, dtype=torch.uint8)
    images[:, :, : side // 2] = 200  # bright at the viewer's left
    labels = torch.zeros(count, side, side, dtype=torch.uint8)
    labels[:, :, : side // 2] = 5  # the subject's right eye
    attributes = {
        spec.name: torch.rand(count, generator=draw) + 0.1 for spec in PORTRAIT_ATTRIBUTES
    }
    return images, labels, attributes


def _augmented(seed=1):
    generator = torch.Generator().manual_seed(seed)
    return augmented(*_batch(), specs=PORTRAIT_ATTRIBUTES, generator=generator)


def test_pictures_labels_and_attributes_are_mirrored_together():
    images, labels, attributes = _augmented()
    before = _batch()
    bright_left = images[:, :, :, :6].mean((1, 2, 3)) > images[:, :, :, 10:].mean((1, 2, 3))
    assert 10 < int(bright_left.sum()) < 54
    assert (labels[bright_left][:, :, 0] == 5).all()
    assert (labels[~bright_left][:, :, -1] == 4).all()
    assert ((attributes["yaw"] > 0) == bright_left).all()
    assert torch.equal(attributes["mood"], before[2]["mood"])


def test_pictures_stay_pictures():
    images, _, _ = _augmented()
    assert images.dtype == torch.float32
    assert images.shape == (64, 3, 16, 16)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.min() >= -1
    assert images.max() <= 1
    clean = images[60:].mean((2, 3))  # neither blurred nor noisy
    assert (clean - (100 / 127.5 - 1)).abs().max() < 0.25


def test_the_given_renders_are_left_alone():
    images, labels, attributes = _batch()
    augmented(
        images,
        labels,
        attributes,
        specs=PORTRAIT_ATTRIBUTES,
        generator=torch.Generator().manual_seed(1),
    )
    assert torch.equal(images, _batch()[0])
    assert torch.equal(labels, _batch()[1])


def test_a_seed_gives_the_same_again_and_another_does_not():
    assert torch.equal(_augmented(1)[0], _augmented(1)[0])
    assert not torch.equal(_augmented(1)[0], _augmented(2)[0])


def test_mirroring_twice_changes_nothing():
    table = mirror_table()
    assert torch.equal(table[table.long()], torch.arange(256, dtype=torch.uint8))
    assert [int(table[index]) for index in (4, 5, 6, 7, 8, 9, 11, 13)] == [5, 4, 7, 6, 9, 8, 11, 13]
