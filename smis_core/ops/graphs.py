"""Whole networks as CUDA graphs: one launch in place of hundreds.

At batch 1 a GPU waits for the launches of small kernels. A graph records them once and replays
them; it reads weights where they lie, so that weights changed in place are seen.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from . import _choice, _native

CAPACITY = 4
"""Graphs of one network that are kept, each with the memory of a pass; the least used goes."""

_DEVICE = "cuda"
_cuda: Any = torch.cuda  # without types
_log = logging.getLogger(__name__)
_off: ContextVar[bool] = ContextVar("graphs_off", default=False)

Function = Callable[..., Tensor]


@contextmanager
def without_graphs() -> Iterator[None]:
    """Within, in this thread, `run_graphed` calls the function: for measuring what graphs save."""
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def run_graphed(
    module: nn.Module, function: Function, inputs: Sequence[Tensor], *, key: Hashable = ()
) -> Tensor:
    """`function(*inputs)`, replayed from a CUDA graph from the third call of a kind on.

    A kind is: shapes, strides, dtypes and device of the inputs, the key, autocast and the switches
    of torch's backends. The first call of a kind runs as it is, the second one is recorded. Where
    a graph would not do the same, the function is called: elsewhere than on CUDA, where gradients
    are wanted, with hooks, while compiling or recording, and where recording failed before.

    Args:
        module: whose weights the function reads. Graphs live as long as it does.
        function: draws no random numbers, waits for nothing, and reads nothing that changes
            between calls but its inputs and the module's weights.
        inputs: its arguments, all of them tensors on one device.
        key: what else the function depends on.

    Returns:
        What the function returns, a tensor of its own each time.
    """
    weights = None if _off.get() else _recordable(module, inputs)
    if weights is None:
        return function(*inputs)
    with _lock:
        graphs = _graphs.setdefault(module, _Graphs())
    return graphs.run(function, inputs, (key, *_surroundings(), *map(_kind, inputs)), weights)


def forget_graphs(module: nn.Module) -> None:
    """Give back the memory of a network's graphs; they are recorded again when they are needed."""
    with _lock:
        graphs = _graphs.get(module)
    if graphs:
        graphs.clear()


class _Graph:
    """A recorded function with its inputs and its output in places of their own."""

    def __init__(self, function: Function, inputs: Sequence[Tensor]) -> None:
        device = inputs[0].device
        dtype, enabled = torch.get_autocast_dtype(_DEVICE), torch.is_autocast_enabled(_DEVICE)
        # Casts of weights that autocast remembers would die with its context.
        autocast = torch.autocast(_DEVICE, dtype, enabled=enabled, cache_enabled=False)
        with torch.cuda.device(device), torch.no_grad(), autocast:
            self._inputs = [torch.empty_like(given).copy_(given) for given in inputs]
            aside = _cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                function(*self._inputs)  # libraries make their plans and workspaces now
            torch.cuda.current_stream().wait_stream(aside)
            self._graph = torch.cuda.CUDAGraph()
            # Other threads may use the GPU meanwhile.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._output = function(*self._inputs)
            self._finished = _cuda.Event()

    def replay(self, inputs: Sequence[Tensor]) -> Tensor:
        """The output for other inputs of the same kind."""
        with torch.cuda.device(self._output.device), torch.no_grad():
            stream = torch.cuda.current_stream()
            stream.wait_event(self._finished)  # of a call from another stream
            for own, given in zip(self._inputs, inputs, strict=True):
                own.copy_(given)
            self._graph.replay()
            result = self._output.clone()
            self._finished.record(stream)
        return result


@dataclass
class _Graphs:
    """The graphs of one network."""

    by_kind: OrderedDict[Hashable, _Graph | None] = field(default_factory=OrderedDict)
    """None: seen once."""
    refused: bool = False
    weights: list[Tensor] = field(default_factory=list)
    """Aliases, which keep addresses in graphs from being given to other tensors."""
    marks: list[tuple[int, torch.dtype, torch.Size, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self, function: Function, inputs: Sequence[Tensor], kind: Hashable, weights: list[Tensor]
    ) -> Tensor:
        with self.lock:
            self._forget_moved(weights)
            graph = self.by_kind.get(kind)
            if graph is None and kind in self.by_kind:
                graph = self._record(function, inputs)
            if not self.refused:
                self.by_kind[kind] = graph
                self.by_kind.move_to_end(kind)
                self._shrink()
            if graph is not None:
                return graph.replay(inputs)
        try:
            return function(*inputs)
        except torch.OutOfMemoryError:
            if not self.clear():
                raise
        return function(*inputs)

    def clear(self) -> bool:
        """Whether there was something to forget."""
        with self.lock:
            held = any(self.by_kind.values())
            self.by_kind.clear()
        return held

    def _record(self, function: Function, inputs: Sequence[Tensor]) -> _Graph | None:
        try:
            return _Graph(function, inputs)
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            self.refused = True
            self.by_kind.clear()
            _log.warning("no CUDA graphs of this network, which stays slower: %s", error)
            return None

    def _shrink(self) -> None:
        while sum(graph is not None for graph in self.by_kind.values()) > CAPACITY:
            oldest = next(kind for kind, graph in self.by_kind.items() if graph is not None)
            del self.by_kind[oldest]
        while len(self.by_kind) > 8 * CAPACITY:
            self.by_kind.popitem(last=False)

    def _forget_moved(self, weights: list[Tensor]) -> None:
        """Graphs hold addresses; and results of constants, such as the lines of a filter."""
        marks = [
            (t.data_ptr(), t.dtype, t.shape, -1 if isinstance(t, nn.Parameter) else t._version)
            for t in weights
        ]
        if marks != self.marks:
            self.by_kind.clear()
            self.refused = False
            self.marks, self.weights = marks, [t.detach() for t in weights]


_graphs: "WeakKeyDictionary[nn.Module, _Graphs]" = WeakKeyDictionary()
_lock = threading.Lock()


def _recordable(module: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor] | None:
    """All weights and constants of the module, if a graph would do what the call does."""
    device = inputs[0].device if inputs else None
    if device is None or device.type != _DEVICE or not all(type(t) is Tensor for t in inputs):
        return None
    if torch.compiler.is_compiling() or torch.cuda.is_current_stream_capturing():
        return None
    weights: list[Tensor] = []
    for each in module.modules():
        if each._forward_hooks or each._forward_pre_hooks:
            return None
        weights += [t for t in each._parameters.values() if t is not None]
        weights += [t for t in each._buffers.values() if t is not None]
    everything = [*inputs, *weights]
    if any(t.device != device or t.numel() == 0 for t in everything):
        return None
    if any(t.is_inference() for t in weights):
        return None
    if torch.is_grad_enabled() and any(t.requires_grad for t in everything):
        return None
    return weights


def _surroundings() -> tuple[Hashable, ...]:
    """What a function's kernels depend on besides its inputs."""
    cudnn = torch.backends.cudnn
    try:
        tf32: Hashable = (cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    except RuntimeError:  # torch knows two ways of choosing it, and dislikes their mixture
        tf32 = torch.get_float32_matmul_precision()
    return (
        torch.is_autocast_enabled(_DEVICE),
        torch.get_autocast_dtype(_DEVICE),
        torch.is_inference_mode_enabled(),
        (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, tf32),
        (_choice.chosen("auto"), _native.is_loaded("cuda")),
    )


def _kind(t: Tensor) -> Hashable:
    return t.shape, t.stride(), t.dtype, t.device
