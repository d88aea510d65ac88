"""mIoU as every figure means it, against numbers worked out by hand."""

import numpy as np
import pytest
import torch

from smis_core.evaluation import MiouMeter, bootstrap, class_groups, miou_of

TARGET = torch.tensor([[[4, 4, 5, 5], [1, 1, 255, 13]]])
PRED = torch.tensor([[[4, 5, 5, 13], [1, 4, 13, 13]]])


def test_sums_over_masks_before_dividing():
    meter = MiouMeter([1, 13])
    meter.update(torch.tensor([[[1, 1]], [[1, 13]]]), torch.tensor([[[1, 1]], [[13, 13]]]))
    result = meter.result()
    assert result.by_class == pytest.approx({"skin": 2 / 3, "hair": 1 / 2})
    assert result.miou == pytest.approx(7 / 12)
    assert result.masks == 2


def test_unpainted_pixels_count_on_neither_side():
    result = _result([1, 4, 5, 13])
    # left eye: {0} of {0, 1, 5}; right: {2} of {1, 2, 3}; skin: {4} of {4, 5}; hair: {7} of {3, 7}
    wanted = {"skin": 1 / 2, "left eye": 1 / 3, "right eye": 1 / 3, "hair": 1 / 2}
    assert result.by_class == pytest.approx(wanted)


def test_merged_values_join_left_and_right():
    result = _result([1, 4, 5, 13], merged=True)
    assert result.by_class == pytest.approx({"skin": 1 / 2, "eyes": 3 / 5, "hair": 1 / 2})


def test_pixels_of_classes_not_asked_for_are_ignored():
    result = _result([1, 13])
    # The two skin pixels and the hair pixel count; what was taken for an eye is merely missing.
    assert result.by_class == pytest.approx({"skin": 1 / 2, "hair": 1})


def test_a_class_that_nobody_shows_is_left_out():
    result = _result([1, 13, 14])
    assert np.isnan(result.by_class["hat"])
    assert result.miou == pytest.approx(3 / 4)


def test_adding_masks_together_or_one_by_one_is_the_same():
    draw = torch.Generator().manual_seed(0)
    pred, target = (torch.randint(0, 19, (5, 8, 8), generator=draw) for _ in range(2))
    whole, single = MiouMeter(merged=True), MiouMeter(merged=True)
    whole.update(pred, target)
    for index in range(5):
        single.update(pred[index : index + 1].numpy(), target[index : index + 1].numpy())
    np.testing.assert_array_equal(whole.counts[0], single.counts[0])


def test_interval_holds_the_value_and_narrows_with_agreement():
    draw = torch.Generator().manual_seed(0)
    target = torch.randint(0, 3, (40, 8, 8), generator=draw)
    noise = torch.rand(40, 8, 8, generator=draw) < torch.rand(40, 1, 1, generator=draw)
    meter, perfect = MiouMeter([0, 1, 2]), MiouMeter([0, 1, 2])
    meter.update(torch.where(noise, (target + 1) % 3, target), target)
    perfect.update(target, target)
    interval = meter.interval(resamples=200)
    assert interval.low < interval.value < interval.high
    assert interval.value == pytest.approx(meter.result().miou)
    assert (perfect.interval(resamples=10).low, perfect.interval(resamples=10).high) == (1, 1)
    assert miou_of(meter, np.array([0, 0])) == pytest.approx(miou_of(meter, np.array([0])))


def test_bootstrap_has_the_width_of_the_standard_error():
    values = np.random.default_rng(1).normal(size=400)
    interval = bootstrap(lambda chosen: float(values[chosen].mean()), 400, resamples=2000)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_groups_name_what_is_asked_for():
    assert class_groups([5, 13], merged=True) == {"eyes": (5,), "hair": (13,)}
    assert len(class_groups(merged=False)) == 19
    assert class_groups([10, 12, 11], merged=True) == {"mouth": (10, 11, 12)}


@pytest.mark.parametrize(
    ("pred", "target", "message"),
    [
        (torch.zeros(1, 4, 4, dtype=torch.long), torch.zeros(1, 8, 8, dtype=torch.long), "shape"),
        (torch.zeros(4, 4, dtype=torch.long), torch.zeros(4, 4, dtype=torch.long), "batch axis"),
        (torch.zeros(1, 4, 4), torch.zeros(1, 4, 4), "indices"),
        (torch.full((1, 4, 4), 40), torch.zeros(1, 4, 4, dtype=torch.long), "40"),
        (torch.full((1, 4, 4), -1), torch.zeros(1, 4, 4, dtype=torch.long), "-1"),
    ],
)
def test_masks_that_are_none_are_refused(pred, target, message):
    with pytest.raises(ValueError, match=message):
        MiouMeter().update(pred, target)


def test_classes_outside_the_palette_are_refused():
    with pytest.raises(ValueError, match="77"):
        MiouMeter([1, 77])
    with pytest.raises(ValueError, match="none"):
        MiouMeter([])
    with pytest.raises(ValueError, match="update"):
        MiouMeter().result()


def _result(classes, merged=False):
    meter = MiouMeter(classes, merged)
    meter.update(PRED, TARGET)
    return meter.result()
