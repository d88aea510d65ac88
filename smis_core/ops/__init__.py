"""The operations that generators and discriminators are made of."""

from .bias_act import ACTIVATIONS, bias_act
from .modulated_conv import conv2d_resample, modulated_conv2d
from .upfirdn2d import downsample2d, setup_filter, upfirdn2d, upsample2d

__all__ = [
    "ACTIVATIONS",
    "bias_act",
    "conv2d_resample",
    "downsample2d",
    "modulated_conv2d",
    "setup_filter",
    "upfirdn2d",
    "upsample2d",
]
