"""Pickles and files of torch.save, read without running anything that came in them."""

from .errors import UnsafeCheckpointError
from .limits import Limits
from .reader import read_pickle, read_torch
from .records import PersistentObject, TensorFlowNetwork

__all__ = [
    "Limits",
    "PersistentObject",
    "TensorFlowNetwork",
    "UnsafeCheckpointError",
    "read_pickle",
    "read_torch",
]
