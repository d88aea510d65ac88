"""What a checkpoint says of itself."""

import base64
import io
import re

import pytest
import torch
from checkpoints.foreign_files import record, stylegan2_attributes, write_pickle
from golden_files import load_golden, state_of
from PIL import Image

from smis_core.checkpoints import Checkpoint, fingerprint, load_checkpoint


@pytest.fixture
def conditional(tmp_path):
    state = state_of(load_golden("stylegan2_ada_generator_cond")[0])
    network = record("Generator", state, stylegan2_attributes(state))
    return load_checkpoint(write_pickle(tmp_path / "<c>.pkl", {"G_ema": network}), device="cpu")


def test_facts(conditional) -> None:
    facts = conditional.facts()
    assert facts == {
        "file": "<c>.pkl",
        "format": "nvidia-torch",
        "network": "StyleGAN2",
        "architecture": "skip",
        "resolution": 32,
        "classes": 3,
        "parameters": sum(p.numel() for p in conditional.generator.parameters()),
        "licence": None,
        "fingerprint": fingerprint(conditional.generator),
        "notes": [],
    }


def test_samples_are_of_seeds_0_to_3_and_classes_in_turn(conditional) -> None:
    samples = conditional.samples(truncation_psi=1)
    assert samples.shape == (4, 3, 32, 32)
    from smis_core.latents import sample_z

    z = sample_z(range(4), 32).tensor
    wanted = conditional.generator(z, torch.eye(3)[[0, 1, 2, 0]]).clamp(-1, 1)
    assert torch.allclose(samples, wanted, atol=1e-5)


def test_the_notebook_shows_facts_and_a_row_of_samples(conditional) -> None:
    shown = conditional._repr_html_()
    for text in ("NVIDIA PyTorch pickle", "StyleGAN2", "skip", "32 × 32", "not known"):
        assert text in shown
    assert "<c>" not in shown
    data = re.search(r"data:image/png;base64,([^']+)'", shown)[1]
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.width > 3 * picture.height
        assert len(set(picture.convert("L").tobytes())) > 20


def test_large_samples_are_shown_small(tmp_path) -> None:
    class Large:
        def __init__(self, inner):
            self.inner = inner

        def __call__(self, ws):
            picture = self.inner(ws)
            return torch.nn.functional.interpolate(picture, size=(512, 512))

    checkpoint = load_checkpoint(device="cpu")
    generator = checkpoint.generator
    drawn = generator.synthesis
    del generator.synthesis
    generator.__dict__["synthesis"] = Large(drawn)
    assert checkpoint.samples().shape == (4, 3, 256, 256)


def test_without_a_generator_there_is_no_picture_and_samples_say_why(tmp_path) -> None:
    state = state_of(load_golden("stylegan2_ada_discriminator_cond")[0])
    network = record("Discriminator", state, stylegan2_attributes(state))
    checkpoint = load_checkpoint(write_pickle(tmp_path / "d.pkl", {"D": network}), device="cpu")
    assert isinstance(checkpoint, Checkpoint)
    assert "<img" not in checkpoint._repr_html_()
    assert "StyleGAN2 discriminator" in repr(checkpoint)
    with pytest.raises(ValueError, match="samples need a generator"):
        checkpoint.samples()
