"""Conversion to our format is exact, and stops before it spoils anything."""

import json

import numpy as np
import pytest
import torch
from checkpoints.foreign_files import (
    record,
    stylegan2_attributes,
    tensorflow_network,
    write_pickle,
)
from golden_files import FOLDER, load_golden, state_of

from smis_core.checkpoints import (
    InversionConfig,
    InversionEncoder,
    convert,
    fingerprint,
    load_checkpoint,
    load_generator,
    read_card,
    save_network,
)


def same(first, second) -> bool:
    a, b = first.state_dict(), second.state_dict()
    return (
        type(first) is type(second)
        and first.config == second.config
        and a.keys() == b.keys()
        and all(torch.equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)
    )


def stylegan2(folder):
    golden = load_golden("stylegan2_ada_generator_resnet")[0]
    state = state_of(golden)
    judged = state_of(load_golden("stylegan2_ada_discriminator_resnet")[0])
    content = {
        "G_ema": record("Generator", state, stylegan2_attributes(state)),
        "D": record("Discriminator", judged, stylegan2_attributes(judged)),
    }
    return write_pickle(folder / "ada.pkl", content)


def stylegan3(folder):
    golden, texts = load_golden("stylegan3_r_generator")
    attributes = {"": {"_init_kwargs": texts["config"]}}
    network = record("Generator", state_of(golden), attributes)
    return write_pickle(folder / "sg3.pkl", {"G_ema": network})


def stylegan1(folder):
    with np.load(FOLDER / "stylegan1_tensorflow_generator_fused.npz") as file:
        config = json.loads(str(file["config"]))
        variables = {k.removeprefix("variables/"): file[k] for k in file.files if "variables/" in k}
    kwargs = {"fmap_base": config["fmaps_base"] // 2, "fused_scale": True}
    return write_pickle(folder / "sg1.pkl", tensorflow_network("Gs", variables, kwargs, version=3))


@pytest.mark.parametrize("write", [stylegan1, stylegan2, stylegan3])
def test_every_family_comes_back_to_the_bit(tmp_path, write) -> None:
    source = write(tmp_path)
    out = tmp_path / "new" / "g.safetensors"
    assert convert(source, out) == (out,)
    before, after = load_generator(source, device="cpu"), load_generator(out, device="cpu")
    assert same(before, after)
    z = torch.randn(1, before.config.z_dim)
    assert torch.equal(before(z), after(z))
    assert fingerprint(out) == load_checkpoint(source).facts()["fingerprint"]
    card = read_card(out)
    assert card["converted_from"] == source.name
    assert card["source_format"] == load_checkpoint(source).format


def test_one_part_is_written_when_asked_for(tmp_path) -> None:
    source, out = stylegan2(tmp_path), tmp_path / "d.safetensors"
    assert convert(source, out, part="discriminator") == (out,)
    assert same(load_checkpoint(out).discriminator.cpu(), load_checkpoint(source).discriminator)
    with pytest.raises(ValueError, match="its encoder was asked for"):
        convert(source, tmp_path / "e.safetensors", part="encoder")
    with pytest.raises(ValueError, match="part must be one of"):
        convert(source, out, part="optimiser")


def test_an_encoder_comes_back_to_the_bit(tmp_path) -> None:
    config = InversionConfig(
        encoder="e4e", resolution=8, img_channels=3, w_dim=16, base_channels=16
    )
    encoder = InversionEncoder(config).eval()
    encoder.latent_avg.normal_()
    save_network(tmp_path / "e.safetensors", encoder)
    convert(tmp_path / "e.safetensors", tmp_path / "again.safetensors")
    checkpoint = load_checkpoint(tmp_path / "again.safetensors", device="cpu")
    assert same(checkpoint.encoder, encoder)
    assert checkpoint.network == "e4e encoder"


def test_encoder_and_generator_go_side_by_side(tmp_path) -> None:
    from checkpoints.foreign_files import port_state

    encoder = InversionEncoder(
        InversionConfig(encoder="gradual", resolution=8, img_channels=5, w_dim=16, base_channels=16)
    )
    state = {f"decoder.{k}": v for k, v in
             port_state(load_golden("rosinality_generator")[1]["shapes"]).items()}  # fmt: skip
    state |= {k: v for k, v in encoder.state_dict().items() if k.startswith("encoder.")}
    opts = {"encoder_type": "GradualStyleEncoder", "start_from_latent_avg": True}
    source = tmp_path / "psp.pt"
    torch.save({"state_dict": state, "opts": opts, "latent_avg": torch.randn(4, 16)}, source)
    out = tmp_path / "faces.safetensors"
    beside = tmp_path / "faces-encoder.safetensors"
    assert convert(source, out) == (out, beside)
    whole = load_checkpoint(source, device="cpu")
    assert same(load_generator(out, device="cpu"), whole.generator)
    assert same(load_checkpoint(beside, device="cpu").encoder, whole.encoder)
    out.unlink()
    with pytest.raises(ValueError, match=r"faces-encoder\.safetensors: .*nobody named"):
        convert(source, out)
    assert not out.exists()


def test_refusals_leave_everything_as_it_was(tmp_path) -> None:
    source = stylegan3(tmp_path)
    for out, message in (
        (tmp_path / "g.pkl", r"ending in \.safetensors"),
        (tmp_path / "sg3.pkl" / "g.safetensors", r"is not a folder"),
    ):
        before = source.read_bytes()
        with pytest.raises(ValueError, match=message):
            convert(source, out)
        assert source.read_bytes() == before
    ours = tmp_path / "g.safetensors"
    convert(source, ours)
    before = ours.read_bytes()
    with pytest.raises(ValueError, match="this is the file to convert"):
        convert(ours, ours)
    broken = tmp_path / "broken.pkl"
    broken.write_bytes(source.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"damaged|cut off"):
        convert(broken, ours)
    assert ours.read_bytes() == before
