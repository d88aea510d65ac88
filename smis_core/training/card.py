"""What a model card says about a training."""

from __future__ import annotations

import platform
from typing import Any

import torch

from smis_core.training.state import GanState


def model_card(state: GanState, *, command: str) -> dict[str, Any]:
    """Data, command, extent, hardware and options of a training, ready for JSON.

    Args:
        state: the training as it is now.
        command: what a person would type to repeat it.
    """
    device = next(state.generator.parameters()).device
    hardware = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type}, {torch.get_num_threads()} threads, {platform.machine()}, "
        f"{torch.backends.cpu.get_cpu_capability()}"
    )
    return {
        "data": state.data,
        "command": command,
        "pictures_seen": state.pictures,
        "steps": state.step,
        "hours": round(state.seconds / 3600, 3),
        "grown_from": state.grown_from,
        "hardware": hardware,
        "torch": torch.__version__,
        "seed": state.options.seed,
        "options": state.options.to_dict(),
    }
