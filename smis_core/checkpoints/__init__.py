"""Networks on disk: any StyleGAN checkpoint opened safely, our safetensors format, the zoo."""

from . import kinds as kinds
from .checkpoint import Checkpoint
from .convert import convert
from .inversion_encoder import InversionConfig, InversionEncoder
from .load import AnyGenerator, CheckpointNote, load_checkpoint, load_generator, source_of
from .native import fingerprint, load_network, read_card, register_kind, save_network
from .restricted import UnsafeCheckpointError
from .sniff import Sniffed, sniff
from .zoo import ZooModel, bundled_path, cache_folder, fetch, zoo_models

__all__ = [
    "AnyGenerator",
    "Checkpoint",
    "CheckpointNote",
    "InversionConfig",
    "InversionEncoder",
    "Sniffed",
    "UnsafeCheckpointError",
    "ZooModel",
    "bundled_path",
    "cache_folder",
    "convert",
    "fetch",
    "fingerprint",
    "load_checkpoint",
    "load_generator",
    "load_network",
    "read_card",
    "register_kind",
    "save_network",
    "sniff",
    "source_of",
    "zoo_models",
]
