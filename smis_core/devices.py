"""Choosing where tensors live and in which arithmetic they meet."""

from typing import Literal, get_args

import torch

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""In what convolutions of finished networks compute; "auto" is `resolve_precision`'s choice."""


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device to compute on.

    Args:
        device: "auto" takes the first of CUDA, MPS and CPU that is there; anything else that
            `torch.device` understands is checked and taken.

    Raises:
        ValueError: the name is unknown, or the device is not there.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device must be 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps', but is {device!r}"
        ) from error
    count = torch.cuda.device_count()
    missing = (resolved.type == "cuda" and (resolved.index or 0) >= count) or (
        resolved.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing:
        raise ValueError(
            f"device {str(resolved)!r} was asked for, but torch {torch.__version__} sees {count} "
            "CUDA devices and "
            f"{'an' if torch.backends.mps.is_available() else 'no'} MPS device: "
            "use device='auto' or 'cpu', or install a torch built for it"
        )
    return resolved


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 itself; where it does not, float32 is faster."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The dtype in which a finished network convolves.

    Args:
        precision: "auto" takes bfloat16 where the hardware multiplies it itself, float32
            elsewhere. Pictures in bfloat16 have a PSNR of 40 dB or more against those in float32.
        device: where the network lives.

    Raises:
        ValueError: the name is unknown, or the device cannot: float16 needs CUDA.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision must be one of {get_args(Precision)}, but is {precision!r}")
    if precision == "float16" and device.type != "cuda":
        raise ValueError(
            f"precision='float16' needs a CUDA device, but the network is on {str(device)!r}: "
            "use precision='bfloat16' or 'auto'"
        )
    if precision == "auto":
        return torch.bfloat16 if has_fast_bfloat16(device) else torch.float32
    dtype: torch.dtype = getattr(torch, precision)
    return dtype


def inference_precision(precision: Precision, device: torch.device) -> torch.autocast:
    """A context in which networks draw in a precision, whatever context surrounds it.

    Weights stay as they are. Pictures, dense layers and demodulation stay in float32, as in
    training.

    Args:
        precision: see `resolve_precision`.
        device: where the network lives.

    Raises:
        ValueError: as in `resolve_precision`.
    """
    dtype = resolve_precision(precision, device)
    half = dtype != torch.float32
    return torch.autocast(device.type, dtype if half else torch.bfloat16, enabled=half)
