"""Bias, activation, gain and clamp in one step."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ._choice import Impl
from ._native import choose


@dataclass(frozen=True)
class Activation:
    """An activation with the defaults that keep the variance of its output near one."""

    function: Callable[[Tensor, float], Tensor]
    gain: float = 1.0
    alpha: float = 0.0


ACTIVATIONS = {
    "linear": Activation(lambda x, _: x),
    "relu": Activation(lambda x, _: torch.relu(x), gain=2**0.5),
    "lrelu": Activation(lambda x, alpha: F.leaky_relu(x, alpha), gain=2**0.5, alpha=0.2),
    "tanh": Activation(lambda x, _: torch.tanh(x)),
    "sigmoid": Activation(lambda x, _: torch.sigmoid(x)),
    "elu": Activation(lambda x, _: F.elu(x)),
    "selu": Activation(lambda x, _: F.selu(x)),
    "softplus": Activation(lambda x, _: F.softplus(x)),
    "swish": Activation(lambda x, _: F.silu(x), gain=2**0.5),
}


def bias_act(
    x: Tensor,  # [N, C, ...]
    b: Tensor | None = None,  # [C]
    *,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    impl: Impl = "auto",
) -> Tensor:
    """`clip(gain · act(x + b), -clamp, clamp)`, in the dtype of `x`.

    Args:
        x: activations, channels in dimension 1.
        b: bias of each channel; None adds none.
        act: a name of `ACTIVATIONS`.
        alpha: slope of the negative side ("lrelu"); None takes the activation's default.
        gain: factor after the activation; None takes the activation's default.
        clamp: largest magnitude of the result; None leaves it free.
        impl: "native" is one kernel on CUDA, with two derivatives; "auto" takes it where it is
            built; "reference" is plain torch.

    Raises:
        ValueError: unknown activation or implementation, x of whole numbers or without channels,
            a bias of another length, or a negative clamp.
        NativeUnavailable: "native" was asked for and cannot be had.
    """
    native = choose(impl, x)
    if x.ndim < 2 or not x.is_floating_point():
        raise ValueError(f"x must be floating-point [N, C, ...], but is {x.dtype} {[*x.shape]}")
    if clamp is not None and clamp < 0:
        raise ValueError(f"clamp must be a magnitude or None, but is {clamp}")
    if act not in ACTIVATIONS:
        raise ValueError(f"act must be one of {', '.join(ACTIVATIONS)}, but is {act!r}")
    if b is not None and (b.shape != x.shape[1:2] or b.device != x.device):
        raise ValueError(
            f"b must be [{x.shape[1]}], one a channel of x, on {x.device}, but is "
            f"{[*b.shape]} on {b.device}"
        )
    spec = ACTIVATIONS[act]
    slope = spec.alpha if alpha is None else alpha
    factor = spec.gain if gain is None else gain
    if native:
        wide = torch.float64 if x.dtype == torch.float64 else torch.float32
        result: Tensor = torch.ops.smis.bias_act(
            x, None if b is None else b.to(wide).contiguous(), list(ACTIVATIONS).index(act),
            slope, factor, -1.0 if clamp is None else clamp,
        )  # fmt: skip
        return result
    if b is not None:
        x = x + b.to(x.dtype).reshape(-1, *[1] * (x.ndim - 2))
    x = spec.function(x, slope)
    if factor != 1:
        x = x * factor
    return x if clamp is None else x.clamp(-clamp, clamp)
