"""From tensors by name to a network, with what does not fit named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..native import is_finite
from ..restricted.errors import shown
from ..untouched import Untouched

LARGEST_SIDE = 4096
"""Of pictures; what is built before shapes can be compared is no larger."""
AVERAGE_SAMPLES = 10_000
_BATCH = 1_000
_SMALL = 2**16

Network = TypeVar("Network", bound=nn.Module)


class Unfit(ValueError):
    """The file holds something else than wanted; whoever knows its name puts it in front."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a format's module found in a file."""

    format: str
    """"nvidia-torch", "nvidia-tensorflow", "rosinality", "psp", "e4e", "state-dict" or "smis"."""
    generator: nn.Module | None = None
    """With `mapping` and `synthesis`."""
    discriminator: nn.Module | None = None
    encoder: nn.Module | None = None
    """From pictures or masks to W+, the average latent added."""
    other: nn.Module | None = None
    """A network of another kind."""
    latent_avg: Tensor | None = None
    """[w_dim], or [num_ws, w_dim] where the file has a row for each layer."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings stored beside the weights, plain values only."""
    notes: tuple[str, ...] = ()
    """What was not in the file and had to be made up."""


def assemble(build: Callable[[], Network], state: Mapping[str, Tensor], *, what: str) -> Network:
    """A network in float32 around the tensors of a file, which are not copied where they fit.

    Args:
        build: makes the network; its initial weights are not drawn.
        state: all its parameters and buffers by name.
        what: for messages: "StyleGAN2 generator".

    Returns:
        The network in eval mode, frozen.

    Raises:
        Unfit: a layer is missing or unknown, shapes contradict each other, or numbers are not
            finite.
    """
    _check_sharing(state, what)
    with Untouched():
        network = build()
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    check_shapes(wanted, state, what=what)
    counters = {k for k, v in network.state_dict().items() if not v.is_floating_point()}
    network.load_state_dict(
        {
            name: state[name] if name in counters else _as_float32(name, state[name], what)
            for name in wanted
        },
        assign=True,
    )
    return network.eval().requires_grad_(False)


def check_shapes(
    wanted: Mapping[str, tuple[int, ...]], state: Mapping[str, Tensor], *, what: str
) -> None:
    """Compare what a network needs with what came.

    Raises:
        Unfit: with the first difference, and how many there are.
    """
    if missing := [name for name in wanted if name not in state]:
        raise Unfit(
            f"this {what} lacks {_listed(missing)}: the file was cut down or is of a variant that "
            "SMIS does not know; get a whole one from where it came from"
        )
    if unknown := [name for name in state if name not in wanted]:
        raise Unfit(
            f"this {what} has layers that SMIS does not know: {_listed(unknown)}; it is of a "
            "variant whose pictures would come out wrong, so it is not opened"
        )
    for name, shape in wanted.items():
        if tuple(state[name].shape) != shape:
            raise Unfit(
                f"the shapes in this {what} contradict each other: {name} is "
                f"{[*state[name].shape]} where the other layers need {[*shape]}; the file is "
                "damaged or was put together from two; get it again from where it came from"
            )


def tensors_of(state: Mapping[str, Any], *, what: str) -> dict[str, Tensor]:
    """The same mapping, once it is known to hold tensors by name alone.

    Raises:
        Unfit: something else is among them.
    """
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise Unfit(
                f"{what} was expected to hold tensors by name, but {plainly(name)} is a "
                f"{type(value).__name__}; the file is damaged or of another program"
            )
    _check_sharing(state, what)
    return dict(state)


def below(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The entries whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def average_latent(generator: Any) -> Tensor:
    """The mean of `mapping` over 10,000 samples, always the same ones (Karras et al. 2019,
    appendix B): [w_dim]. Classes take turns.

    Args:
        generator: with `mapping` and `config`; where there is a running average it is not used.
    """
    config = generator.config
    source = torch.Generator().manual_seed(0)
    total = torch.zeros(config.w_dim, dtype=torch.float64)
    with torch.inference_mode():
        for start in range(0, AVERAGE_SAMPLES, _BATCH):
            z = torch.randn(_BATCH, config.z_dim, generator=source)
            c = None
            if config.c_dim:
                classes = torch.arange(start, start + _BATCH) % config.c_dim
                c = nn.functional.one_hot(classes, config.c_dim).float()
            total += generator.mapping(z, c)[:, 0].double().sum(dim=0)
    return (total / AVERAGE_SAMPLES).float().clone()


def fill_average(generator: Any, notes: list[str]) -> None:
    """Give a generator whose file has no average one of its own, and say so."""
    with torch.no_grad():
        generator.mapping.w_avg = average_latent(generator)
    notes.append(
        f"the file has no average latent, so it was computed from {AVERAGE_SAMPLES:,} samples: "
        "truncation may differ slightly from pictures made elsewhere"
    )


def pyramid(
    widths: Mapping[int, int],  # channels by resolution
    *,
    base: int | None = None,
    what: str,
) -> tuple[int, int]:
    """`channel_base` and `channel_max` for which min(base // r, max) gives these widths.

    Args:
        widths: channels by resolution.
        base: the value that the file states, taken where it fits.
        what: for messages.

    Raises:
        Unfit: no such numbers.
    """
    widest = max(widths.values())
    low = max(width * resolution for resolution, width in widths.items())
    high = min(
        ((w + 1) * r - 1 for r, w in widths.items() if w < widest), default=max(low, base or 0)
    )
    if low > high:
        listed = ", ".join(f"{width} at {r}²" for r, width in sorted(widths.items()))
        raise Unfit(
            f"the shapes in this {what} contradict each other: widths of {listed} do not halve as "
            "the resolution doubles; the file is damaged or of a variant that SMIS does not know"
        )
    return (base if base is not None and low <= base <= high else low), widest


def _as_float32(name: str, value: Tensor, what: str) -> Tensor:
    value = value.detach()
    if not value.is_floating_point():
        raise Unfit(
            f"{shown(name)} of this {what} holds whole numbers where weights are wanted: the file "
            "is damaged or of another program"
        )
    if value.numel() and not is_finite(value):
        kind = {torch.float16: "half", torch.bfloat16: "bfloat16"}.get(value.dtype, "full")
        raise Unfit(
            f"{name} of this {what} holds infinities or NaN ({kind} precision): the training or a "
            "conversion overflowed; take an earlier snapshot, or the file in full precision"
        )
    return value.float()


def _check_sharing(state: Mapping[str, Tensor], what: str) -> None:
    """Refuse layers that lie over the same numbers: widened to float32, each would take memory."""
    wanted: dict[int, int] = {}
    for value in state.values():
        storage = value.untyped_storage()
        place = storage.data_ptr()
        wanted[place] = wanted.get(place, 0) + value.numel() * value.element_size()
        if storage.nbytes() > _SMALL and wanted[place] > storage.nbytes():
            raise Unfit(
                f"layers of this {what} share their numbers, which no training leaves behind: the "
                "file is damaged or was made to take more memory than it seems to"
            )


def plainly(value: object) -> str:
    """A setting from a file in a message: short, or only what it is."""
    if isinstance(value, str | int | float | bool | None):
        return shown(repr(value)[:200])
    return f"a {type(value).__name__}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return ", ".join(shown(name) for name in names[:2]) + more
