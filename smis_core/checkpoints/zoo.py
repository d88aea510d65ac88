"""Where networks are found by name: those that travel with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def bundled_path(name: str) -> Path:
    """The file of a bundled network.

    Args:
        name: domain and network, e.g. "portraits/generator".

    Raises:
        FileNotFoundError: nothing of that name is bundled; the message lists what is.
    """
    domain, _, network = name.partition("/")
    # Weights lie unpacked in the wheel, so this is always a real folder.
    package = Path(str(files("smis_core")))
    path = package / domain / "weights" / f"{network}.safetensors"
    if not path.is_file():
        there = sorted(
            f"{p.parent.parent.name}/{p.stem}" for p in package.glob("*/weights/*.safetensors")
        )
        raise FileNotFoundError(
            f"no bundled network is called {name!r}; there are: {', '.join(there) or 'none'}"
        )
    return path
