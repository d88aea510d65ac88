"""Latent codes as types, and what is done with them before a picture is drawn."""

from .codes import Noise, StyleSpace, W, WPlus, Z
from .sampling import mix_styles, sample_z, truncate, w_statistics

__all__ = [
    "Noise",
    "StyleSpace",
    "W",
    "WPlus",
    "Z",
    "mix_styles",
    "sample_z",
    "truncate",
    "w_statistics",
]
