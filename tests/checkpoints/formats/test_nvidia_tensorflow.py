"""NVIDIA's TensorFlow pickles, written from their description with the golden variables inside."""

import numpy as np
import pytest
import torch
from checkpoints.foreign_files import tensorflow_network, write_pickle
from golden_files import FOLDER, relative_error

from smis_core.checkpoints import CheckpointNote, load_checkpoint, load_generator
from smis_core.checkpoints.formats.label_concat import LabelConcatGenerator
from smis_core.networks import Generator
from smis_core.networks.stylegan1 import StyleGAN1Generator

LIMIT = 1e-5


def golden_of(name):
    """Arrays and JSON texts; variables by component, "" for the network's own."""
    import json

    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    parts = {"": {}, "mapping": {}, "synthesis": {}}
    for key, value in arrays.items():
        if key.startswith("variables/"):
            pieces = key.split("/")
            inside = pieces[1] == "components"
            parts[pieces[2] if inside else ""]["/".join(pieces[3 if inside else 1 :])] = value
    texts = {k: json.loads(str(v)) for k, v in arrays.items() if v.dtype.kind == "U"}
    return parts, arrays, texts


def stylegan2_content(change=lambda parts, kwargs: None):
    parts, arrays, texts = golden_of("stylegan2_tensorflow_generator")
    kwargs = dict(texts["static_kwargs"])
    change(parts, kwargs)
    components = {
        name: tensorflow_network(f"G_{name}", parts[name], kwargs)
        for name in ("mapping", "synthesis")
    }
    average = tensorflow_network("Gs", parts[""], kwargs, components)
    # The one in training differs, so that taking it would show.
    other = {k: v * 0 for k, v in parts["synthesis"].items()}
    inside = {**components, "synthesis": tensorflow_network("G_synthesis", other, kwargs)}
    training = tensorflow_network("G", parts[""], kwargs, inside)
    judge = tensorflow_network("D", {"4x4/Output/weight": np.zeros((4, 1), "f4")}, {})
    return (training, judge, average), arrays


def test_stylegan2_draws_the_published_pictures(tmp_path, device) -> None:
    content, golden = stylegan2_content()
    path = write_pickle(tmp_path / "network-snapshot.pkl", content, protocol=3)
    generator = load_generator(path, device=device)
    assert isinstance(generator, Generator)
    z = torch.from_numpy(golden["z"]).to(device)
    ws = generator.mapping(z)
    assert relative_error(ws, torch.from_numpy(golden["ws"])) <= LIMIT
    wanted = torch.from_numpy(golden["image_noise_const"])
    assert relative_error(generator.synthesis(ws), wanted) <= LIMIT
    assert generator.config.channel_base == 512
    average = torch.from_numpy(golden["variables/dlatent_avg"])
    assert torch.equal(generator.mapping.w_avg.cpu(), average)
    checkpoint = load_checkpoint(path, device="cpu")
    assert checkpoint.format == "nvidia-tensorflow"
    assert checkpoint.options["fmap_base"] == 256
    assert checkpoint.notes == ()


def test_without_the_average_the_one_in_training_is_used_and_told(tmp_path) -> None:
    (training, judge, _), _ = stylegan2_content()
    path = write_pickle(tmp_path / "g.pkl", (training, judge))
    with pytest.warns(CheckpointNote, match=r"no averaged generator \(Gs\)"):
        generator = load_generator(path, device="cpu")
    assert not generator.synthesis.b8.conv0.weight.any()


@pytest.mark.parametrize("ways", ["separate", "fused"])
def test_stylegan1_draws_the_published_pictures(tmp_path, device, ways) -> None:
    parts, golden, texts = golden_of(f"stylegan1_tensorflow_generator_{ways}")
    kwargs = {"resolution": 32, "fmap_base": texts["config"]["fmaps_base"] // 2}
    kwargs["fused_scale"] = ways == "fused"
    network = tensorflow_network("Gs", parts[""], kwargs, version=3)
    path = write_pickle(tmp_path / "karras.pkl", (network, network, network), protocol=3)
    generator = load_generator(path, device=device)
    assert isinstance(generator, StyleGAN1Generator)
    z = torch.from_numpy(golden["z"]).to(device)
    assert relative_error(generator(z), torch.from_numpy(golden["image"])) <= LIMIT
    near = generator(z, truncation_psi=0.7, truncation_cutoff=4)
    assert relative_error(near, torch.from_numpy(golden["image_psi0_7_cutoff4"])) <= LIMIT
    assert load_checkpoint(path).network == "StyleGAN"


def test_networks_that_grew_keep_the_last_torgb_only(tmp_path) -> None:
    """Configurations a to d: pictures come from the last resolution, other ToRGB are left over."""

    def rename(parts, kwargs):
        for name in [name for name in parts["synthesis"] if "/ToRGB/" in name]:
            side = int(name.split("x")[0])
            lod = 5 - (side.bit_length() - 1)
            new = name.replace(f"{side}x{side}/ToRGB", f"ToRGB_lod{lod}")
            parts["synthesis"][new] = parts["synthesis"].pop(name)

    content, golden = stylegan2_content(rename)
    skip = load_generator(write_pickle(tmp_path / "skip.pkl", stylegan2_content()[0]), device="cpu")
    orig = load_generator(write_pickle(tmp_path / "orig.pkl", content), device="cpu")
    assert orig.config.architecture == "orig"
    ws = torch.from_numpy(golden["ws"])
    _, features = skip.synthesis(ws, features=["b32"])
    block = skip.synthesis.b32
    wanted = block.torgb(features["b32"], ws[:, 7])
    assert relative_error(orig.synthesis(ws), wanted) <= LIMIT


def test_a_class_is_normalised_together_with_z(tmp_path) -> None:
    rows = np.random.default_rng(0).standard_normal((5, 32)).astype("f4")

    def with_classes(parts, kwargs):
        weight = parts["mapping"]["Dense0/weight"]
        parts["mapping"]["LabelConcat/weight"] = rows
        parts["mapping"]["Dense0/weight"] = np.concatenate([weight, weight[::-1]])
        kwargs["label_size"] = 5

    content, golden = stylegan2_content(with_classes)
    generator = load_generator(write_pickle(tmp_path / "c.pkl", content), device="cpu")
    assert isinstance(generator, LabelConcatGenerator)
    assert (generator.config.c_dim, generator.config.z_dim) == (5, 32)
    z = torch.from_numpy(golden["z"])
    c = torch.eye(5)[[3, 1]]
    joint = np.concatenate([golden["z"], rows[[3, 1]]], axis=1)
    joint = joint / np.sqrt((joint**2).mean(axis=1, keepdims=True) + 1e-8)
    x = joint
    for index in range(3):
        weight = golden[f"variables/components/mapping/Dense{index}/weight"]
        if index == 0:
            weight = np.concatenate([weight, weight[::-1]])
        bias = golden[f"variables/components/mapping/Dense{index}/bias"]
        x = x @ (weight * 0.01 / np.sqrt(len(weight))) + bias * 0.01
        x = np.where(x > 0, x, 0.2 * x) * np.sqrt(2)
    assert relative_error(generator.mapping(z, c)[:, 0], torch.from_numpy(x)) <= LIMIT
    with pytest.raises(ValueError, match=r"c must be \[N, 5\]"):
        generator(z)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, k: p["synthesis"].pop("8x8/Conv1/weight"), r"lacks synthesis.b8.conv1.weight"),
        (lambda p, k: p["mapping"].pop("Dense1/bias"), r"lacks mapping.fc1.bias"),
        (
            lambda p, k: p["synthesis"].update({"8x8/Attention/weight": np.zeros(3, "f4")}),
            r"'8x8/Attention/weight' belongs to no StyleGAN2",
        ),
        (lambda p, k: k.update(nonlinearity="swish"), r"its nonlinearity is 'swish'"),
        (
            lambda p, k: p["synthesis"].update({"8x8/Conv1/mod_weight": np.zeros((40, 32), "f4")}),
            r"contradict each other: synthesis.b8.conv1.affine.weight",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, message) -> None:
    path = write_pickle(tmp_path / "g.pkl", stylegan2_content(change)[0])
    with pytest.raises(ValueError, match=message):
        load_generator(path)


def test_discriminators_and_older_networks(tmp_path) -> None:
    judge = tensorflow_network("D", {"4x4/Output/weight": np.zeros((4, 1), "f4")}, {})
    with pytest.raises(ValueError, match=r"discriminator only \('D'\)"):
        load_generator(write_pickle(tmp_path / "d.pkl", judge))
    growing = {"4x4/Dense/weight": np.zeros((4, 4), "f4"), "4x4/Const/const": np.zeros(3, "f4")}
    network = tensorflow_network("Gs", growing, {}, version=2)
    with pytest.raises(ValueError, match=r"neither StyleGAN's nor StyleGAN2's layers"):
        load_generator(write_pickle(tmp_path / "p.pkl", network))
