"""What outlives the widgets: files that hold all of a portrait, and plain pictures."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from smis_core.images import check_writable, image_grid, read_image, save_image, to_pil
from smis_core.recipes.portrait_files import latent_texts
from smis_widgets.portraitist import Portrait


def next_path(folder: Path, stem: str, suffix: str) -> Path:
    """The first of `stem-0001`, `stem-0002` … that does not exist: nothing is overwritten.

    Raises:
        ValueError: the folder cannot be written.
    """
    number = 1
    while (path := folder / f"{stem}-{number:04d}{suffix}").exists():
        number += 1
    check_writable(path)
    return path


FORMATS = {"indexed": ".png", "rgb": ".png", "npz": ".npz", "svg": ".svg"}
"""Endings of the forms in which a mask is saved."""


def sheet(portrait: Portrait) -> Image.Image:
    """Mask and portrait side by side."""
    side = portrait.image.shape[-1]
    mask = read_image(portrait.mask.resized(side).colours()).to(portrait.image)
    return to_pil(image_grid(torch.cat([mask, portrait.image.clamp(-1, 1)]), columns=2, gap=4))


def album(portraits: list[Portrait], *, columns: int = 3) -> Image.Image:
    """The sheets of several portraits, row by row."""
    sheets = torch.cat([read_image(sheet(each)) for each in portraits])
    return to_pil(image_grid(sheets, columns=columns, gap=12))


def save_portrait(portrait: Portrait, folder: Path, *, seed: int) -> Path:
    """Write a portrait, its mask and its latent under the next free number.

    `portrait-0001.png` carries seed, style, layer, truncation and the latent (base64 of
    little-endian float32, row by row) in text chunks; `portrait-0001-mask.png` holds the class
    indices; `portrait-0001.npz` the latent `wplus` [L, w] and the same settings.

    Returns:
        The path of the picture.

    Raises:
        ValueError: the folder cannot be written.
    """
    path = next_path(folder, "portrait", ".png")
    latent = portrait.wplus.tensor[0].detach().cpu().numpy().astype("<f4")
    look = portrait.look
    settings = {
        "seed": seed,
        "style": look.style,
        "mix_from": look.mix_from,
        "truncation": look.truncation,
    }
    chunks = {f"smis:{name}": str(value) for name, value in settings.items()}
    chunks |= latent_texts(portrait.wplus)
    save_image(portrait.image.clamp(-1, 1), path, metadata=chunks)
    portrait.mask.save(path.with_name(f"{path.stem}-mask.png"))
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.npz")
    try:
        np.savez(draft, wplus=latent, **{name: np.array(value) for name, value in settings.items()})
        os.replace(draft, path.with_suffix(".npz"))
    finally:
        draft.unlink(missing_ok=True)
    return path
