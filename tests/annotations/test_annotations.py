"""Annotations from other programs, written here by hand from their descriptions."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from smis_core.annotations import (
    decode_rle,
    from_one_hot,
    from_sparse,
    match_names,
    read_ade20k,
    read_annotation,
    read_celebamask_parts,
    read_coco,
    read_labelme,
    read_mask,
    to_sparse,
    translated,
)
from smis_core.labels import PORTRAITS, LabelClass, LabelMap, Palette

TWO = Palette("two", (LabelClass(1, "hair", (1, 2, 3), "h"), LabelClass(5, "eye", (4, 5, 6), "e")))


def written(path, document):
    path.write_text(json.dumps(document))
    return path


def labelme(shapes, width=20, height=10):
    return {"version": "5", "shapes": shapes, "imageWidth": width, "imageHeight": height}


def shape(label, kind, points):
    return {"label": label, "shape_type": kind, "points": points}


def png(inside):
    """A PNG in base64, as Labelme writes masks."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(inside, dtype=np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_names_match_across_spellings() -> None:
    found = match_names(["l_eye", "Right-Brow", "u_lip", "l_lip", "HAIR", "eye_g"], PORTRAITS)
    assert found == {"l_eye": 4, "Right-Brow": 7, "u_lip": 11, "l_lip": 12, "HAIR": 13, "eye_g": 3}
    with pytest.raises(ValueError, match=r"no class for 'beard'.*mapping=\{'beard': NAME\}"):
        match_names(["beard", "hair"], PORTRAITS)
    chosen = match_names(
        ["beard", "moustache"], PORTRAITS, mapping={"beard": "skin", "moustache": None}
    )
    assert chosen == {"beard": 1, "moustache": 255}


def test_a_map_of_another_palette_is_translated() -> None:
    there = LabelMap(np.array([[1, 255], [1, 1]], dtype=np.uint8), TWO)
    assert translated(there, PORTRAITS).indices.tolist() == [[13, 255], [13, 13]]
    with_eye = LabelMap(np.array([[1, 5], [1, 1]], dtype=np.uint8), TWO)
    with pytest.raises(ValueError, match="'eye'"):
        translated(with_eye, PORTRAITS)
    mapped = translated(with_eye, PORTRAITS, mapping={"eye": "left eye"})
    assert mapped.indices.tolist() == [[13, 4], [13, 13]]


def test_labelme_shapes_cover_one_another_in_order(tmp_path) -> None:
    shapes = [
        shape("hair", "rectangle", [[0, 0], [9, 9]]),
        shape("eye", "polygon", [[2, 2], [6, 2], [6, 6], [2, 6]]),
        shape("hair", "point", [[4, 4]]),
        shape("eye", "line", [[15, 0], [15, 9]]),
    ]
    painted = read_labelme(written(tmp_path / "a.json", labelme(shapes)), TWO, line_width=1).indices
    assert painted.shape == (10, 20)
    assert painted[0, 0] == 1
    assert painted[3, 3] == 5
    assert painted[4, 4] == 1
    assert (painted[:, 15] == 5).all()
    assert painted[0, 19] == 255


def test_labelme_shapes_bring_their_pixels(tmp_path) -> None:
    inside = np.array([[1, 0, 1], [0, 1, 0]])
    bitmap = shape("hair", "mask", [[2, 3], [4, 4]]) | {"mask": png(inside)}
    beyond = shape("eye", "mask", [[18, 0], [20, 1]]) | {"mask": png(inside)}
    painted = read_labelme(written(tmp_path / "a.json", labelme([bitmap, beyond])), TWO).indices
    assert np.array_equal(painted[3:5, 2:5] == 1, inside == 1)
    assert (painted == 1).sum() == 3
    assert np.argwhere(painted == 5).tolist() == [[0, 18], [1, 19]]


def test_coco_polygons_and_run_lengths_agree(tmp_path) -> None:
    mask = np.zeros((10, 20), dtype=bool)
    mask[2:6, 3:9] = True
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat, prepend=False))
    runs = np.diff([0, *edges, flat.size]).tolist()
    assert np.array_equal(decode_rle(runs, 10, 20), mask)
    assert np.array_equal(decode_rle(compressed(runs), 10, 20), mask)
    polygon = [3, 2, 8, 2, 8, 5, 3, 5]
    document = {
        "images": [{"id": 7, "width": 20, "height": 10, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "Hair"}, {"id": 2, "name": "eye"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "segmentation": [[4, 3, 6, 3, 6, 4]]},
            {"id": 2, "image_id": 7, "category_id": 1, "segmentation": [polygon]},
            {"id": 3, "image_id": 8, "category_id": 1, "segmentation": [polygon]},
            {"id": 4, "image_id": 7, "category_id": 1, "segmentation": []},
        ],
    }
    by_polygon = read_coco(written(tmp_path / "p.json", document), TWO)
    assert np.array_equal(by_polygon.indices != 255, mask)
    assert by_polygon.indices[3, 5] == 5  # the smaller one lies on top, whatever the order
    for counts in (runs, compressed(runs)):
        document["annotations"][1]["segmentation"] = {"size": [10, 20], "counts": counts}
        by_runs = read_coco(written(tmp_path / "r.json", document), TWO, image="a.jpg")
        assert by_runs == by_polygon


def compressed(runs):
    """Run lengths as COCO's text."""
    text = ""
    for place, run in enumerate(runs):
        value = run - (runs[place - 2] if place > 2 else 0)
        while True:
            group, value = value & 31, value >> 5
            more = value != (-1 if group & 16 else 0)
            text += chr(48 + group + 32 * more)
            if not more:
                break
    return text


def test_long_run_lengths_survive_their_text() -> None:
    runs = [5, 70_000, 3, 1, 40_000, 200_000]
    height, width = sum(runs), 1
    mask = decode_rle(compressed(runs), height, width)
    assert np.array_equal(mask, decode_rle(runs, height, width))
    assert mask.sum() == 70_000 + 1 + 200_000


@pytest.mark.parametrize("counts", ["~", "0P", "5", [3, 4], [-1, 201], [1.5, 198.5]])
def test_run_lengths_that_are_none(counts) -> None:
    with pytest.raises(ValueError, match="run"):
        decode_rle(counts, 10, 20)


def test_celebamask_parts_are_laid_over_one_another(tmp_path) -> None:
    def part(name, box, side=16):
        picture = Image.new("RGB", (side, side))
        picture.paste((255, 255, 255), box)
        picture.save(tmp_path / f"00003_{name}.png")

    part("skin", (2, 2, 14, 14))
    part("l_eye", (8, 4, 10, 6))
    part("hair", (0, 0, 16, 3))
    labels = read_celebamask_parts(tmp_path, 3)
    assert labels.indices[5, 9] == PORTRAITS.by_name("left eye").index
    assert labels.indices[2, 5] == PORTRAITS.by_name("hair").index
    assert labels.indices[15, 15] == 0
    with pytest.raises(FileNotFoundError, match="portrait 4"):
        read_celebamask_parts(tmp_path, 4)
    part("hat", (0, 0, 1, 1), side=8)
    with pytest.raises(ValueError, match=r"00003_hat\.png: 16 x 16 was wanted"):
        read_celebamask_parts(tmp_path, 3)


def test_ade20k_writes_other_as_zero(tmp_path) -> None:
    Image.fromarray(np.array([[0, 1], [5, 5]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert read_ade20k(tmp_path / "a.png", TWO).indices.tolist() == [[255, 1], [5, 5]]


def test_one_hot_planes_give_the_map_back() -> None:
    labels = LabelMap(np.array([[1, 255], [5, 1]], dtype=np.uint8), TWO)
    assert from_one_hot(labels.one_hot(), TWO) == labels
    assert from_one_hot(labels.one_hot()[0].numpy() * 0.4, TWO) == labels
    with pytest.raises(ValueError, match=r"\[6, H, W\].*got \[3, 2, 2\]"):
        from_one_hot(np.zeros((3, 2, 2)), TWO)
    with pytest.raises(ValueError, match="NaN"):
        from_one_hot(np.full((6, 2, 2), np.nan), TWO)


def test_the_papers_sparse_masks_go_there_and_back() -> None:
    theirs = np.array([[0, 1], [5, 0]], dtype=np.uint8)
    labels = from_sparse(theirs, TWO)
    assert labels.indices.tolist() == [[255, 1], [5, 255]]
    assert np.array_equal(to_sparse(labels), theirs)
    with pytest.raises(ValueError, match="background"):
        to_sparse(LabelMap(np.zeros((2, 2), dtype=np.uint8)))


def test_files_are_told_apart_by_content(tmp_path) -> None:
    labels = LabelMap(np.eye(8, dtype=np.uint8) * 4 + 1, TWO)
    labels.save(tmp_path / "m.png")
    assert read_annotation(tmp_path / "m.png", TWO) == labels
    drawn = labelme([shape("eye", "point", [[3, 2]])])
    assert read_annotation(written(tmp_path / "l.txt", drawn), TWO).indices[2, 3] == 5
    coco = {
        "images": [{"id": 1, "width": 4, "height": 4}],
        "categories": [{"id": 1, "name": "hair"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "segmentation": {"size": [4, 4], "counts": [0, 16]},
            }
        ],
    }
    assert (read_annotation(written(tmp_path / "c", coco), TWO).indices == 1).all()


@pytest.mark.parametrize("name", ["m.png", "m.npz", "m.svg"])
def test_a_mask_that_brings_its_palette_is_read_by_names(tmp_path, name) -> None:
    labels = LabelMap(np.array([[1, 255], [1, 1]], dtype=np.uint8), TWO)
    labels.save(tmp_path / name)
    assert read_mask(tmp_path / name, PORTRAITS).indices.tolist() == [[13, 255], [13, 13]]
    LabelMap(np.array([[1, 5], [1, 1]], dtype=np.uint8), TWO).save(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name}.*no class for 'eye'"):
        read_mask(tmp_path / name, PORTRAITS)
    mapped = read_annotation(tmp_path / name, PORTRAITS, mapping={"eye": "left eye"})
    assert mapped.indices.tolist() == [[13, 4], [13, 13]]


def test_any_other_mask_has_the_indices_of_the_palette(tmp_path) -> None:
    Image.fromarray(np.array([[1, 5], [5, 5]], dtype=np.uint8)).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png", TWO).indices.tolist() == [[1, 5], [5, 5]]


def test_names_that_a_palette_lacks_become_classes_of_their_own(tmp_path) -> None:
    shapes = [shape("Hair", "point", [[0, 0]]), shape("beard", "point", [[4, 4]])]
    path = written(tmp_path / "a.json", labelme(shapes))
    labels = read_annotation(path, TWO, extend=True)
    assert labels.palette.classes[:2] == TWO.classes
    assert [each.name for each in labels.palette.classes[2:]] == ["beard"]
    assert labels.indices[0, 0] == 1
    assert labels.indices[4, 4] == labels.palette.by_name("beard").index
    decided = read_annotation(path, TWO, mapping={"beard": None}, extend=True)
    assert decided.palette == TWO
    assert decided.present() == (1,)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "JSON is a list"),
        ({"shapes": 3}, "no shapes"),
        (labelme([shape("hair", "polygon", [[0, 0], [1, 1]])]), "at least 3 points"),
        (labelme([shape("hair", "blob", [[0, 0]])]), "got 'blob'"),
        (labelme([shape("hair", "point", [[float("nan"), 0]])]), "far outside"),
        (labelme([shape("hair", "point", [["a", 0]])]), r"a list of \(x, y\)"),
        (labelme([shape("tail", "point", [[1, 0]])]), "'tail'"),
        (labelme([shape("hair", "mask", [[0, 0], [1, 1]])]), "PNG in base64 of 2 x 2"),
        (
            labelme([shape("hair", "mask", [[0, 0], [1, 1]]) | {"mask": png([[1, 1, 1]])}]),
            "this one is 3 x 1",
        ),
        (labelme([shape("hair", "mask", [[0, 0], [1, 1]]) | {"mask": "%"}]), "PNG in base64"),
        (labelme([shape("hair", "mask", [[0, 0], [1, 1]]) | {"mask": "aGFpcg=="}]), "PNG in"),
        (labelme([], width=10**9), "1 to 8192 pixels"),
        ({"images": [], "categories": []}, "annotations was wanted|annotations"),
        ({"images": [], "categories": [], "annotations": []}, "image= the id"),
    ],
)
def test_files_that_are_none_say_why(tmp_path, document, message) -> None:
    path = written(tmp_path / "a.json", document)
    reader = read_coco if isinstance(document, dict) and "images" in document else read_labelme
    with pytest.raises(ValueError, match=message):
        reader(path, TWO)
    with pytest.raises(FileNotFoundError):
        read_annotation(tmp_path / "absent.json")
