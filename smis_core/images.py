"""Pictures at the edge of the package: files, PIL and uint8 arrays to image tensors and back.

An image tensor is float32 ``[N, 3, H, W]`` in [-1, 1].
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, PngImagePlugin
from torch import Tensor

MAX_SIDE = 8192
"""Longest side of a picture or mask that is read, in pixels; longer ones are refused unread."""

PathLike: TypeAlias = str | os.PathLike[str]
UInt8Array: TypeAlias = npt.NDArray[np.uint8]
ImageSource: TypeAlias = PathLike | Image.Image | UInt8Array | Tensor

_SIXTEEN_BIT_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def open_picture(path: PathLike) -> Image.Image:
    """Open a picture file, judge it by its header, then decode it.

    Args:
        path: a file in any format that Pillow reads.

    Returns:
        The decoded picture in the mode of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is a folder, has zero bytes, is no picture, is broken, or has a side
            over ``MAX_SIDE`` (known from the header, before anything is decoded).
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file; check the path")
    if path.is_dir():
        raise ValueError(
            f"{path}: a picture file was wanted, this is a folder; name one file in it"
        )
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: a picture was wanted, the file has zero bytes; save it again")
    too_large = (
        f"sides of at most {MAX_SIDE} pixels are read; make it smaller (512 is plenty for a mask)"
    )
    try:
        picture = Image.open(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path}: far too large to open; {too_large}") from error
    except (OSError, SyntaxError) as error:
        raise ValueError(
            f"{path}: a picture was wanted (PNG, JPEG, WebP …), this file is none that can be read"
            f" ({error})"
        ) from error
    with picture:
        if max(picture.size) > MAX_SIDE:
            width, height = picture.size
            raise ValueError(f"{path}: is {width} x {height}; {too_large}")
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(
                f"{path}: the picture is broken or cut short ({error}); save or fetch it again"
            ) from error
    return picture


def read_image(source: ImageSource, *, size: int | None = None) -> Tensor:
    """Bring one picture to an image tensor.

    Args:
        source: a path, a PIL picture, a uint8 array ``[H, W, 3]``, or a float tensor ``[3, H, W]``
            or ``[1, 3, H, W]`` in [-1, 1]. Transparent parts become white; the camera's
            orientation is applied.
        size: side of the square to return; the centre square of the picture is resampled to it
            (antialiased bicubic). None keeps the picture as it is.

    Returns:
        float32 ``[1, 3, H, W]`` in [-1, 1], on the CPU (a tensor stays on its device).

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: ``source`` is none of the above.
        ValueError: the picture is broken, too large, of 16 bits, or of another shape or range.
    """
    if size is not None and not 1 <= size <= MAX_SIDE:
        raise ValueError(f"size: a side of 1 to {MAX_SIDE} pixels was wanted, got {size}")
    if isinstance(source, (str, os.PathLike)):
        image = _from_pil(open_picture(source), name=str(source))
    elif isinstance(source, Image.Image):
        image = _from_pil(source, name="picture")
    elif isinstance(source, np.ndarray):
        image = _from_array(source)
    elif isinstance(source, Tensor):
        image = _from_tensor(source)
    else:
        raise TypeError(
            "read_image: a path, a PIL picture, a uint8 array [H, W, 3] or a tensor [3, H, W] was "
            f"wanted, got {type(source).__name__}"
        )
    if size is not None and image.shape[-2:] != (size, size):
        image = _centre_square(image, size)
    return image


def to_uint8(images: Tensor) -> UInt8Array:
    """Image tensor ``[N, 3, H, W]`` in [-1, 1] (clipped) to uint8 ``[N, H, W, 3]``."""
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images: [N, 3, H, W] was wanted, got {list(images.shape)}")
    levels = (images.detach().float() * 127.5 + 127.5).round_().clamp_(0, 255)
    array: UInt8Array = levels.to("cpu", torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return array


def to_pil(image: Tensor) -> Image.Image:
    """One image tensor, ``[3, H, W]`` or ``[1, 3, H, W]`` in [-1, 1], as an RGB picture."""
    batch = image if image.ndim == 4 else image[None]
    if batch.ndim != 4 or batch.shape[0] != 1:
        raise ValueError(
            f"image: one picture, [3, H, W] or [1, 3, H, W], was wanted, got {list(image.shape)}; "
            "choose one of the batch or use image_grid"
        )
    return Image.fromarray(to_uint8(batch)[0])


def image_grid(images: Tensor, *, columns: int, gap: int = 2) -> Tensor:
    """Lay pictures out row by row on white.

    Args:
        images: ``[N, 3, H, W]`` in [-1, 1].
        columns: pictures in a row; the last row may be shorter.
        gap: white pixels between neighbours.

    Returns:
        ``[3, rows * (H + gap) - gap, columns * (W + gap) - gap]``.

    Raises:
        ValueError: no pictures, another shape, or fewer than one column.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[0] == 0:
        raise ValueError(f"images: [N, 3, H, W] with N >= 1 was wanted, got {list(images.shape)}")
    if columns < 1 or gap < 0:
        raise ValueError(f"columns >= 1 and gap >= 0 were wanted, got {columns} and {gap}")
    count, _, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    grid = images.new_ones(3, rows * (height + gap) - gap, columns * (width + gap) - gap)
    for index, image in enumerate(images):
        top = index // columns * (height + gap)
        left = index % columns * (width + gap)
        grid[:, top : top + height, left : left + width] = image
    return grid


def save_image(
    image: Tensor | Image.Image | UInt8Array,
    path: PathLike,
    *,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a PNG in one step: the file is either the whole new picture or what it was before.

    Args:
        image: an image tensor of one picture, a PIL picture (kept in its mode), or a uint8 array
            ``[H, W, 3]``.
        path: the file to write, ending in ``.png``; missing folders are made.
        metadata: text chunks by keyword, such as seed and latent.

    Raises:
        ValueError: the path cannot be written, or does not end in ``.png``.
    """
    path = Path(path)
    check_writable(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: a name ending in .png was wanted; pictures are saved as PNG")
    picture = image if isinstance(image, Image.Image) else to_pil(read_image(image))
    chunks = PngImagePlugin.PngInfo()
    for keyword, text in (metadata or {}).items():
        chunks.add_text(keyword, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.png")
    try:
        with draft.open("xb") as file:
            _save_png(picture, file, chunks)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def check_writable(path: PathLike, *, folder: bool = False) -> None:
    """Find out before the work whether a file (or a folder's contents) can be written.

    Args:
        path: where something will be written; nothing there is touched.
        folder: ``path`` is a folder that will receive files.

    Raises:
        ValueError: what stands in the way, and what to choose instead.
    """
    path = Path(path)
    if folder and path.exists() and not path.is_dir():
        raise ValueError(f"{path}: an output folder was wanted, this is a file; name another")
    if not folder and path.is_dir():
        raise ValueError(f"{path}: an output file was wanted, this is a folder; add a file name")
    if not folder and path.exists() and not os.access(path, os.W_OK):
        raise ValueError(f"{path}: the file is read-only; choose another name")
    parent = path if folder else path.parent
    while not os.path.lexists(parent):
        parent = parent.parent
    if not parent.is_dir():
        raise ValueError(f"{path}: cannot be written, {parent} is not a folder; choose another")
    try:
        # Permission bits do not tell about read-only disks or Windows; an unnamed file does.
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise ValueError(
            f"{path}: cannot be written in {parent} ({error.strerror}); choose another place"
        ) from error


def _save_png(picture: Image.Image, file: BinaryIO, chunks: PngImagePlugin.PngInfo) -> None:
    transparency = picture.info.get("transparency")
    if transparency is None:
        picture.save(file, format="PNG", pnginfo=chunks)
    else:
        picture.save(file, format="PNG", pnginfo=chunks, transparency=transparency)


def _from_pil(picture: Image.Image, *, name: str) -> Tensor:
    if picture.mode in _SIXTEEN_BIT_MODES:
        raise ValueError(
            f"{name}: 8 bits a channel were wanted, got mode {picture.mode!r}; convert it to 8 bits"
        )
    if min(picture.size) == 0:
        raise ValueError(f"{name}: the picture is empty ({picture.width} x {picture.height})")
    picture = ImageOps.exif_transpose(picture)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return _from_array(np.array(picture.convert("RGB")))


def _from_array(array: npt.NDArray[np.generic]) -> Tensor:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise ValueError(
            "picture: a uint8 array [H, W, 3] was wanted, got "
            f"{array.dtype} {list(array.shape)}; scale to 0 … 255 and convert to RGB"
        )
    image = torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)
    return (image.float() / 127.5 - 1)[None].contiguous()


def _from_tensor(tensor: Tensor) -> Tensor:
    batch = tensor if tensor.ndim == 4 else tensor[None]
    if batch.ndim != 4 or batch.shape[0] != 1 or batch.shape[1] != 3 or batch.numel() == 0:
        raise ValueError(
            f"picture: a tensor [3, H, W] or [1, 3, H, W] was wanted, got {list(tensor.shape)}"
        )
    if not batch.is_floating_point():
        raise ValueError(
            f"picture: a float tensor in [-1, 1] was wanted, got {tensor.dtype}; "
            "pass uint8 pictures as an array [H, W, 3]"
        )
    batch = batch.detach().float()
    low, high = batch.min().item(), batch.max().item()
    # A generator's picture overshoots its range a little; a range of 255 is another convention.
    if not (low >= -4 and high <= 4):
        raise ValueError(
            f"picture: values in [-1, 1] were wanted, got [{low:.3g}, {high:.3g}]; "
            "use x / 127.5 - 1 for 0 … 255"
        )
    return batch


def _centre_square(image: Tensor, size: int) -> Tensor:
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[..., top : top + side, left : left + side]
    resized = torch.nn.functional.interpolate(
        square, size=(size, size), mode="bicubic", align_corners=False, antialias=True
    )
    return resized.clamp(-1, 1)
