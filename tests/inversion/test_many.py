"""Many pictures: each on disk as soon as it is found, and none found twice."""

import sys
from pathlib import Path

import pytest
import torch

from smis_core.checkpoints import fingerprint
from smis_core.images import save_image, to_pil
from smis_core.inversion import (
    ProjectionOptions,
    TuningOptions,
    class_labels,
    draw,
    invert,
    load_classes,
    load_latent,
    project,
    save_latent,
    tune,
)
from smis_core.latents import Noise, StyleSpace, W, WPlus, Z

sys.path.append(str(Path(__file__).parent))
import inversion_world as world

OPTIONS = ProjectionOptions(steps=3, space="wplus", unit="spread", optimise_noise=True)


@pytest.fixture(scope="module")
def generator():
    return world.stylegan2()


@pytest.fixture
def images(generator):
    return {f"p{i}": to_pil(each) for i, each in enumerate(world.pictures(generator, 5))}


def method(generator, targets):
    return project(generator, targets, options=OPTIONS)


def test_pictures_are_found_batch_by_batch(generator, images, tmp_path):
    steps = list(invert(generator, images, tmp_path, method, batch=2))
    assert len(steps) == 9
    assert [step.done for step in steps if step.written] == [2, 4, 5]
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{kind}" for name in images for kind in ("png", "safetensors")
    }
    latent, noise = load_latent(tmp_path / "p3.safetensors", generator=fingerprint(generator))
    best = steps[5].best_so_far
    assert steps[5].names == ("p2", "p3")
    assert torch.equal(latent.tensor[0], best.latent.tensor[1])
    drawn = draw(generator, latent, noise=noise)
    assert torch.allclose(drawn[0], best.image[1], atol=0.3)


def test_it_is_taken_up_where_it_stopped(generator, images, tmp_path):
    steps = invert(generator, images, tmp_path, method, batch=2)
    for _ in range(4):
        next(steps)
    steps.close()
    assert len([*tmp_path.glob("*.safetensors")]) == 2
    (tmp_path / "p1.safetensors").write_bytes(b"broken")
    resumed = list(invert(generator, images, tmp_path, method, batch=8))
    assert {step.names for step in resumed} == {("p1", "p2", "p3", "p4")}
    assert resumed[-1].done == resumed[-1].of == 5
    assert list(invert(generator, images, tmp_path, method)) == []
    assert list(invert(generator, images, tmp_path, method, settings="another"))


def test_a_picture_that_has_changed_is_found_anew(generator, tmp_path):
    first, second, third = world.pictures(generator, 3)
    files = {"a": tmp_path / "a.png", "b": tmp_path / "b.png"}
    save_image(first, files["a"])
    save_image(second, files["b"])
    images = {**files, "c": to_pil(third)}
    list(invert(generator, images, tmp_path / "out", method))
    assert list(invert(generator, images, tmp_path / "out", method)) == []
    save_image(third, files["b"])
    images["c"] = to_pil(first)
    again = list(invert(generator, images, tmp_path / "out", method))
    assert {step.names for step in again} == {("b", "c")}


def test_a_method_that_tunes_is_refused(generator, images, tmp_path):
    """Its codes alone would draw something else."""

    def tuning(network, targets):
        pivot = WPlus(network.mapping.w_avg.expand(len(targets), network.num_ws, -1).clone())
        return tune(network, targets, pivot, options=TuningOptions(steps=1))

    with pytest.raises(ValueError, match="got one that tunes"):
        list(invert(generator, images, tmp_path, tuning))
    assert not [*tmp_path.iterdir()]


def test_the_class_of_a_code_is_on_disk_with_it(tmp_path):
    conditional = world.stylegan2(c_dim=3)
    images = {str(i): to_pil(each) for i, each in enumerate(world.pictures(conditional, 2))}
    options = ProjectionOptions(steps=2, space="z")

    def classed(network, targets):
        return project(network, targets, classes=[2, 0], options=options)

    *_, last = invert(conditional, images, tmp_path, classed)
    for name, known in (("0", 2), ("1", 0)):
        latent, _ = load_latent(tmp_path / f"{name}.safetensors")
        classes = load_classes(tmp_path / f"{name}.safetensors")
        assert classes == (known,)
        drawn = draw(conditional, latent, labels=class_labels(conditional, classes))
        assert torch.allclose(drawn[0], last.best_so_far.image[int(name)], atol=0.05)
    save_latent(tmp_path / "none.safetensors", latent)
    assert load_classes(tmp_path / "none.safetensors") is None


def test_one_that_cannot_be_read_is_passed_over(generator, images, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    some = {"bad": bad, "p0": images["p0"]}
    steps = list(invert(generator, some, tmp_path / "out", method))
    told = [step.failed for step in steps if step.failed]
    assert len(told) == 1
    assert "none that can be read" in told[0]["bad"]
    assert steps[-1].done == 2
    assert (tmp_path / "out" / "p0.safetensors").exists()


def test_impossible_folders_and_names_are_refused(generator, images, tmp_path):
    with pytest.raises(ValueError, match="plain names"):
        invert(generator, {"a/b": images["p0"]}, tmp_path, method)
    with pytest.raises(ValueError, match="at least one"):
        invert(generator, {}, tmp_path, method)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="folder"):
        invert(generator, images, tmp_path / "file", method)


@pytest.mark.parametrize(
    "latent",
    [
        Z(torch.randn(1, 3)),
        W(torch.randn(1, 3)),
        WPlus(torch.randn(1, 2, 3)),
        StyleSpace((torch.randn(1, 3), torch.randn(1, 2))),
    ],
)
def test_a_code_on_disk_knows_its_space(latent, tmp_path):
    noise = Noise((torch.randn(1, 1, 4, 4),))
    save_latent(tmp_path / "a.safetensors", latent, noise=noise, generator="g")
    found, maps = load_latent(tmp_path / "a.safetensors", generator="g")
    assert type(found) is type(latent)
    assert torch.equal(maps.maps[0], noise.maps[0])
    if isinstance(latent, StyleSpace):
        assert all(map(torch.equal, found.styles, latent.styles))
    else:
        assert torch.equal(found.tensor, latent.tensor)
    with pytest.raises(ValueError, match="of another"):
        load_latent(tmp_path / "a.safetensors", generator="h")


def test_what_is_no_code_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(FileNotFoundError):
        load_latent(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="broken file"):
        load_latent(path)


def test_broken_pictures_are_told_wherever_they_stand(generator, images, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    found = invert(generator, {"a": images["p0"], "z": broken}, tmp_path / "o", method, batch=1)
    last = list(found)[-1]
    assert (last.done, last.of, last.written, [*(last.failed or {})]) == (2, 2, (), ["z"])
    with pytest.raises(ValueError, match="got none: z: "):
        list(invert(generator, {"z": broken}, tmp_path / "none", method))
