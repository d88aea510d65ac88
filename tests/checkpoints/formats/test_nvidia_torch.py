"""NVIDIA's PyTorch pickles, written from their description with the golden weights inside."""

import json
import warnings

import numpy as np
import pytest
import torch
from checkpoints.foreign_files import Record, record, stylegan2_attributes, write_pickle
from golden_files import load_golden, relative_error, state_of

from smis_core.checkpoints import CheckpointNote, load_checkpoint, load_generator
from smis_core.networks import Discriminator
from smis_core.networks.stylegan3 import StyleGAN3Generator

LIMIT = 1e-5


def stylegan2_file(path, name, *, protocol=4, **more):
    tensors, texts = load_golden(f"stylegan2_ada_generator_{name}")
    state = state_of(tensors)
    clamp = texts["config"]["synthesis_kwargs"]["conv_clamp"]
    attributes = stylegan2_attributes(state, conv_clamp=clamp)
    network = record("Generator", state, attributes)
    content = {"G": None, "G_ema": network, "training_set_kwargs": {"path": "x.zip"}, **more}
    return write_pickle(path, content, protocol), tensors, texts["config"]


@pytest.mark.parametrize("name", ["uncond", "cond", "resnet", "orig", "clamp"])
@pytest.mark.parametrize("protocol", [3, 4])
def test_stylegan2_draws_the_published_pictures(tmp_path, device, name, protocol) -> None:
    path, golden, published = stylegan2_file(tmp_path / "any name", name, protocol=protocol)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CheckpointNote)
        generator = load_generator(path, device=device)
    assert generator.config.architecture == published["synthesis_kwargs"]["architecture"]
    assert generator.config.c_dim == published["c_dim"]
    assert generator.config.w_avg_beta == 0.995
    assert not generator.training
    assert not any(p.requires_grad for p in generator.parameters())
    z = golden["z"].to(device)
    c = golden["c"].to(device) if "c" in golden else None
    image = generator.synthesis(generator.mapping(z, c))
    assert relative_error(image, golden["image_noise_const"]) <= LIMIT
    half = generator(z, c, truncation_psi=0.5)
    assert relative_error(half, golden["image_from_z_psi0.5_const"]) <= LIMIT
    for key, value in state_of(golden).items():
        assert torch.equal(generator.state_dict()[key].cpu(), value), key


@pytest.mark.parametrize("config", ["t", "r"])
def test_stylegan3_draws_the_published_pictures(tmp_path, device, config) -> None:
    golden, texts = load_golden(f"stylegan3_{config}_generator")
    published = texts["config"]
    own = ("num_critical", "margin_size")
    attributes = {
        "": {"_init_kwargs": published},
        "mapping": {"w_avg_beta": 0.998},
        "synthesis": {key: published[key] for key in own} | {"output_scale": 0.25},
    }
    state = state_of(golden)
    for name in state:
        if name.startswith("synthesis.L") and name.endswith(".magnitude_ema"):
            attributes[name.rpartition(".")[0]] = {"conv_clamp": 256}
    path = write_pickle(tmp_path / "g.pkl", {"G_ema": record("Generator", state, attributes)})
    generator = load_generator(path, device=device)
    assert isinstance(generator, StyleGAN3Generator)
    checkpoint = load_checkpoint(path, device="cpu")
    assert (checkpoint.network, checkpoint.architecture) == (f"StyleGAN3-{config.upper()}", config)
    z = golden["z"].to(device)
    assert relative_error(generator.mapping(z), golden["ws"]) <= LIMIT
    assert relative_error(generator(z), golden["image"]) <= LIMIT
    assert generator.config.channel_base == published["channel_base"]


@pytest.mark.parametrize("name", ["resnet", "cond", "skip"])
def test_discriminators_come_along(tmp_path, name) -> None:
    golden, _ = load_golden(f"stylegan2_ada_discriminator_{name}")
    state = state_of(golden)
    attributes = stylegan2_attributes(state)
    attributes["b4.mbstd"] = {"group_size": 4, "num_channels": 1}
    network = record("Discriminator", state, attributes)
    path, _, _ = stylegan2_file(tmp_path / "both.pkl", "uncond", D=network)
    checkpoint = load_checkpoint(path, device="cpu")
    assert isinstance(checkpoint.discriminator, Discriminator)
    assert checkpoint.generator is not None
    assert checkpoint.notes == ()
    assert checkpoint.options["training_set_kwargs"] == {"path": "x.zip"}
    logits = checkpoint.discriminator(golden["img"], golden.get("c"))
    assert relative_error(logits, golden["logits"]) <= LIMIT


def test_a_discriminator_of_another_kind_is_left_out_and_told(tmp_path) -> None:
    other = Record("ProjectedDiscriminator", {"_parameters": {"weight": torch.ones(2)}})
    path, _, _ = stylegan2_file(tmp_path / "both.pkl", "uncond", D=other)
    checkpoint = load_checkpoint(path, device="cpu")
    assert checkpoint.discriminator is None
    assert "the discriminator was left out" in checkpoint.notes[0]


def test_half_precision_weights_become_float32(tmp_path) -> None:
    tensors, _ = load_golden("stylegan2_ada_generator_uncond")
    state = {k: v.half() for k, v in state_of(tensors).items()}
    network = record("Generator", state, stylegan2_attributes(state))
    generator = load_generator(write_pickle(tmp_path / "g.pkl", {"G_ema": network}))
    assert {v.dtype for v in generator.state_dict().values()} == {torch.float32}
    weight = generator.state_dict()["synthesis.b4.const"].cpu()
    assert torch.equal(weight, state["synthesis.b4.const"].float())


def test_without_an_average_generator_the_other_is_used_and_told(tmp_path) -> None:
    tensors, _ = load_golden("stylegan2_ada_generator_uncond")
    state = state_of(tensors)
    network = record("Generator", state, stylegan2_attributes(state))
    path = write_pickle(tmp_path / "g.pkl", {"G": network, "D": None})
    with pytest.warns(CheckpointNote, match=r"no averaged generator \(G_ema\)"):
        load_generator(path)


def test_a_missing_average_is_computed_and_told(tmp_path) -> None:
    tensors, _ = load_golden("stylegan2_ada_generator_uncond")
    state = state_of(tensors)
    del state["mapping.w_avg"]
    network = record("Generator", state, stylegan2_attributes(state))
    path = write_pickle(tmp_path / "g.pkl", {"G_ema": network})
    with pytest.warns(CheckpointNote, match=r"computed from 10,000 samples"):
        generator = load_generator(path, device="cpu")
    z = torch.randn(2_000, generator.config.z_dim, generator=torch.Generator().manual_seed(3))
    sampled = generator.mapping(z)[:, 0]
    spread = sampled.std(dim=0)
    assert ((generator.mapping.w_avg - sampled.mean(dim=0)).abs() < spread * 0.15).all()
    again = load_checkpoint(path, device="cpu")
    assert torch.equal(again.generator.mapping.w_avg, generator.mapping.w_avg)


def test_another_learning_rate_of_the_mapping_is_folded_in(tmp_path) -> None:
    golden, _ = load_golden("stylegan2_ada_generator_uncond")
    state = state_of(golden)
    attributes = stylegan2_attributes(state)
    for path in [path for path in attributes if path.startswith("mapping.fc")]:
        attributes[path]["bias_gain"] = 0.02
        for name in ("weight", "bias"):
            state[f"{path}.{name}"] = state[f"{path}.{name}"] / 2
    file = write_pickle(tmp_path / "g.pkl", {"G_ema": record("Generator", state, attributes)})
    checkpoint = load_checkpoint(file, device="cpu")
    assert relative_error(checkpoint.generator.mapping(golden["z"]), golden["ws"]) <= LIMIT
    assert "it was rescaled" in checkpoint.notes[0]


def test_layers_without_noise_stay_without(tmp_path) -> None:
    golden, _ = load_golden("stylegan2_ada_generator_uncond")
    state = {k: v for k, v in state_of(golden).items() if ".noise_" not in k}
    network = record("Generator", state, stylegan2_attributes(state))
    checkpoint = load_checkpoint(write_pickle(tmp_path / "g.pkl", {"G_ema": network}))
    image = checkpoint.generator.cpu().synthesis(golden["ws"])
    assert relative_error(image, golden["image_noise_none"]) <= LIMIT
    assert "trained without noise" in checkpoint.notes[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, a: s.pop("synthesis.b16.conv0.weight"), r"lacks synthesis.b16.conv0.weight"),
        (lambda s, a: s.pop("mapping.fc1.weight"), r"lacks mapping.fc1.weight"),
        (lambda s, a: [s.pop(k) for k in [*s] if ".b16." in k], r"lacks its layers at 16²"),
        (
            lambda s, a: s.update({"synthesis.b8.conv0.bias": torch.zeros(7)}),
            r"contradict each other: synthesis.b8.conv0.bias is \[7\] where .* need \[32\]",
        ),
        (
            lambda s, a: s.update({"synthesis.b8.conv1.weight": torch.zeros(31, 32, 3, 3)}),
            r"widths of .*31 at 8².* do not halve",
        ),
        (
            lambda s, a: s.update({"synthesis.b8.attention.weight": torch.zeros(2)}),
            r"layers that SMIS does not know: synthesis.b8.attention.weight",
        ),
        (
            lambda s, a: s.update({"synthesis.b4.const": s["synthesis.b4.const"].half() / 0}),
            r"synthesis.b4.const .* holds infinities or NaN \(half precision\).* earlier snapshot",
        ),
        (
            lambda s, a: a["synthesis.b8.conv1"].update(activation="swish"),
            r"has the activation 'swish'",
        ),
        (
            lambda s, a: a["synthesis.b8.conv1"].update(conv_clamp=64),
            r"have different clamps",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, message) -> None:
    state = state_of(load_golden("stylegan2_ada_generator_uncond")[0])
    attributes = stylegan2_attributes(state)
    change(state, attributes)
    path = write_pickle(tmp_path / "g.pkl", {"G_ema": record("Generator", state, attributes)})
    with pytest.raises(ValueError, match=message) as caught:
        load_generator(path)
    assert str(path) in str(caught.value)


def test_a_discriminator_only(tmp_path) -> None:
    state = state_of(load_golden("stylegan2_ada_discriminator_resnet")[0])
    network = record("Discriminator", state, stylegan2_attributes(state))
    path = write_pickle(tmp_path / "d.pkl", {"D": network})
    with pytest.raises(ValueError, match=r"discriminator only.*get the file with 'G_ema'"):
        load_generator(path)
    assert load_checkpoint(path).network == "StyleGAN2 discriminator"


def test_numbers_kept_as_numpy_scalars_are_understood(tmp_path) -> None:
    path, _, _ = stylegan2_file(tmp_path / "g.pkl", "uncond", cur_nimg=np.int64(25_000))
    assert json.dumps(load_checkpoint(path, device="cpu").facts())
