"""Networks on disk: our safetensors format, and the weights that travel with the package."""

from .native import fingerprint, load_network, read_card, register_kind, save_network
from .zoo import bundled_path

__all__ = [
    "bundled_path",
    "fingerprint",
    "load_network",
    "read_card",
    "register_kind",
    "save_network",
]
