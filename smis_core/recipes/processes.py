"""Long work on several processes, as `accelerate launch` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar

_Step = TypeVar("_Step")
_PATIENCE = timedelta(hours=6)


def launched() -> Any:
    """The `accelerate.Accelerator` of a process among several; None where there is one only.

    Raises:
        ValueError: there are several, and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return None
    try:
        from accelerate import Accelerator
        from accelerate.utils import InitProcessGroupKwargs
    except ImportError as error:
        raise ValueError(
            "several processes need accelerate, which is not installed: pip install smis[train]"
        ) from error
    # What one process does while the others wait may take longer than the usual ten minutes.
    return Accelerator(kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)])


def is_main(accelerator: Any) -> bool:
    """Whether this process writes files and speaks."""
    return accelerator is None or bool(accelerator.is_main_process)


def on_main(steps: Iterator[_Step], accelerator: Any) -> Iterator[_Step]:
    """The steps of work that leaves a file, on the main process; the others wait for its end.

    Each for itself they would find results that differ in the last digits.
    """
    if is_main(accelerator):
        yield from steps
    wait(accelerator)


def wait(accelerator: Any) -> None:
    """Until every process is here."""
    if accelerator is not None:
        accelerator.wait_for_everyone()
