"""The native operations: found or built late, once, and only where somebody asked for a build.

A compiler never runs because of a first picture. `auto` takes a library that lies ready and the
plain operations otherwise; `impl="native"`, `smis build-extension` and `SMIS_NATIVE=1` build.
"""

import importlib
import logging
import os
import threading
from typing import Literal, get_args

from torch import Tensor

from . import _build
from ._choice import Impl, chosen

DeviceType = Literal["cuda", "cpu"]

SWITCH = "SMIS_NATIVE"
"""Environment variable: 1 lets `auto` build, 0 keeps `auto` from native operations."""

_log = logging.getLogger(__name__)
_lock = threading.RLock()
_outcomes: dict[str, "bool | NativeUnavailable"] = {}
"""By kind of device: True once loaded, or why there is nothing to load. Absent: not tried."""
_said: set[str] = set()


class NativeUnavailable(RuntimeError):
    """There are no native operations to be had; the message says why and what helps."""


def load(device_type: DeviceType, *, build: bool = True) -> bool:
    """Make the native operations of a kind of device callable, once in a process.

    Args:
        device_type: "cuda" or "cpu".
        build: compile where no library lies ready. That prints a line and takes a minute or so.

    Returns:
        True: `torch.ops` has them. False: none lies ready and `build` is False.

    Raises:
        NativeUnavailable: building or loading failed, now or before; a failure is remembered
            until `build_native` tries again.
    """
    outcome = _outcomes.get(device_type)
    if outcome is None:
        with _lock:
            outcome = _outcomes.get(device_type)
            if outcome is None:
                outcome = _try(device_type, build)
                if outcome is not False:
                    _outcomes[device_type] = outcome
    if isinstance(outcome, NativeUnavailable):
        raise outcome
    return outcome


def build_native(device_type: DeviceType) -> None:
    """Build where needed and load the native operations, also after a failure.

    Args:
        device_type: "cuda" or "cpu".

    Raises:
        ValueError: another kind of device.
        NativeUnavailable: it cannot be done; the compiler's words are in the message.
    """
    if device_type not in get_args(DeviceType):
        raise ValueError(
            f"device_type must be one of {get_args(DeviceType)}, but is {device_type!r}"
        )
    with _lock:
        if _outcomes.get(device_type) is not True:
            _outcomes.pop(device_type, None)
        load(device_type)


def is_loaded(device_type: DeviceType) -> bool:
    """Whether this process has them already."""
    return _outcomes.get(device_type) is True


def choose(impl: Impl, x: Tensor, *, kinds: tuple[DeviceType, ...] = ("cuda",)) -> bool:
    """Whether an op on `x` runs natively.

    Args:
        impl: what the caller of the op asked for.
        x: the op's main argument.
        kinds: kinds of device for which the op has a native version.

    Raises:
        ValueError: an implementation that does not exist, or "native" for a tensor on a device
            without native operations.
        NativeUnavailable: "native" was asked for and cannot be had.
    """
    impl = chosen(impl)
    kind = x.device.type
    if impl == "reference":
        return False
    if kind not in kinds:
        if impl == "native":
            raise ValueError(
                f"impl='native' wants x on {' or '.join(kinds)}, but it is on {kind}: move it "
                "there, or pass impl='auto'"
            )
        return False
    if impl == "native":
        return load(kind)
    switch = os.environ.get(SWITCH, "")
    if switch == "0":
        return False
    try:
        loaded = load(kind, build=switch == "1")
        reason = f"they are not built; `smis build-extension --device {kind}` does that once"
    except NativeUnavailable as error:
        loaded, reason = False, str(error)
    if not loaded and kind == "cuda" and kind not in _said:
        _said.add(kind)
        _log.warning("plain torch stands in for the native operations for %s: %s", kind, reason)
    return loaded


def _try(device_type: DeviceType, build: bool) -> "bool | NativeUnavailable":
    try:
        library = _build.prebuilt_library(device_type) or _build.cached_library(device_type)
        if library.is_file():
            _build.load_file(library)
        elif build:
            _build.build(device_type)
        else:
            return False
        # What the library itself does not say: shapes of results, and gradients.
        importlib.import_module(f"{__package__}._{device_type}_ops").register()
    except (_build.BuildFailure, OSError, RuntimeError, ImportError) as error:
        failure = NativeUnavailable(
            f"the native operations for {device_type} cannot be had: {error}\n"
            f"To try again: `smis build-extension --device {device_type}`, or "
            "smis_core.ops.build_native in this process"
        )
        failure.__cause__ = error
        return failure
    return True
