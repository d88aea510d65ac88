"""A checkpoint as a whole: what it is, what is in it, what it draws."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..images import image_grid, to_pil
from ..networks.discriminator import Discriminator
from ..networks.stylegan1 import StyleGAN1Generator
from ..networks.stylegan2 import Generator
from ..networks.stylegan3 import StyleGAN3Generator
from .formats.assemble import Loaded
from .inversion_encoder import InversionEncoder
from .native import fingerprint

FORMATS = {
    "nvidia-torch": "NVIDIA PyTorch pickle",
    "nvidia-tensorflow": "NVIDIA TensorFlow pickle",
    "rosinality": "PyTorch port (g_ema)",
    "psp": "pSp",
    "e4e": "e4e",
    "state-dict": "state dict",
    "smis": "SMIS safetensors",
}
"""Formats as people call them."""
_NAMES: dict[type[nn.Module], str] = {
    Generator: "StyleGAN2",
    StyleGAN1Generator: "StyleGAN",
    Discriminator: "StyleGAN2 discriminator",
}
SAMPLES = 4
_SAMPLE_SIDE = 256
_PSI = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint(Loaded):
    """Everything that was found in a file. In a notebook it shows itself with four samples."""

    path: Path
    """The file."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """The model card of a file of ours."""
    licence: str | None = None
    """As the card or the zoo names it; None where neither knows."""

    @property
    def main(self) -> nn.Module:
        """The network that the file is about: the generator where there is one."""
        held = (self.generator, self.encoder, self.discriminator, self.other)
        return next(network for network in held if network is not None)

    @property
    def network(self) -> str:
        """What it is called: "StyleGAN2", "StyleGAN3-R", …; "pSp encoder and StyleGAN2"."""
        name = network_name(self.main)
        if self.generator is not None and self.encoder is not None:
            return f"{network_name(self.encoder)} and {name}"
        return name

    @property
    def architecture(self) -> str | None:
        """Of StyleGAN2 "skip", "resnet" or "orig", of StyleGAN3 "t" or "r"; None elsewhere."""
        return _architecture(self.main)

    @property
    def resolution(self) -> int | None:
        """Side of the pictures in pixels."""
        return getattr(getattr(self.main, "config", None), "resolution", None)

    @property
    def classes(self) -> int:
        """Number of classes; 0 is unconditional."""
        return int(getattr(getattr(self.main, "config", None), "c_dim", 0))

    @property
    def parameters(self) -> int:
        """Trained numbers of the main network."""
        return sum(value.numel() for value in self.main.parameters())

    @cached_property
    def fingerprint(self) -> str:
        """Of the main network's weights, as `smis_core.checkpoints.fingerprint` gives it."""
        return fingerprint(self.main)

    def facts(self) -> dict[str, Any]:
        """What `smis inspect` tells, ready for JSON."""
        return {
            "file": self.path.name,
            "format": self.format,
            "network": self.network,
            "architecture": self.architecture,
            "resolution": self.resolution,
            "classes": self.classes,
            "parameters": self.parameters,
            "licence": self.licence,
            "fingerprint": self.fingerprint,
            "notes": [*self.notes],
        }

    def samples(self, *, truncation_psi: float = _PSI) -> Tensor:
        """Four pictures from seeds 0 to 3, of classes 0 to 3 where there are any.

        Args:
            truncation_psi: 1 keeps w, 0 gives the average.

        Returns:
            float32 `[4, 3, S, S]` in [-1, 1] on the CPU, S at most 256.

        Raises:
            ValueError: the file has no generator.
        """
        generator: Any = self.generator
        if generator is None:
            raise ValueError(
                f"{self.path}: samples need a generator, but this is a {self.network}; open the "
                "generator's file"
            )
        config = generator.config
        device = next(generator.parameters()).device
        draws = [np.random.Generator(np.random.PCG64(i)).standard_normal(config.z_dim)
                 for i in range(SAMPLES)]  # fmt: skip
        z = torch.from_numpy(np.stack(draws).astype(np.float32)).to(device)
        c = None
        if config.c_dim:
            classes = torch.arange(SAMPLES, device=device) % config.c_dim
            c = nn.functional.one_hot(classes, config.c_dim).float()
        pictures = []
        with torch.inference_mode():
            ws = generator.mapping(z, c, truncation_psi=truncation_psi)
            for row in ws.split(1):  # one at a time: four of 1024² would take gigabytes
                picture = generator.synthesis(row).clamp(-1, 1).float()
                if picture.shape[-1] > _SAMPLE_SIDE:
                    size = (_SAMPLE_SIDE, _SAMPLE_SIDE)
                    picture = nn.functional.interpolate(picture, size=size, mode="area")
                pictures.append(picture.cpu())
        drawn = torch.cat(pictures)
        return drawn[:, :3] if drawn.shape[1] >= 3 else drawn[:, :1].expand(-1, 3, -1, -1)

    def sheet(self, *, truncation_psi: float = _PSI) -> Image.Image:
        """The samples in a row. Arguments and errors as in `samples`."""
        return to_pil(image_grid(self.samples(truncation_psi=truncation_psi), columns=SAMPLES))

    def __repr__(self) -> str:
        rows = "\n".join(f"  {name}: {value}" for name, value in self._rows())
        return f"Checkpoint {self.path.name}\n{rows}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        picture = ""
        if self.generator is not None:
            buffer = io.BytesIO()
            self.sheet().save(buffer, "PNG")
            data = base64.b64encode(buffer.getvalue()).decode()
            picture = (
                f"<img alt='four samples' style='max-width:100%' "
                f"src='data:image/png;base64,{data}'>"
            )
        name = html.escape(self.path.name)
        return f"<div><strong>{name}</strong><table>{rows}</table>{picture}</div>"

    def _rows(self) -> list[tuple[str, str]]:
        side = self.resolution
        return [
            ("format", FORMATS.get(self.format, self.format)),
            ("network", self.network),
            *([("architecture", self.architecture)] if self.architecture else []),
            *([("resolution", f"{side} × {side}")] if side else []),
            *([("classes", str(self.classes or "none"))] if self.generator is not None else []),
            ("parameters", f"{self.parameters:,}"),
            ("licence", _line(self.licence or "not known")),
            ("fingerprint", self.fingerprint[:16]),
            *(("note", _line(note)) for note in self.notes),
        ]


def _line(text: str) -> str:
    """Text from a file as one line, in which nothing steers a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def network_name(network: nn.Module) -> str:
    """What people call a network: "StyleGAN2", "Encoder4Editing", …"""
    if isinstance(network, StyleGAN3Generator):
        return f"StyleGAN3-{'R' if network.config.use_radial_filters else 'T'}"
    if isinstance(network, InversionEncoder):
        return {"gradual": "pSp encoder", "e4e": "e4e encoder"}[network.config.encoder]
    for family, name in _NAMES.items():
        if isinstance(network, family):
            return name
    return type(network).__name__


def _architecture(network: nn.Module) -> str | None:
    if isinstance(network, StyleGAN3Generator):
        return "r" if network.config.use_radial_filters else "t"
    if not isinstance(network, Generator | Discriminator):
        return None
    return network.config.architecture
