"""The encoder that training leaves in a project."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ...checkpoints.native import load_network, read_card
from ...networks.generator_base import GeneratorBase
from ..network import FewshotNetwork
from ..synthesis import Synthesizer


def encoder_problems(path: Path) -> list[str]:
    """What is wrong with the file, if anything is."""
    try:
        if path.exists():
            read_card(path)
    except ValueError as error:
        return [f"{path}: cannot be used ({error}); train again, which replaces it"]
    return []


def encoder_state(path: Path, digest: str) -> Literal["none", "fresh", "stale"]:
    """Whether there is an encoder, and from the annotations of this digest."""
    try:
        made_from = read_card(path).get("made_from", {})
    except (FileNotFoundError, ValueError):
        return "none"
    return "fresh" if made_from.get("annotated") == digest else "stale"


def load_encoder(path: Path, generator: GeneratorBase) -> Synthesizer:
    """The encoder, ready to draw; FileNotFoundError and ValueError as in `load_network`."""
    network = load_network(path, device=generator.mapping.w_avg.device)
    if not isinstance(network, FewshotNetwork):
        raise ValueError(f"{path}: wanted an encoder with its labeller")
    return Synthesizer(generator, network)
