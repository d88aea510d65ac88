"""The operations that generators and discriminators are made of."""

from ._choice import preferring
from ._native import NativeUnavailable, build_native
from .bias_act import ACTIVATIONS, bias_act
from .conv_epilogue import conv_epilogue
from .modulated_conv import conv2d_resample, folds_styles, modulated_conv2d
from .upfirdn2d import downsample2d, setup_filter, upfirdn2d, upsample2d

__all__ = [
    "ACTIVATIONS",
    "NativeUnavailable",
    "bias_act",
    "build_native",
    "conv2d_resample",
    "conv_epilogue",
    "downsample2d",
    "folds_styles",
    "modulated_conv2d",
    "preferring",
    "setup_filter",
    "upfirdn2d",
    "upsample2d",
]
