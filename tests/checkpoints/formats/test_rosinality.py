"""The popular port's files, with the golden weights inside."""

from itertools import pairwise

import pytest
import torch
from checkpoints.foreign_files import normal, port_state, training_file
from golden_files import load_golden, relative_error

from smis_core.checkpoints import CheckpointNote, load_checkpoint, load_generator

LIMIT = 1e-5


@pytest.fixture(scope="module")
def golden():
    return load_golden("rosinality_generator")


@pytest.fixture(scope="module")
def state(golden):
    return port_state(golden[1]["shapes"])


@pytest.mark.parametrize("legacy", [False, True])
def test_it_draws_the_published_pictures(tmp_path, device, golden, state, legacy) -> None:
    tensors = golden[0]
    path = tmp_path / "550000.pt"
    average = torch.arange(16.0)
    content = {"g_ema": state, "latent_avg": average}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    generator = load_generator(path, device=device)
    z = torch.from_numpy(normal("z", (2, 16))).to(device)
    assert relative_error(generator.mapping(z), tensors["latents"]) <= LIMIT
    assert relative_error(generator(z), tensors["image"]) <= LIMIT
    mixed = generator.synthesis(tensors["latents_mixed"].to(device))
    assert relative_error(mixed, tensors["image_from_latents_mixed"]) <= LIMIT
    assert torch.equal(generator.mapping.w_avg.cpu(), average)
    assert generator.config.channel_max == 512


def test_a_training_file_has_no_average_and_that_is_told(tmp_path, state) -> None:
    path = training_file(tmp_path / "000100.pt", state)
    with pytest.warns(CheckpointNote, match=r"no average latent.*10,000 samples"):
        generator = load_generator(path, device="cpu")
    assert generator.mapping.w_avg.abs().max() > 0
    checkpoint = load_checkpoint(path, device="cpu")
    assert checkpoint.format == "rosinality"
    assert torch.equal(checkpoint.latent_avg, generator.mapping.w_avg)


def test_older_files_have_no_noise_maps_and_that_is_told(tmp_path, golden, state) -> None:
    old = {name: value for name, value in state.items() if "noises." not in name}
    path = tmp_path / "old.pt"
    torch.save({"g_ema": old, "latent_avg": torch.zeros(16)}, path)
    with pytest.warns(CheckpointNote, match=r"no noise maps for 3 layers"):
        generator = load_generator(path, device="cpu")
    again = load_checkpoint(path, device="cpu").generator
    for name, value in generator.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    assert 0.8 < generator.synthesis.b8.conv0.noise_const.std() < 1.2


def small_port_state(sides, channels, w_dim=8):
    """A port's state with widths as given, of zeros: only shapes matter."""
    shapes = {f"style.{i}.{n}": s for i in (1, 2) for n, s in
              (("weight", (w_dim, w_dim)), ("bias", (w_dim,)))}  # fmt: skip
    shapes["input.input"] = (1, channels[0], 4, 4)

    def styled(name, before, after, up=False):
        shapes[f"{name}.conv.weight"] = (1, after, before, 3, 3)
        shapes[f"{name}.conv.modulation.weight"] = (before, w_dim)
        shapes[f"{name}.conv.modulation.bias"] = (before,)
        shapes[f"{name}.noise.weight"] = (1,)
        shapes[f"{name}.activate.bias"] = (after,)
        if up:
            shapes[f"{name}.conv.blur.kernel"] = (4, 4)

    def coloured(name, width):
        shapes[f"{name}.bias"] = (1, 3, 1, 1)
        shapes[f"{name}.conv.weight"] = (1, 3, width, 1, 1)
        shapes[f"{name}.conv.modulation.weight"] = (width, w_dim)
        shapes[f"{name}.conv.modulation.bias"] = (width,)

    styled("conv1", channels[0], channels[0])
    coloured("to_rgb1", channels[0])
    shapes["noises.noise_0"] = (1, 1, 4, 4)
    for i, (before, after) in enumerate(pairwise(channels)):
        styled(f"convs.{2 * i}", before, after, up=True)
        styled(f"convs.{2 * i + 1}", after, after)
        coloured(f"to_rgbs.{i}", after)
        shapes[f"to_rgbs.{i}.upsample.kernel"] = (4, 4)
        for j in (1, 2):
            shapes[f"noises.noise_{2 * i + j}"] = (1, 1, sides[i + 1], sides[i + 1])
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("multiplier", [1, 2])
def test_both_channel_multipliers(tmp_path, multiplier) -> None:
    """Widths as at 1024², a sixty-fourth of them, to keep the file small."""
    sides = [2**k for k in range(2, 11)]
    m = multiplier
    widths = [64, 64, 64, 64, 32 * m, 16 * m, 8 * m, 4 * m, 2 * m]
    state = small_port_state(sides, widths)
    path = tmp_path / "g.pt"
    torch.save({"g_ema": state, "latent_avg": torch.zeros(8)}, path)
    generator = load_generator(path, device="cpu")
    assert generator.config.resolution == 1024
    assert [generator.config.channels(side) for side in sides] == widths


def test_the_average_may_have_a_row_for_each_layer(tmp_path, state) -> None:
    path = tmp_path / "g.pt"
    rows = torch.arange(64.0).reshape(4, 16)
    torch.save({"g_ema": state, "latent_avg": rows}, path)
    checkpoint = load_checkpoint(path, device="cpu")
    assert torch.equal(checkpoint.latent_avg, rows)
    assert torch.equal(checkpoint.generator.mapping.w_avg, rows[0])


def test_a_bare_state_dict_and_one_without_an_average_generator(tmp_path, golden, state) -> None:
    torch.save(state, tmp_path / "bare.pt")
    with pytest.warns(CheckpointNote, match="average latent"):
        generator = load_generator(tmp_path / "bare.pt", device="cpu")
    image = generator.synthesis(golden[0]["latents"])
    assert relative_error(image, golden[0]["image"]) <= LIMIT
    torch.save({"g": state, "latent_avg": torch.zeros(16)}, tmp_path / "g.pt")
    with pytest.warns(CheckpointNote, match=r"no averaged generator \(g_ema\)"):
        load_generator(tmp_path / "g.pt", device="cpu")


def test_what_does_not_fit_is_named(tmp_path, state) -> None:
    def refused(change, message):
        changed = dict(state)
        change(changed)
        torch.save({"g_ema": changed, "latent_avg": torch.zeros(16)}, tmp_path / "g.pt")
        with pytest.raises(ValueError, match=message):
            load_generator(tmp_path / "g.pt")

    refused(lambda s: s.pop("convs.0.conv.weight"), r"lacks synthesis.b8.conv0.weight")
    refused(lambda s: s.pop("style.1.weight"), r"lacks mapping.fc0.weight")
    refused(
        lambda s: s.update({"strips.0.weight": torch.zeros(1)}),
        r"strips.0.weight belongs to no StyleGAN2 generator",
    )
    refused(
        lambda s: s.update({"convs.1.activate.bias": torch.zeros(5)}),
        r"contradict each other: synthesis.b8.conv1.bias is \[5\]",
    )
    torch.save({"d": {"final_linear.0.weight": torch.zeros(2)}}, tmp_path / "d.pt")
    with pytest.raises(ValueError, match=r"discriminator only.*'g_ema'"):
        load_generator(tmp_path / "d.pt")
