"""Pictures and masks of any kind, read into linear light."""

from __future__ import annotations

import os

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..images import MAX_SIDE, ImageSource, open_picture
from ..labels import UNPAINTED, LabelMap

_SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def read_linear(source: ImageSource) -> tuple[Tensor, list[str]]:
    """Linear light [1, 3, H, W] in [0, 1], flattened onto white and upright, and what was done.

    Raises:
        FileNotFoundError, TypeError, ValueError: as `prepare_target` says.
    """
    if isinstance(source, Tensor):
        return _from_tensor(source), []
    if isinstance(source, (str, os.PathLike)):
        picture = open_picture(source)
        with Image.open(source) as file:
            frames = getattr(file, "n_frames", 1)
        tensor, notes = _from_pil(picture)
        return tensor, [f"the first of {frames} frames", *notes] if frames > 1 else notes
    if isinstance(source, Image.Image):
        return _from_pil(source)
    if isinstance(source, np.ndarray):
        return _flattened(_from_array(source)), []
    raise TypeError(
        f"target: wanted a path, a PIL picture, an array or a tensor, got {type(source).__name__}"
    )


def to_gamma(
    linear: Tensor,  # [1, 3, H, W]
) -> Tensor:
    """sRGB in [-1, 1]."""
    linear = linear.clamp(0, 1)
    coded = torch.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055
    )
    return (coded * 2 - 1).clamp(-1, 1)


def read_mask(name: str, mask: LabelMap | np.ndarray | Tensor) -> Tensor:
    """float32 [1, 1, H, W] in [0, 1]; painted pixels of a label map are 1.

    Raises:
        TypeError, ValueError: it is no mask, or its numbers leave [0, 1].
    """
    if isinstance(mask, LabelMap):
        return torch.from_numpy((mask.indices != UNPAINTED).astype(np.float32))[None, None]
    if not isinstance(mask, (np.ndarray, Tensor)):
        raise TypeError(f"{name}: wanted a LabelMap or an array [H, W], got {type(mask).__name__}")
    values = torch.as_tensor(mask).detach().cpu().float().squeeze()
    if values.ndim != 2:
        raise ValueError(f"{name}: wanted an array [H, W], got {[*mask.shape]}")
    if not bool(torch.isfinite(values).all()) or float(values.min()) < 0 or float(values.max()) > 1:
        raise ValueError(
            f"{name}: wanted numbers from 0 (does not matter) to 1, got {float(values.min()):.3g}"
            f" to {float(values.max()):.3g}"
        )
    return values[None, None]


def _from_pil(picture: Image.Image) -> tuple[Tensor, list[str]]:
    notes = []
    if min(picture.size) == 0:
        raise ValueError(f"target: the picture is empty ({picture.width} x {picture.height})")
    _check_pixels(*picture.size)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in _SIXTEEN:
        notes.append("16 bits a channel")
        return _flattened(_from_array(np.asarray(picture).astype(np.uint16))), notes
    if picture.mode == "F":
        raise ValueError(
            "target: wanted 8 or 16 bits a channel, got floats (mode 'F'); give an array in [0, 1]"
        )
    if picture.mode == "CMYK":
        notes.append("CMYK, converted to RGB")
    if picture.has_transparency_data:
        notes.append("transparency flattened onto white")
        return _flattened(_from_array(np.asarray(picture.convert("RGBA")))), notes
    return _flattened(_from_array(np.asarray(picture.convert("RGB")))), notes


def _from_array(array: np.ndarray) -> Tensor:
    """[1, C, H, W] in [0, 1], C 3 or 4, still with gamma."""
    plane = array.ndim == 2
    if (not plane and (array.ndim != 3 or array.shape[2] not in (3, 4))) or not array.size:
        raise ValueError(
            "target: wanted an array [H, W], [H, W, 3] or [H, W, 4], got"
            f" {array.dtype} {[*array.shape]}"
        )
    _check_pixels(array.shape[1], array.shape[0])
    top = {"uint8": 255.0, "uint16": 65535.0}.get(str(array.dtype))
    if top is None and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"target: wanted uint8, uint16 or floats in [0, 1], got {array.dtype}; convert it first"
        )
    values = array.astype(np.float32) / (top or 1.0)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise ValueError(
            f"target: wanted floats in [0, 1], got {values.min():.3g} to {values.max():.3g}"
        )
    if plane:
        values = np.repeat(values[..., None], 3, axis=2)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))[None]


def _from_tensor(tensor: Tensor) -> Tensor:
    batch = tensor if tensor.ndim == 4 else tensor[None]
    if batch.ndim != 4 or tuple(batch.shape[:2]) != (1, 3) or batch.numel() == 0:
        raise ValueError(
            f"target: wanted a tensor [3, H, W] or [1, 3, H, W], got {[*tensor.shape]}"
        )
    if not batch.is_floating_point():
        raise ValueError(
            f"target: wanted a float tensor in [-1, 1], got {tensor.dtype};"
            " pass uint8 pictures as an array [H, W, 3]"
        )
    batch = batch.detach().float().cpu()
    if not bool(torch.isfinite(batch).all()):
        raise ValueError("target: wanted finite numbers, got NaN or infinity among them")
    low, high = float(batch.min()), float(batch.max())
    # A generator's picture overshoots its range a little; a range of 255 is another convention.
    if low < -4 or high > 4:
        raise ValueError(
            f"target: wanted values in [-1, 1], got [{low:.3g}, {high:.3g}]; use x / 127.5 - 1 for"
            " 0 … 255"
        )
    return _to_linear((batch.clamp(-1, 1) + 1) / 2)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_SIDE**2:
        raise ValueError(
            f"target: wanted at most {MAX_SIDE**2 // 10**6} million pixels, got {width} x {height};"
            " make the picture smaller, or give the part of it that matters"
        )


def _flattened(coded: Tensor) -> Tensor:
    """Linear light on white, from [1, 3 or 4, H, W] in [0, 1]."""
    linear = _to_linear(coded[:, :3])
    if coded.shape[1] == 3:
        return linear
    alpha = coded[:, 3:]
    return linear * alpha + (1 - alpha)


def _to_linear(coded: Tensor) -> Tensor:
    return torch.where(
        coded <= 0.04045, coded / 12.92, ((coded.clamp_min(0) + 0.055) / 1.055) ** 2.4
    )
