"""The synthesizers that travel with the package."""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoints.load import load_generator
from ..checkpoints.native import fingerprint, load_network, read_card
from ..checkpoints.zoo import bundled_path
from .network import FewshotNetwork
from .synthesis import Synthesizer

SHIPPED_SHOTS = (1, 5)


def load_synthesizer(
    name: str = "portraits",
    *,
    shots: int = 5,
    device: str | torch.device = "auto",
) -> Synthesizer:
    """The bundled generator with the encoder that was trained from a few annotated pictures.

    Args:
        name: the domain.
        shots: annotated pictures behind the encoder: 1 or 5.
        device: where it is to run.

    Raises:
        ValueError: no encoder of so many shots ships, or it belongs to another generator.
        FileNotFoundError: the domain is not bundled.
    """
    if shots not in SHIPPED_SHOTS:
        raise ValueError(
            f"shots: wanted one of {SHIPPED_SHOTS}, got {shots}; `smis fewshot train` makes an"
            " encoder from other numbers of pictures"
        )
    return load_synthesizer_files(
        bundled_path(f"{name}/generator"), bundled_path(f"{name}/encoder_{shots}"), device=device
    )


def load_synthesizer_files(
    generator_path: str | Path,
    encoder_path: str | Path,
    *,
    device: str | torch.device = "auto",
) -> Synthesizer:
    """A synthesizer from two weights files.

    Args:
        generator_path: any StyleGAN checkpoint, or a name of the zoo.
        encoder_path: what `smis fewshot train` made from that generator.
        device: where it is to run.

    Raises:
        ValueError: a file holds something else, or the encoder belongs to another generator.
    """
    network = load_network(encoder_path, device=device)
    if not isinstance(network, FewshotNetwork):
        raise ValueError(
            f"{encoder_path}: wanted an encoder from `smis fewshot train`, got"
            f" {type(network).__name__}"
        )
    generator = load_generator(generator_path, device=device)
    made_from = read_card(encoder_path).get("made_from", {}).get("generator")
    if made_from is not None and made_from != fingerprint(generator):
        raise ValueError(
            f"{encoder_path}: wanted an encoder made from {generator_path}, got one made from"
            " another generator"
            " (the fingerprint in its card differs); make it again with `smis fewshot train` or"
            " `make models`"
        )
    return Synthesizer(generator, network)
