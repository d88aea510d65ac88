"""Reading the golden tensors (tests/golden) and comparing with them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "golden"


def load_golden(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors by key, and JSON entries by key."""
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    texts = {key: json.loads(str(a)) for key, a in arrays.items() if a.dtype.kind == "U"}
    tensors = {key: torch.from_numpy(a) for key, a in arrays.items() if a.dtype.kind != "U"}
    return tensors, texts


def state_of(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published state dict among golden tensors."""
    return {k.removeprefix("state/"): v for k, v in tensors.items() if k.startswith("state/")}


def relative_error(ours: Tensor, golden: Tensor) -> float:
    """‖ours - golden‖ / ‖golden‖; infinite where shapes differ."""
    if ours.shape != golden.shape:
        return float("inf")
    golden = golden.double()
    return float((ours.detach().cpu().double() - golden).norm() / golden.norm())
