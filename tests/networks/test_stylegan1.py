"""The first StyleGAN: agreement from TensorFlow's variables on, and what tools rely on."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_files import load_golden, relative_error
from networks.contract import gradients_reach_every_parameter_in_bfloat16, rows_move_their_layers

from smis_core.checkpoints.formats.stylegan1_tensorflow import load_generator, variables_to_state
from smis_core.networks.foreign_configs import StyleGAN1Config
from smis_core.networks.stylegan1 import StyleGAN1Generator
from smis_core.networks.stylegan1_layers import UpConvLayer

LIMIT = 1e-5


def golden_variables(name: str) -> tuple[dict[str, np.ndarray], dict[str, torch.Tensor], dict]:
    tensors, texts = load_golden(f"stylegan1_tensorflow_generator_{name}")
    prefix = "variables/"
    variables = {
        key.removeprefix(prefix): value.numpy()
        for key, value in tensors.items()
        if key.startswith(prefix)
    }
    return variables, tensors, texts["config"]


def tiny(**changes) -> StyleGAN1Config:
    values = {
        "resolution": 16, "z_dim": 6, "w_dim": 8, "c_dim": 3, "mapping_layers": 2,
        "channel_base": 128, "channel_max": 12,
    }  # fmt: skip
    return StyleGAN1Config(**{**values, **changes})


@pytest.fixture(scope="module")
def generator(device: torch.device) -> StyleGAN1Generator:
    torch.manual_seed(0)
    network = StyleGAN1Generator(tiny())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("noise_strength", "const.const")):
                parameter.normal_()
    return network.to(device)


@pytest.fixture
def z(device: torch.device) -> torch.Tensor:
    return torch.randn(2, 6, generator=torch.Generator().manual_seed(1)).to(device)


@pytest.fixture
def c(device: torch.device) -> torch.Tensor:
    return torch.eye(3, device=device)[:2]


@pytest.mark.parametrize("name", ["separate", "fused"])
def test_golden(name: str, device: torch.device) -> None:
    variables, golden, published = golden_variables(name)
    options = {"fused_scale": published["fused_scale"], "fmap_base": published["fmaps_base"] // 2}
    config, state = variables_to_state(variables, options)
    assert config == StyleGAN1Config(
        resolution=published["resolution"],
        z_dim=published["z_space_dim"],
        w_dim=published["w_space_dim"],
        mapping_layers=published["mapping_layers"],
        channel_base=published["fmaps_base"],
        channel_max=published["fmaps_max"],
    )
    generator = StyleGAN1Generator(config)
    generator.load_state_dict(state)
    generator.to(device)
    z = golden["z"].to(device)
    wp = generator.mapping(z)
    ours = {
        "w": wp[:, 0],
        "wp": wp,
        "image": generator.synthesis(wp),
        "image_psi0_7_cutoff4": generator(z, truncation_psi=0.7, truncation_cutoff=4),
    }
    errors = {key: relative_error(value, golden[key]) for key, value in ours.items()}
    assert max(errors.values()) <= LIMIT, errors


def test_upsampling_is_repetition_and_convolution(device: torch.device) -> None:
    torch.manual_seed(3)
    layer = UpConvLayer(4, 5, w_dim=3, resolution=8).to(device)
    layer.finish = lambda x, w, noise: x
    x = torch.randn(2, 4, 4, 4, device=device)
    repeated = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    kernel = layer.weight.flip(2, 3) * layer.weight_gain
    plain = F.conv2d(repeated, kernel, padding=1)
    blur = layer.blur_filter.expand(5, 1, 3, 3)
    expected = F.conv2d(plain, blur, padding=1, groups=5)
    assert relative_error(layer(x, None, None), expected.detach().cpu()) < 1e-6


def test_layers_describe_their_features(generator: StyleGAN1Generator, z, c) -> None:
    layers = generator.synthesis.layers
    assert [layer.name for layer in layers] == [
        "b4.const", "b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1",
    ]  # fmt: skip
    assert [layer.w_row for layer in layers] == list(range(generator.num_ws))
    assert [layer.group for layer in layers] == ["coarse"] * 4 + ["middle"] * 2
    names = [layer.name for layer in layers]
    image, features = generator.synthesis(generator.mapping(z, c), features=[*names, "b8"])
    assert image.shape == (2, 3, 16, 16)
    assert image.dtype == torch.float32
    assert [*features] == [*names, "b8"]
    assert torch.equal(features["b8"], features["b8.conv1"])
    for layer in layers:
        side = layer.resolution
        assert features[layer.name].shape == (2, layer.channels, side, side)


def test_a_row_moves_its_layer_and_nothing_before(generator: StyleGAN1Generator, z, c) -> None:
    rows_move_their_layers(generator, generator.mapping(z, c))


def test_noise(generator: StyleGAN1Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    const = generator.synthesis(ws)
    synthesis = generator.synthesis
    stored = [synthesis.get_buffer(f"{layer.name}.noise_const") for layer in synthesis.layers]
    assert torch.equal(synthesis(ws, noise=stored), const)
    each = [m.expand(2, 1, *m.shape) for m in stored]
    assert torch.allclose(synthesis(ws, noise=each), const, atol=1e-5)
    none = synthesis(ws, noise="none")
    zero = [torch.zeros_like(m) for m in stored]
    assert torch.allclose(synthesis(ws, noise=zero), none, atol=1e-5)
    assert not torch.allclose(none, const)
    first, second = (synthesis(ws, noise="random") for _ in range(2))
    assert not torch.allclose(first, second)


def test_classes_and_z_are_normalised_together(generator: StyleGAN1Generator, z, c) -> None:
    mapping = generator.mapping
    ws = mapping(z, c)
    assert not torch.allclose(ws[0], mapping(z, c.roll(1, dims=1))[0])
    # A common factor of z and of the embedded class is lost, a factor of one alone is not.
    assert torch.allclose(mapping(3 * z, 3 * c), ws, atol=1e-5)
    assert not torch.allclose(mapping(3 * z, c), ws, atol=1e-5)
    mapping.w_avg.normal_()
    average = mapping.w_avg.expand_as(ws)
    assert torch.allclose(mapping(z, c, truncation_psi=0), average)


@pytest.mark.parametrize("const_input", [True, False])
def test_gradients_reach_every_parameter_in_bfloat16(const_input: bool, device) -> None:
    torch.manual_seed(0)
    network = StyleGAN1Generator(tiny(const_input=const_input)).to(device)
    z, c = torch.randn(3, 6, device=device), torch.eye(3, device=device)
    gradients_reach_every_parameter_in_bfloat16(network, z, c, noise="random")


def test_bfloat16_draws_nearly_the_same_picture(generator: StyleGAN1Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    exact = generator.synthesis(ws)
    with torch.autocast(z.device.type, torch.bfloat16):
        rough, features = generator.synthesis(ws, features=["b16.conv1"])
    assert features["b16.conv1"].dtype == torch.bfloat16
    assert relative_error(rough, exact.detach().cpu()) < 0.05


def test_bad_input(generator: StyleGAN1Generator, z, c) -> None:
    ws = generator.mapping(z, c)
    layers = generator.synthesis.layers
    maps = [torch.zeros(layer.resolution, 5) for layer in layers]
    refused = [
        (lambda: generator.mapping(z[:, :5], c), r"z must be \[N, 6\].*\[2, 5\] came"),
        (lambda: generator.mapping(z), r"c must be \[N, 3\].*nothing came"),
        (lambda: generator.synthesis(ws[:, :4]), r"ws must be \[N, 6, 8\]"),
        (lambda: generator.synthesis(ws, features=["b64.conv1"]), r"came with \['b64.conv1'\]"),
        (lambda: generator.synthesis(ws, noise="fresh"), "but is 'fresh'"),
        (lambda: generator.synthesis(ws, noise=maps[:2]), "a list of 2"),
        (lambda: generator.synthesis(ws, noise=maps), "the noise of b4.const must be 4²"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()


def test_config() -> None:
    config = StyleGAN1Config(resolution=1024)
    assert config.num_ws == 18
    assert [config.channels(r) for r in (4, 32, 64, 1024)] == [512, 512, 256, 16]
    again = StyleGAN1Config.from_dict(json.loads(json.dumps(tiny().to_dict())))
    assert again == tiny()
    for values, message in [
        ({"resolution": 48}, "power of two"),
        ({"c_dim": -1}, "c_dim must be 0 or"),
        ({"w_avg_beta": 1}, "w_avg_beta must be in"),
        ({"channel_base": 8}, "channel_base must be at least"),
        ({"mapping_layers": 0}, "mapping_layers must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            tiny(**values)


def as_variables(network: StyleGAN1Generator) -> dict[str, np.ndarray]:
    """What TensorFlow would have stored for a conditional network with a dense input."""
    state = {key: value.detach().cpu().numpy() for key, value in network.state_dict().items()}
    variables = {"LabelConcat/weight": state["mapping.label_weight"], "lod": np.float32(0)}
    variables["dlatent_avg"] = state["mapping.w_avg"]
    for i in range(network.config.mapping_layers):
        variables[f"Dense{i}/weight"] = state[f"mapping.fc{i}.weight"].T
        variables[f"Dense{i}/bias"] = state[f"mapping.fc{i}.bias"] * np.float32(2**0.5)
    for index, layer in enumerate(network.synthesis.layers):
        ours, side = f"synthesis.{layer.name}", layer.resolution
        kind = layer.name.split(".")[1]
        theirs = {"const": "Dense", "conv0": "Conv0_up", "conv1": "Conv1"}[kind]
        theirs = f"{side}x{side}/" + ("Conv" if side == 4 and kind == "conv1" else theirs)
        weight = state[f"{ours}.weight"]
        variables[f"{theirs}/weight"] = (
            weight.T if kind == "const" else weight.transpose(2, 3, 1, 0)
        )
        variables[f"{theirs}/bias"] = state[f"{ours}.bias"]
        variables[f"{theirs}/Noise/weight"] = state[f"{ours}.noise_strength"]
        variables[f"{theirs}/StyleMod/weight"] = state[f"{ours}.affine.weight"].T
        variables[f"{theirs}/StyleMod/bias"] = state[f"{ours}.affine.bias"]
        variables[f"noise{index}"] = state[f"{ours}.noise_const"][None, None]
    variables["ToRGB_lod0/weight"] = state["synthesis.torgb.weight"].transpose(2, 3, 1, 0)
    variables["ToRGB_lod0/bias"] = state["synthesis.torgb.bias"]
    return variables


def test_classes_and_a_dense_input_are_read_from_variables(z, c) -> None:
    torch.manual_seed(4)
    network = StyleGAN1Generator(tiny(const_input=False)).cpu()
    config, state = variables_to_state(as_variables(network), {"fused_scale": True})
    assert config.to_dict() == {**tiny(const_input=False).to_dict(), "channel_base": 128}
    again = StyleGAN1Generator(config)
    again.load_state_dict(state)
    expected = network(z.cpu(), c.cpu()).detach()
    assert relative_error(again(z.cpu(), c.cpu()), expected) < 1e-6


def test_what_is_not_in_the_file_is_made_and_told() -> None:
    variables, golden, _ = golden_variables("separate")
    options = {"fused_scale": False}
    notes: list[str] = []
    generator = load_generator(variables, options, notes)
    assert relative_error(generator(golden["z"]), golden["image"]) <= LIMIT
    assert not notes
    assert not any(p.requires_grad for p in generator.parameters())
    del variables["dlatent_avg"]
    variables["lod"] = np.float32(1)
    generator = load_generator(variables, options, notes)
    assert ["saved while it grew" in notes[0], "average latent" in notes[1]] == [True, True]
    z = torch.randn(1000, 32, generator=torch.Generator().manual_seed(6))
    w = generator.mapping(z)[:, 0]
    assert relative_error(w.mean(dim=0), generator.mapping.w_avg) < 0.2


def test_automatic_fusion_begins_at_128() -> None:
    torch.manual_seed(5)
    config = tiny(resolution=128, const_input=False, channel_base=512, channel_max=4)
    network = StyleGAN1Generator(config)
    _, state = variables_to_state(as_variables(network))
    for side in config.resolutions[1:]:
        name = f"synthesis.b{side}.conv0.weight"
        stored = network.state_dict()[name]
        assert torch.equal(state[name], stored if side == 128 else stored.flip(2, 3))


def test_a_network_that_was_still_growing_draws_what_was_grown_in() -> None:
    variables, _, _ = golden_variables("separate")
    variables["lod"] = np.float32(0.5)
    variables["ToRGB_lod1/bias"] = variables["ToRGB_lod1/bias"] + 7
    config, state = variables_to_state(variables, {"fused_scale": False})
    assert config.resolution == 16
    assert torch.equal(state["synthesis.torgb.bias"], torch.tensor(variables["ToRGB_lod1/bias"]))
    generator = StyleGAN1Generator(config)
    generator.load_state_dict(state)
    assert generator(torch.zeros(1, 32) + 1).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"8x8/Conv1/weight": None}, {}, "lacks 8x8/Conv1/weight"),
        ({"noise3": None}, {}, "lacks noise3"),
        ({"Dense0/bias": np.zeros(48, dtype=np.int32)}, {}, "Dense0/bias .* holds int32"),
        ({"8x8/Conv1/weight": np.zeros((3, 3), np.float32)}, {}, "4 dimensions are wanted"),
        ({"LabelConcat/weight": np.zeros((2, 9), np.float32)}, {}, "have 18"),
        ({"Dense1/weight": np.zeros((48, 7), np.float32)}, {}, "differ in width"),
        ({"16x16/Conv1/weight": np.zeros((3, 3, 8, 8), np.float32)}, {}, "do not halve"),
        ({"lod": np.float32(4)}, {}, "lacks its layers from 8² on"),
        ({}, {"use_pixel_norm": True}, "use_pixel_norm is True"),
        ({}, {"blur_filter": [1, 3, 3, 1]}, "blur_filter is"),
        ({}, {"fused_scale": "sometimes"}, "fused_scale is 'sometimes'"),
    ],
)
def test_unfit_variables_are_named(change, options, message) -> None:
    variables, _, _ = golden_variables("separate")
    variables = {k: v for k, v in {**variables, **change}.items() if v is not None}
    with pytest.raises(ValueError, match=message):
        variables_to_state(variables, options)
