"""Files of pSp, e4e and Fewshot-SMIS: encoder and generator, and how they fit together."""

import pytest
import torch
from checkpoints.foreign_files import port_state
from golden_files import load_golden, relative_error

from smis_core.checkpoints import (
    CheckpointNote,
    InversionEncoder,
    load_checkpoint,
    load_generator,
)
from smis_core.networks.foreign_configs import PyramidEncoderConfig
from smis_core.networks.psp_encoders import Encoder4Editing, GradualStyleEncoder

LIMIT = 1e-5
KINDS = {"GradualStyleEncoder": GradualStyleEncoder, "Encoder4Editing": Encoder4Editing}


@pytest.fixture(scope="module")
def golden():
    return load_golden("rosinality_generator")


@pytest.fixture(scope="module")
def decoder(golden):
    return port_state(golden[1]["shapes"])


def encoder_of(kind, channels=5, resolution=8):
    torch.manual_seed(0)
    config = PyramidEncoderConfig(
        resolution=resolution, img_channels=channels, w_dim=16, base_channels=16
    )
    return KINDS[kind](config).eval()


def write(path, encoder, decoder, **more):
    state = {f"encoder.{k}": v for k, v in encoder.state_dict().items()} if encoder else {}
    state |= {f"decoder.{k}": v for k, v in decoder.items()}
    torch.save({"state_dict": state, **more}, path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_added_to_the_average(tmp_path, golden, decoder, kind) -> None:
    encoder = encoder_of(kind)
    average = torch.randn(4, 16)
    opts = {"encoder_type": kind, "start_from_latent_avg": True, "label_nc": 5, "output_size": 8}
    path = write(tmp_path / "p.pt", encoder, decoder, opts=opts, latent_avg=average)
    checkpoint = load_checkpoint(path, device="cpu")
    assert checkpoint.format == ("e4e" if kind == "Encoder4Editing" else "psp")
    assert checkpoint.options == opts
    assert checkpoint.notes == ()
    assert isinstance(checkpoint.encoder, InversionEncoder)
    mask = torch.nn.functional.one_hot(torch.randint(5, (1, 256, 256)), 5)
    mask = mask.permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        codes = checkpoint.encoder(mask)
        assert torch.allclose(codes, encoder(mask) + average, atol=1e-6)
        assert checkpoint.generator.synthesis(codes).shape == (1, 3, 8, 8)
    image = checkpoint.generator.synthesis(golden[0]["latents"])
    assert relative_error(image, golden[0]["image"]) <= LIMIT
    generator = load_generator(path, device="cpu")
    assert torch.equal(generator.mapping.w_avg, average[0])


def test_codes_stand_alone_where_training_did_not_start_from_the_average(tmp_path, decoder) -> None:
    encoder = encoder_of("GradualStyleEncoder")
    opts = {"encoder_type": "GradualStyleEncoder", "start_from_latent_avg": False}
    path = write(tmp_path / "p.pt", encoder, decoder, opts=opts, latent_avg=torch.ones(1, 16))
    checkpoint = load_checkpoint(path, device="cpu")
    assert not checkpoint.encoder.latent_avg.any()
    assert torch.equal(checkpoint.generator.mapping.w_avg, torch.ones(16))


def test_a_missing_average_is_computed_and_told(tmp_path, decoder) -> None:
    opts = {"encoder_type": "Encoder4Editing", "start_from_latent_avg": True}
    path = write(tmp_path / "p.pt", encoder_of("Encoder4Editing"), decoder, opts=opts)
    with pytest.warns(CheckpointNote) as told:
        generator = load_generator(path, device="cpu")
    assert any("codes are added to the computed average" in str(w.message) for w in told)
    checkpoint = load_checkpoint(path, device="cpu")
    for row in checkpoint.encoder.latent_avg:
        assert torch.equal(row, generator.mapping.w_avg)


def test_one_row_of_learn_in_w_serves_all(tmp_path, decoder) -> None:
    average = torch.randn(1, 16)
    opts = {"encoder_type": "GradualStyleEncoder", "start_from_latent_avg": True}
    opts["learn_in_w"] = True
    encoder = encoder_of("GradualStyleEncoder")
    path = write(tmp_path / "p.pt", encoder, decoder, opts=opts, latent_avg=average)
    assert torch.equal(load_checkpoint(path).encoder.latent_avg.cpu(), average.expand(4, 16))


def test_an_encoder_alone_is_no_generator(tmp_path) -> None:
    encoder = encoder_of("GradualStyleEncoder", channels=1)
    opts = {"encoder_type": "GradualStyleEncoder"}
    path = write(tmp_path / "e.pt", encoder, {}, opts=opts, latent_avg=torch.zeros(4, 16))
    with pytest.raises(ValueError, match=r"holds an encoder \(pSp encoder\).*load_checkpoint"):
        load_generator(path)
    assert load_checkpoint(path).encoder.config.img_channels == 1


def test_what_does_not_fit_is_named(tmp_path, decoder) -> None:
    def refused(message, *, encoder=None, average=(4, 16), **opts):
        opts = {"encoder_type": "GradualStyleEncoder", "start_from_latent_avg": True, **opts}
        encoder = encoder or encoder_of("GradualStyleEncoder")
        average = torch.zeros(average)
        path = write(tmp_path / "p.pt", encoder, decoder, opts=opts, latent_avg=average)
        with pytest.raises(ValueError, match=message):
            load_checkpoint(path)

    refused(r"its encoder is a 'Backbone'; SMIS opens Gradual", encoder_type="Backbone")
    refused(r"options state output_size 1024, but its generator draws 8²", output_size=1024)
    refused(
        r"codes of 6 × 16, but its generator of 8² takes 4 × 16",
        encoder=encoder_of("GradualStyleEncoder", resolution=16),
        average=(6, 16),
    )
    refused(r"latent_avg is \[3, 16\], but this encoder needs \[4, 16\]", average=(3, 16))
    cut = encoder_of("GradualStyleEncoder")
    del cut.styles[2]
    refused(r"lacks layers of its stem or heads", encoder=cut)
