"""Choosing where tensors live and in which arithmetic they meet."""

import torch


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
