"""Agreement of generator and discriminator with the published ones, from their own state."""

from typing import Any

import pytest
import torch
from golden_files import load_golden, relative_error, state_of
from torch import Tensor

from smis_core.networks import (
    Discriminator,
    DiscriminatorConfig,
    Generator,
    GeneratorConfig,
    stylegan2,
)

LIMIT = 1e-5


def load_generator(name: str, device: torch.device) -> tuple[Generator, dict[str, Tensor]]:
    tensors, texts = load_golden(f"stylegan2_ada_generator_{name}")
    published = texts["config"]
    kwargs = published["synthesis_kwargs"]
    config = GeneratorConfig(
        resolution=published["img_resolution"],
        z_dim=published["z_dim"],
        w_dim=published["w_dim"],
        c_dim=published["c_dim"],
        mapping_layers=published["mapping_kwargs"]["num_layers"],
        channel_base=kwargs["channel_base"],
        channel_max=kwargs["channel_max"],
        conv_clamp=kwargs["conv_clamp"],
        architecture=kwargs["architecture"],
    )
    generator = Generator(config)
    generator.load_state_dict(state_of(tensors))
    return generator.to(device), {key: value.to(device) for key, value in tensors.items()}


@pytest.mark.parametrize("name", ["uncond", "cond", "resnet", "orig", "clamp"])
def test_generator(name: str, device: torch.device) -> None:
    generator, golden = load_generator(name, device)
    z, c = golden["z"], golden.get("c")
    blocks = [f"b{r}" for r in generator.config.resolutions]
    ws = generator.mapping(z, c)
    image, features = generator.synthesis(ws, features=blocks)
    ours: dict[str, Any] = {
        "ws": ws,
        "ws_psi0.7_cutoff4": generator.mapping(z, c, truncation_psi=0.7, truncation_cutoff=4),
        "image_noise_const": image,
        "image_noise_none": generator.synthesis(ws, noise="none"),
        "image_from_ws_mixed": generator.synthesis(golden["ws_mixed"]),
        "image_from_z_psi0.5_const": generator(z, c, truncation_psi=0.5),
        **{f"feature_{name}": value for name, value in features.items()},
    }
    leaf = golden["ws"].clone().requires_grad_()
    loss = (generator.synthesis(leaf) - golden["target"]).square().mean()
    (ours["grad_ws_of_mse"],) = torch.autograd.grad(loss, leaf)
    errors = {key: relative_error(value, golden[key].cpu()) for key, value in ours.items()}
    assert max(errors.values()) <= LIMIT, errors


@pytest.mark.parametrize("folded", [False, True], ids=["", "folded"])
@pytest.mark.parametrize("name", ["uncond", "cond", "resnet", "orig", "clamp"])
def test_generator_without_gradients(
    name: str, folded: bool, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, golden = load_generator(name, device)
    if folded:  # as where an epilogue puts the next styles on
        monkeypatch.setattr(stylegan2, "folds_styles", lambda x: True)
    with torch.no_grad():  # where pictures are drawn in fewer steps
        ours = {
            "image_noise_const": generator.synthesis(golden["ws"]),
            "image_noise_none": generator.synthesis(golden["ws"], noise="none"),
            "image_from_ws_mixed": generator.synthesis(golden["ws_mixed"]),
            "image_from_z_psi0.5_const": generator(
                golden["z"], golden.get("c"), truncation_psi=0.5
            ),
        }
    errors = {key: relative_error(value, golden[key].cpu()) for key, value in ours.items()}
    assert max(errors.values()) <= LIMIT, errors


@pytest.mark.parametrize("name", ["skip", "resnet", "cond"])
def test_discriminator(name: str, device: torch.device) -> None:
    tensors, texts = load_golden(f"stylegan2_ada_discriminator_{name}")
    published = texts["config"]
    config = DiscriminatorConfig(
        resolution=published["img_resolution"],
        c_dim=published["c_dim"],
        channel_base=published["channel_base"],
        channel_max=published["channel_max"],
        architecture=published["architecture"],
        conv_clamp=published["conv_clamp"],
    )
    discriminator = Discriminator(config)
    discriminator.load_state_dict(state_of(tensors))
    discriminator.to(device)
    c = tensors["c"].to(device) if config.c_dim else None
    logits = discriminator(tensors["img"].to(device), c)
    assert relative_error(logits, tensors["logits"]) <= LIMIT
