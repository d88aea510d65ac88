"""Bias, activation, gain and clamp in one step."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ._choice import Impl, check_impl


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
        impl: "auto" or "reference".

    Raises:
        ValueError: unknown activation or implementation, or a bias of another length.
    """
    check_impl(impl)
    if act not in ACTIVATIONS:
        raise ValueError(f"act must be one of {', '.join(ACTIVATIONS)}, but is {act!r}")
    if b is not None:
        if b.shape != x.shape[1:2]:
            raise ValueError(f"b must be [{x.shape[1]}], one a channel of x, but is {[*b.shape]}")
        x = x + b.to(x.dtype).reshape(-1, *[1] * (x.ndim - 2))
    spec = ACTIVATIONS[act]
    x = spec.function(x, spec.alpha if alpha is None else alpha)
    factor = spec.gain if gain is None else gain
    if factor != 1:
        x = x * factor
    return x if clamp is None else x.clamp(-clamp, clamp)
