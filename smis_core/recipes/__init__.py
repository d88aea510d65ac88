"""What composes several rooms: building the shipped models, measuring them, showing them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Protocol, TypeVar


class Step(Protocol):
    """What the steps of long work have in common."""

    @property
    def index(self) -> int: ...

    @property
    def total(self) -> int | None: ...


_Step = TypeVar("_Step", bound=Step)


def drain(steps: Iterable[_Step], *, quiet: bool = False) -> _Step:
    """Run long work to its end under a progress bar on the error stream, and return its last step.

    Steps may name a `phase`; the bar starts anew with each. Floats in `losses` are shown,
    and a `warning` once.

    Args:
        steps: long work, see docs/design.md.
        quiet: no bar.

    Raises:
        ValueError: the work yields nothing.
    """
    from tqdm.auto import tqdm

    last: _Step | None = None
    phase: str | None = None
    bar = tqdm(disable=True)  # until the first step names its phase
    for step in steps:
        current = getattr(step, "phase", "")
        if current != phase:
            bar.close()
            phase = current
            bar = tqdm(
                total=step.total,
                desc=phase,
                disable=quiet,
                dynamic_ncols=True,
                initial=step.index - 1,
            )
        bar.update(step.index - bar.n)
        losses = getattr(step, "losses", {})
        if losses:
            bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
        warning = getattr(step, "warning", None)
        if warning and warning != getattr(last, "warning", None) and not quiet:
            bar.write(warning, file=sys.stderr)
        last = step
    bar.close()
    if last is None:
        raise ValueError("wanted at least one step, got none")
    return last
