"""A project's folder opens as it was left, whatever happened to it; nothing in it is lost."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from smis_core.checkpoints import fingerprint, load_generator, save_network
from smis_core.fewshot import FewshotProject, ProjectSettings
from smis_core.fewshot.project import project_generator
from smis_core.labels import PORTRAITS, UNPAINTED, LabelClass, LabelMap, Palette
from smis_core.latents import WPlus

sys.path.append(str(Path(__file__).parent))
from tiny_world import PALETTE, shades, tiny_generator

SPARSE = Palette("marks", (LabelClass(2, "eye", (255, 0, 0), "1"), LabelClass(4, "cross", (0, 0, 9), "2")))  # fmt: skip  # noqa: E501


@pytest.fixture
def project(world, tmp_path):
    return FewshotProject.create(tmp_path / "mine", PALETTE, generator=world.generator)


def annotated(project, seed=3):
    picture = project.add_sample(seed)
    labels = LabelMap(shades(picture.image)[0].numpy(), PALETTE)
    project.annotate(picture.name, labels)
    return picture.name, labels


def reopened(project):
    return FewshotProject.open(project.folder, generator=project.generator)


def test_it_opens_as_it_was_left(project):
    name, labels = annotated(project)
    project.add_photograph(torch.rand(1, 3, 40, 48) * 2 - 1, name="me at sea.jpg")
    project.set_settings(ProjectSettings(pictures=500, patience=2, seed=9))
    again = reopened(project)
    assert again.problems == ()
    assert list(again.pictures) == [name, "me at sea"]
    assert again.pictures[name].annotation == labels
    assert again.pictures[name].seed == 3
    assert torch.equal(again.pictures[name].wplus.tensor, project.pictures[name].wplus.tensor)
    assert again.pictures["me at sea"].source == "me at sea.jpg"
    assert again.pictures["me at sea"].wplus is None
    assert again.settings == project.settings
    assert again.palette == PALETTE
    assert again.digest() == project.digest()


def test_what_it_teaches(project):
    name, labels = annotated(project)
    taught = project.annotated()
    assert torch.equal(taught.labels[0], torch.from_numpy(labels.indices.copy()))
    assert taught.wplus.tensor.shape == project.pictures[name].wplus.tensor.shape
    assert any("jewel" in note for note in project.notes()), "no picture shows it"


def test_annotations_of_other_sizes_are_brought_to_the_pictures(project):
    name, _ = annotated(project)
    other = project.add_sample(4).name
    large = np.zeros((96, 96), dtype=np.uint8)
    large[10, 10], large[50:] = 5, 3  # one pixel of a jewel survives
    project.annotate(other, LabelMap(large, PALETTE))
    assert project.annotated().labels.shape == (2, 32, 32)
    assert 5 in project.annotated().classes
    assert reopened(project).pictures[other].annotation.width == 96, "kept as it was painted"
    assert name in project.pictures


def test_a_foreign_palette_is_mapped_by_names_or_asked_for(project):
    name = project.add_sample(1).name
    foreign = Palette("other", tuple(LabelClass(i, n, (i, 9, 9), "") for i, n in ((7, "LIGHT"), (9, "dark"))))  # fmt: skip  # noqa: E501
    indices = np.full((32, 32), 7, dtype=np.uint8)
    indices[:9] = 9
    kept = project.annotate(name, LabelMap(indices, foreign))
    assert kept.present() == (0, 3)
    strange = foreign.renamed(7, "glow")
    with pytest.raises(ValueError, match=r"glow.*mapping="):
        project.annotate(name, LabelMap(indices, strange))
    assert reopened(project).pictures[name].annotation == kept, "the former one is not lost"
    mapped = project.annotate(name, LabelMap(indices, strange), mapping={"glow": "jewel"})
    assert mapped.present() == (0, 5)


def test_nothing_painted_is_refused_and_the_former_annotation_kept(project):
    name, labels = annotated(project)
    blank = LabelMap(np.full((32, 32), UNPAINTED, dtype=np.uint8), PALETTE)
    with pytest.raises(ValueError, match="erase"):
        project.annotate(name, blank)
    assert reopened(project).pictures[name].annotation == labels
    project.erase(name)
    assert reopened(project).pictures[name].annotation is None
    assert list((project.folder / "removed").glob("*.png"))
    with pytest.raises(ValueError, match="at least one annotated"):
        project.annotated()


def test_one_class_alone_teaches_nothing(project):
    name = project.add_sample(1).name
    project.annotate(name, LabelMap(np.full((32, 32), 3, dtype=np.uint8), PALETTE))
    with pytest.raises(ValueError, match=r"only 'light'"):
        project.annotated()


def test_an_annotation_that_was_begun_with_the_background_is_read_again(world, tmp_path):
    project = FewshotProject.create(tmp_path / "begun", PORTRAITS, generator=world.generator)
    indices = np.full((32, 32), UNPAINTED, np.uint8)
    indices[:9] = 0
    name = project.add_sample(1).name
    project.annotate(name, LabelMap(indices, PORTRAITS))
    again = reopened(project)
    assert again.problems == ()
    assert again.pictures[name].annotation == LabelMap(indices, PORTRAITS)


def test_a_photograph_teaches_when_it_is_inverted(project):
    photo = project.add_photograph(torch.zeros(1, 3, 32, 32), name="photo.png")
    project.annotate(photo.name, LabelMap(np.eye(32, dtype=np.uint8), PALETTE))
    with pytest.raises(ValueError, match="not inverted"):
        project.annotated()
    code = project.add_sample(2).wplus
    project.set_latent(photo.name, code, quality=21.5)
    assert reopened(project).pictures["photo"].quality == 21.5
    assert len(project.annotated().images) == 1
    with pytest.raises(ValueError, match="wplus"):
        project.set_latent(photo.name, WPlus(code.tensor[:, :2]))


def test_an_annotation_of_another_picture_is_told(project):
    name, _ = annotated(project)
    other = project.add_sample(8).name
    folder = project.folder / "pictures"
    (folder / f"{name}.png").write_bytes((folder / f"{other}.png").read_bytes())
    again = reopened(project)
    (problem,) = again.problems
    assert "another picture" in problem
    assert again.pictures[name].annotation is None
    assert (project.folder / "annotations" / f"{name}.png").exists()


def test_annotations_that_were_exchanged_are_told(project):
    mine = {annotated(project, seed)[0]: seed for seed in (3, 8)}
    first, second = (project.folder / "annotations" / f"{name}.png" for name in mine)
    own, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(own)
    again = reopened(project)
    assert len(again.problems) == 2
    assert all("another picture" in problem for problem in again.problems)
    assert all(each.annotation is None for each in again.pictures.values())
    first.write_bytes(own)
    LabelMap.load(second, PALETTE, unfinished=True).save(second)  # an editor keeps pixels alone
    taken = reopened(project).pictures
    assert taken[first.stem].annotation == project.pictures[first.stem].annotation
    assert taken[second.stem].annotation == project.pictures[first.stem].annotation


def test_an_oblong_annotation_is_cropped_as_its_photograph_was(project):
    pixels = torch.full((1, 3, 32, 48), -1.0)
    pixels[..., 20:28] = 1
    photo = project.add_photograph(pixels, name="wide.png")
    indices = np.where(pixels[0, 0].numpy() > 0, 3, 0)
    kept = project.annotate(photo.name, LabelMap(indices, PALETTE))
    assert np.array_equal(kept.indices == 3, photo.image[0, 0].numpy() > 0)
    assert reopened(project).pictures[photo.name].annotation == kept
    with pytest.raises(ValueError, match="square"):
        project.annotate(project.add_sample(3).name, LabelMap(indices, PALETTE))


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": "smis-fewshot-1"}', b"\xff\xfe"])
def test_a_broken_record_costs_only_settings(project, damage):
    name, labels = annotated(project)
    (project.folder / "project.json").write_bytes(damage)
    again = reopened(project)
    assert again.pictures[name].annotation == labels
    assert len(again.problems) == 1
    again.add_sample(5)
    assert (project.folder / "removed" / "project.json").read_bytes() == damage
    assert reopened(project).problems == ()


def test_a_lost_record_without_annotations_asks_for_the_palette(project):
    (project.folder / "project.json").unlink()
    with pytest.raises(ValueError, match="palette="):
        reopened(project)
    again = FewshotProject.open(project.folder, generator=project.generator, palette=PALETTE)
    assert again.palette == PALETTE


def test_files_edited_by_hand_are_named_and_left_alone(project):
    name, _ = annotated(project)
    other = project.add_sample(8).name
    annotations = project.folder / "annotations"
    (annotations / "nobody.png").write_bytes((annotations / f"{name}.png").read_bytes())
    (annotations / f"{name}.png").write_bytes(b"cut off")
    (project.folder / "latents" / f"{other}.safetensors").write_bytes(b"\0" * 40)
    (project.folder / "pictures" / ".draft.png").write_bytes(b"half")
    again = reopened(project)
    text = "\n".join(again.problems)
    assert len(again.problems) == 3
    assert all(word in text for word in ("nobody.png", f"{name}.png", "invert it again"))
    assert again.pictures[name].annotation is None
    assert (annotations / f"{name}.png").read_bytes() == b"cut off"


def test_pictures_put_into_the_folder_by_hand_are_taken(project):
    name, _ = annotated(project)
    for kind in ("pictures", "annotations"):
        source = project.folder / kind / f"{name}.png"
        (project.folder / kind / "by hand.png").write_bytes(source.read_bytes())
    again = reopened(project)
    assert again.problems == ()
    assert again.pictures["by hand"].annotation is not None
    assert any("not inverted yet: by hand" in note for note in again.notes())


def test_a_missing_picture_is_told(project):
    name, _ = annotated(project)
    (project.folder / "pictures" / f"{name}.png").unlink()
    assert any("is missing" in problem for problem in reopened(project).problems)


def test_the_palette_changes_with_its_annotations(project):
    name, labels = annotated(project)
    smaller, table = PALETTE.merged(0, 1)
    with pytest.raises(ValueError, match=r"'middle'.*Palette.merged"):
        project.set_palette(smaller)
    assert reopened(project).pictures[name].annotation == labels
    project.set_palette(smaller, table=table)
    again = reopened(project)
    assert again.palette == smaller
    assert again.pictures[name].annotation.present() == (0, 3)


def test_a_sparse_project_has_no_class_zero(world, tmp_path):
    with pytest.raises(ValueError, match="class 0"):
        FewshotProject.create(
            tmp_path / "a", PALETTE, generator=world.generator, settings=ProjectSettings("sparse")
        )
    project = FewshotProject.create(
        tmp_path / "a", SPARSE, generator=world.generator, settings=ProjectSettings("sparse")
    )
    dot = np.full((32, 32), UNPAINTED, dtype=np.uint8)
    dot[4, 4] = 2
    project.annotate(project.add_sample(1).name, LabelMap(dot, SPARSE))
    assert project.annotated().classes == (2,), "one landmark is enough"


def test_a_folder_is_not_made_twice_nor_opened_with_another_generator(project, world):
    with pytest.raises(ValueError, match="holds a project already"):
        FewshotProject.create(project.folder, PALETTE, generator=world.generator)
    with pytest.raises(ValueError, match="another generator"):
        FewshotProject.open(project.folder, generator=tiny_generator(seed=5))
    with pytest.raises(FileNotFoundError):
        FewshotProject.open(project.folder / "none")


def test_a_generator_that_was_handed_over_is_handed_over_again(project):
    with pytest.raises(ValueError, match=r"generator=.*--generator"):
        FewshotProject.open(project.folder)
    with pytest.raises(ValueError, match="--generator"):
        project_generator(project.folder)
    assert reopened(project).palette == PALETTE


def test_a_generator_is_found_again_by_its_file_from_any_folder(world, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    save_network(tmp_path / "own.safetensors", world.generator)
    monkeypatch.chdir(tmp_path)
    FewshotProject.create("p", PALETTE, generator=load_generator("own.safetensors", device="cpu"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = project_generator(tmp_path / "p", device="cpu")
    assert fingerprint(found) == fingerprint(world.generator)
    assert FewshotProject.open(tmp_path / "p").problems == ()
    (tmp_path / "own.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"own\.safetensors.*--generator"):
        FewshotProject.open(tmp_path / "p")


def test_the_bundled_generator_is_recognised(tmp_path):
    FewshotProject.create(tmp_path / "p", PALETTE, generator=load_generator(device="cpu"))
    assert FewshotProject.open(tmp_path / "p").resolution == 128


def test_a_conditional_generator_is_refused_before_anything_is_written(project, tmp_path):
    with pytest.raises(ValueError, match="unconditional one, got one with 3 classes"):
        FewshotProject.create(tmp_path / "p", PALETTE, generator=tiny_generator(c_dim=3))
    assert not (tmp_path / "p").exists()
    with pytest.raises(ValueError, match="unconditional one"):
        FewshotProject.open(project.folder, generator=tiny_generator(c_dim=3))


def test_an_encoder_that_does_not_open_is_told(project):
    project.encoder_path.write_bytes(b"cut off")
    again = reopened(project)
    (problem,) = again.problems
    assert "encoder.safetensors" in problem
    assert "train again" in problem
    assert again.encoder_state == "none"


def test_settings_out_of_range_are_refused_and_strange_ones_ignored(project):
    with pytest.raises(ValueError, match="kind"):
        ProjectSettings(kind="thick")
    record = json.loads((project.folder / "project.json").read_text())
    record["settings"]["of tomorrow"] = 1
    (project.folder / "project.json").write_text(json.dumps(record))
    assert reopened(project).problems == ()


def test_what_is_removed_is_kept_aside(project):
    name, _ = annotated(project)
    project.remove(name)
    assert project.pictures == {}
    assert sorted(path.parent.name for path in (project.folder / "removed").rglob("*.*")) == [
        "annotations",
        "latents",
        "pictures",
    ]
    with pytest.raises(ValueError, match="none"):
        project.erase(name)
