"""Palettes: told apart by everybody, edited without losing a pixel, taken from colours."""

import dataclasses

import numpy as np
import pytest

from smis_core._colour_vision import ciede2000, distinct_colours, lab, nearest_pair
from smis_core.labels import PORTRAITS, UNPAINTED, UNPAINTED_COLOUR, LabelClass, LabelMap, Palette
from smis_core.palettes import (
    ADE20K,
    CELEBAMASK_HQ,
    LSUN_CHURCH,
    PRESETS,
    from_colours,
    landmarks,
    numbered,
)

IDENTITY = np.arange(256)


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        # Sharma, Wu and Dalal 2005, table 1.
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1, 2), (50, 0, 0), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (61, -5, 29), 22.8977),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_of_the_paper(one, other, wanted):
    found = ciede2000(np.array(one, float), np.array(other, float))
    assert found == pytest.approx(wanted, abs=1e-4)


def test_simulated_vision_keeps_grey_and_joins_red_and_green():
    grey = [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    for vision in ("protanopia", "deuteranopia"):
        assert np.abs(lab(grey, vision) - lab(grey)).max() < 0.1
    pair = [[190, 100, 60], [140, 130, 60]]
    seen = {vision: ciede2000(*lab(pair, vision)) for vision in ("normal", "deuteranopia")}
    assert seen["deuteranopia"] < 0.5 * seen["normal"]


@pytest.mark.parametrize(
    "palette", [each for each in PRESETS.values() if len(each.classes) <= 20], ids=lambda p: p.name
)
def test_classes_and_paper_are_told_apart_by_everybody(palette):
    colours = [label.colour for label in palette.classes]
    difference, vision, one, other = nearest_pair([*colours, UNPAINTED_COLOUR])
    assert difference >= 9, (vision, one, other)


def test_presets_have_the_published_classes():
    sizes = {name: len(palette.classes) for name, palette in PRESETS.items()}
    assert sizes == {
        "portraits": 19,
        "CelebAMask-HQ": 19,
        "ADE20K": 150,
        "CelebALandmark-HQ": 71,
        "LSUN church": 151,
        "LSUN car": 5,
        "LSUN cat": 9,
        "ukiyo-e": 8,
        "anime": 2,
    }
    assert ADE20K.indices == tuple(range(1, 151))
    assert [ADE20K.by_index(index).name for index in (1, 3, 13, 150)] == [
        "wall", "sky", "person", "flag"
    ]  # fmt: skip
    assert LSUN_CHURCH.by_index(2).name == "building"
    assert CELEBAMASK_HQ.by_index(17).name == "neck"
    assert CELEBAMASK_HQ.left_right_pairs() == PORTRAITS.left_right_pairs()
    assert landmarks(3).by_index(3).name == "landmark 3"
    for palette in PRESETS.values():
        assert Palette.from_json(palette.to_json()) == palette


def test_the_table_of_colours_is_what_the_scheme_gives():
    colours = [label.colour for label in LSUN_CHURCH.classes]
    assert colours[:12] == distinct_colours(12)
    assert len(set(colours)) == 151


def test_classes_are_added_and_changed():
    palette = PORTRAITS.added("<script>alert(1)</script>")
    label = palette.classes[-1]
    assert (label.index, label.name) == (19, "<script>alert(1)</script>")
    assert nearest_pair([each.colour for each in palette.classes])[0] > 5
    assert palette.renamed(19, "scarf").by_name("scarf").index == 19
    assert palette.recoloured(19, (1, 2, 3)).by_index(19).colour == (1, 2, 3)
    assert palette.rekeyed(19, "s").by_index(19).key == "s"
    order = palette.reordered(palette.indices)
    assert [each.index for each in order.classes] == list(range(20))
    for change in (
        lambda: palette.renamed(19, "hair"),
        lambda: palette.recoloured(19, PORTRAITS.by_name("hair").colour),
        lambda: palette.renamed(77, "x"),
        lambda: palette.reordered([1, 2]),
        lambda: palette.added("hair"),
        lambda: palette.deleted(*palette.indices),
        lambda: palette.merged(1, 1),
        lambda: palette.merged(1, 99),
    ):
        with pytest.raises(ValueError, match=r"palette|class|order"):
            change()


def test_a_full_palette_says_so():
    full = numbered("full", [f"class {n}" for n in range(151)])
    for number in range(151, 255):
        full = full.added(f"class {number}", colour=(number, 1, 2), key="")
    with pytest.raises(ValueError, match="full"):
        full.added("one more", colour=(9, 9, 9))


def test_merging_and_deleting_give_the_mapping_for_the_map():
    indices = np.array([[4, 5, 13, UNPAINTED]], np.uint8)
    palette, mapping = PORTRAITS.merged(4, 5)
    assert mapping[indices].tolist() == [[4, 4, 13, UNPAINTED]]
    assert LabelMap(mapping[indices], palette).present() == (4, 13)
    palette, mapping = palette.deleted(13, 4)
    assert mapping[indices].tolist() == [[255, 5, 255, 255]]
    assert 13 not in palette.indices
    assert (np.delete(mapping, [4, 13]) == np.delete(IDENTITY, [4, 13])).all()
    counts = PORTRAITS.counts(indices)
    assert (counts[4], counts[255], counts[0], sum(counts.values())) == (1, 1, 0, 4)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "a\u202eb", "\u2028", "x" * 81, 7])
def test_names_that_are_no_text_are_refused(name):
    with pytest.raises(ValueError, match="name"):
        PORTRAITS.added(name)
    with pytest.raises(ValueError, match="name"):
        dataclasses.replace(PORTRAITS, name=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"index": "1"},
        {"index": True},
        {"index": 1.0},
        {"colour": (1, 2, "3")},
        {"colour": [1, 2, 3]},
        {"colour": (1.5, 2, 3)},
        {"key": 5},
        {"key": "\n"},
    ],
)
def test_classes_of_other_types_are_refused(fields):
    good = {"index": 1, "name": "sky", "colour": (1, 2, 3), "key": ""}
    with pytest.raises(ValueError, match="sky"):
        Palette("p", (LabelClass(**good | fields),))


def test_several_classes_may_do_without_a_key():
    first, second = LabelClass(0, "a", (0, 0, 0), ""), LabelClass(1, "b", (1, 1, 1), "")
    assert len(Palette("p", (first, second)).classes) == 2


def test_a_masks_colours_become_its_classes():
    pixels = np.full((6, 5, 3), 255, np.uint8)
    pixels[:2], pixels[2] = (10, 20, 30), (200, 0, 0)
    labels = from_colours(pixels)
    assert [each.colour for each in labels.palette.classes] == [(10, 20, 30), (200, 0, 0)]
    assert labels.indices[:, 0].tolist() == [0, 0, 1, 255, 255, 255]
    assert np.array_equal(labels.colours(), pixels)


def test_photographs_are_no_masks():
    colours = np.arange(40_000)
    mask = np.stack([colours >> 8, colours & 255, colours % 7], axis=1).astype(np.uint8)
    with pytest.raises(ValueError, match="got 40000"):
        from_colours(mask.reshape(200, 200, 3))
    with pytest.raises(ValueError, match="got 0"):
        from_colours(np.full((4, 4, 3), 255, np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        from_colours(np.zeros((4, 4), np.uint8))
