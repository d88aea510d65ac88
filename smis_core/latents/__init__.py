"""Latent codes as types, and what is done with them before a picture is drawn."""

from .codes import Noise, StyleSpace, W, WPlus, Z
from .sampling import (
    check_seeds,
    mix_styles,
    sample_noise,
    sample_z,
    truncate,
    w_statistics,
)

__all__ = [
    "Noise",
    "StyleSpace",
    "W",
    "WPlus",
    "Z",
    "check_seeds",
    "mix_styles",
    "sample_noise",
    "sample_z",
    "truncate",
    "w_statistics",
]
