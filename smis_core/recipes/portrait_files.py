"""Pictures that a person names on a command line: latents in them, masks, regions, photographs."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from smis_core.annotations import carries_palette, read_mask
from smis_core.checkpoints import fingerprint
from smis_core.editing import brings_latent, extract, resolve
from smis_core.images import open_picture
from smis_core.inversion import Target, load_latent, prepare_target
from smis_core.labels import UNPAINTED, LabelMap, Palette
from smis_core.latents import W, WPlus
from smis_core.networks.generator_base import GeneratorBase

_LATENT, _SHAPE, _GENERATOR = "smis:wplus", "smis:wplus_shape", "smis:generator"
_LATENT_SUFFIX = ".safetensors"
_MASK_MODES = ("P", "L", "LA", "1")


@dataclass(frozen=True, eq=False)
class NamedPortrait:
    """A portrait by its file, as far as the file says what it is."""

    path: Path
    latent: WPlus | None = None
    """[1, L, w], where the file brings it"""
    target: Target | None = None
    """a picture that has to be inverted first"""
    mask: LabelMap | None = None
    """a sketch, or the sketch that was saved beside the portrait"""

    @property
    def name(self) -> str:
        """Without folder and suffix."""
        return self.path.stem


def latent_texts(
    wplus: WPlus,  # [1, L, w]
    *,
    generator: str = "",
) -> dict[str, str]:
    """Text chunks that bring a portrait's latent: base64 of little-endian float32, row by row.

    Args:
        wplus: the latent.
        generator: fingerprint of the network whose latent it is.
    """
    rows = wplus.tensor[0].detach().cpu().numpy().astype("<f4")
    texts = {
        _SHAPE: "x".join(map(str, rows.shape)),
        _LATENT: base64.b64encode(rows.tobytes()).decode(),
    }
    return texts | ({_GENERATOR: generator} if generator else {})


def read_picture(path: str | Path, generator: GeneratorBase) -> NamedPortrait:
    """A picture with the latent that it brings, or ready to be inverted.

    Args:
        path: a PNG that the studio, the sliders or `smis synthesize` saved, a code of `smis
            invert`, or any other picture.
        generator: the one that will draw.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a broken picture, one without content, or the latent of another generator.
    """
    path = Path(path)
    latent = _latent_of(path, generator)
    if latent is not None:
        return NamedPortrait(path, latent)
    return NamedPortrait(path, target=prepare_target(path, generator.config.resolution))


def read_portrait(path: str | Path, generator: GeneratorBase, palette: Palette) -> NamedPortrait:
    """What a sketch is an edit of: a sketch itself, or a picture as `read_picture` reads it.

    A portrait that the studio saved brings its sketch: `NAME-mask.png` beside `NAME.png`.

    Args:
        path: the file; grey and indexed pictures are sketches.
        generator: the one that will draw.
        palette: of sketches.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: as `read_picture` and `read_mask`.
    """
    path = Path(path)
    latent = _latent_of(path, generator)
    if latent is not None:
        beside = path.with_name(f"{path.stem}-mask.png")
        mask = read_mask(beside, palette) if beside.exists() else None
        return NamedPortrait(path, latent, mask=mask)
    picture = open_picture(path)
    if picture.format != "JPEG":
        try:
            return NamedPortrait(path, mask=read_mask(path, palette))
        except ValueError:
            if picture.mode in _MASK_MODES or carries_palette(path):
                raise
    return NamedPortrait(path, target=prepare_target(path, generator.config.resolution))


def read_region(path: str | Path) -> Tensor:
    """Where a picture may change: float32 [H, H] in [0, 1].

    Args:
        path: a square picture, white where the portrait may change and black or transparent where
            it stays; of a label map (as `LabelMap.save` writes it) whatever is painted may change.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: no picture, not square, or nothing may change.
    """
    picture = open_picture(path)
    if picture.width != picture.height:
        raise ValueError(
            f"{path}: wanted a square region, as the portrait is, got {picture.width} x"
            f" {picture.height}; crop it"
        )
    if carries_palette(path):
        painted = LabelMap.load(path, None, unfinished=True).indices != UNPAINTED
        region = torch.from_numpy(painted).float()
    else:
        grey = np.array(picture.convert("RGBA").convert("LA"), dtype=np.float32) / 255
        region = torch.from_numpy(grey[..., 0] * grey[..., 1])
    if not bool(region.any()):
        raise ValueError(
            f"{path}: wanted a region that is white where the portrait may change, got one that is"
            " black everywhere; paint it"
        )
    return region


def _latent_of(path: Path, generator: GeneratorBase) -> WPlus | None:
    """The latent that a file brings; ValueError where it is another generator's."""
    if path.suffix == _LATENT_SUFFIX:
        found, _ = load_latent(path, generator=fingerprint(generator))
        code = found.broadcast(generator.num_ws) if isinstance(found, W) else found
        if not isinstance(code, WPlus):
            raise ValueError(f"{path}: wanted a code in W or W+, got {type(code).__name__}")
        return _fitting(path, code, generator)
    picture = open_picture(path)
    if brings_latent(path):
        return resolve(generator, extract(path, generator)).wplus
    texts = getattr(picture, "text", {})
    if _LATENT not in texts:
        return None
    made_by = texts.get(_GENERATOR)
    if made_by is not None and made_by != fingerprint(generator):
        raise ValueError(f"{path}: its latent is of another generator; open that one, or invert a"
                         " copy that was saved without its latent")  # fmt: skip
    try:
        shape = tuple(map(int, texts[_SHAPE].split("x")))
        rows = np.frombuffer(base64.b64decode(texts[_LATENT], validate=True), "<f4").reshape(shape)
        code = WPlus(torch.from_numpy(rows.copy())[None])
    except (KeyError, ValueError, binascii.Error) as problem:
        raise ValueError(
            f"{path}: the latent in this picture is damaged ({problem}); get the file again"
        ) from None
    return _fitting(path, code, generator)


def _fitting(path: Path, code: WPlus, generator: GeneratorBase) -> WPlus:
    wanted = (1, generator.num_ws, generator.config.w_dim)
    if tuple(code.tensor.shape) != wanted or not bool(torch.isfinite(code.tensor).all()):
        raise ValueError(
            f"{path}: wanted one finite latent {list(wanted)} of this generator, got"
            f" {list(code.tensor.shape)}"
        )
    return code
