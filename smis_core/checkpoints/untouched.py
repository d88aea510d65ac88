"""Building networks whose weights are about to come from a file."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

_DRAW = frozenset((torch.randn, torch.rand))
_FILL = frozenset(
    (Tensor.uniform_, Tensor.normal_, init.uniform_, init.normal_, init.kaiming_uniform_)
)
_SCALE = frozenset((Tensor.div, Tensor.__truediv__))


class Untouched(TorchFunctionMode):
    """Within it constructors draw no initial weights and do not touch the memory for them, which
    the operating system therefore never provides; resampling filters and other small constants
    are what they should be.

    The weights are undefined until `load_state_dict(state, assign=True)`. torch's meta device
    would do the same, but not for constructors that look at their filters, and its first use loads
    seconds of torch's compiler.
    """

    def __init__(self) -> None:
        super().__init__()
        self._drawn: dict[int, Tensor] = {}  # by address; kept, so that none is taken again

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _FILL:
            return args[0] if args else (kwargs or {})["tensor"]
        # Learning rates divide initial weights, which would touch them.
        if func in _SCALE and args[0].data_ptr() in self._drawn:
            return args[0]
        if func not in _DRAW:
            return func(*args, **(kwargs or {}))
        weights = torch.empty(*args, **(kwargs or {}))
        self._drawn[weights.data_ptr()] = weights
        return weights
