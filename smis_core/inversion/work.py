"""What every inversion needs while it works: a clock, the best so far, a state on disk."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.native import fingerprint
from ..images import check_writable
from ..latents import Noise
from ..networks.generator_base import GeneratorBase
from .latent_files import latent_from, latent_tensors
from .perceptual import Perceptual
from .step import InversionStep

_INTERVAL_SECONDS = 5.0
_LARGEST_SHARE = 0.05


class Recorder:
    """Makes steps, counts the seconds of work between them, and remembers the best."""

    def __init__(self) -> None:
        self._worked = 0.0
        self._since: float | None = time.perf_counter()
        self._best: InversionStep | None = None

    @property
    def seconds(self) -> float:
        """Of work so far."""
        running = 0.0 if self._since is None else time.perf_counter() - self._since
        return self._worked + running

    def hold(self, step: InversionStep) -> InversionStep:
        """The step with its time and its rank, as it is yielded; the clock stands still."""
        self.pause()
        former = self._best
        comparable = former is not None and former.phase == step.phase
        if comparable and former is not None and former.losses["total"] <= step.losses["total"]:
            return replace(step, seconds=self._worked, best=False, before=former)
        step = replace(step, seconds=self._worked, best=True, before=None)
        self._best = step
        return step

    def pause(self) -> None:
        """The clock stands still until `go`."""
        self._worked, self._since = self.seconds, None

    def go(self) -> None:
        """Work goes on."""
        self._since = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """Plain values and tensors."""
        best = self._best
        if best is None:
            return {"seconds": self.seconds}
        return {
            "seconds": self.seconds,
            "best": {
                "index": best.index,
                "total": best.total,
                "phase": best.phase,
                "losses": best.losses,
                "tensors": latent_tensors(best.latent, best.noise),
                "image": None if best.image is None else best.image.cpu(),
                "classes": best.classes,
            },
        }

    def restore(
        self,
        state: dict[str, Any],
        device: torch.device,
        *,
        generator: GeneratorBase | None = None,
    ) -> None:
        """The inverse of `state`; `generator` is the tuned copy, where one draws the latents."""
        self._worked, self._since = state["seconds"], time.perf_counter()
        if "best" in state:
            kept = state["best"]
            moved = {name: value.to(device) for name, value in kept["tensors"].items()}
            latent, noise = latent_from(moved)
            image = kept["image"]
            self._best = InversionStep(
                kept["index"],
                kept["total"],
                kept["phase"],
                kept["losses"],
                latent,
                noise,
                None if image is None else image.to(device),
                self._worked,
                best=True,
                classes=kept["classes"],
                generator=generator,
            )


class Keeper:
    """Saves the state of a run now and then: every five seconds, or as rarely as keeps saving
    under a twentieth of the time.

    A disk that fills, or goes away, does not end the run: `warning` says so until it works again.

    Args:
        path: the file, from which a finished run gives its result again; or a folder (one that is
            there, or a name without an ending), in which each run has a file of its own until it
            has ended: the same run begins anew then. None keeps nothing.
        identity: what the run is, see `identity_of`; the state of another is refused.

    Raises:
        ValueError: the place cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, identity: str) -> None:
        self.path = None if path is None else Path(path)
        self.identity = identity
        self.warning: str | None = None
        self._next = time.perf_counter() + _INTERVAL_SECONDS
        self._passing = self.path is not None and _is_folder(self.path)
        if self.path is not None:
            self.path = self.path / f"{identity[:16]}.state" if self._passing else self.path
            check_writable(self.path)

    def restored(self, device: torch.device) -> dict[str, Any] | None:
        """The state of the same run, where there is one.

        Raises:
            ValueError: the file is another run's, or none.
        """
        if self.path is None or not self.path.exists():
            return None
        try:
            saved = torch.load(self.path, map_location=device, weights_only=True)
        except Exception as error:
            raise ValueError(
                f"{self.path}: wanted the state of an inversion, got a file that does not open"
                f" ({error}); delete it to start again"
            ) from error
        if not isinstance(saved, dict) or saved.get("identity") != self.identity:
            raise ValueError(
                f"{self.path}: wanted the state of this inversion, got that of another picture,"
                " generator, loss or option; delete it to start again, or name another file"
            )
        state: dict[str, Any] = saved["state"]
        return state

    def due(self, *, last: bool = False) -> bool:
        """Whether it is time to save, as it always is after the last step; in a folder the end of a
        run needs no state."""
        if self.path is None or (last and self._passing):
            return False
        return last or time.perf_counter() >= self._next

    def finish(self) -> None:
        """Takes away what lies in a folder until its run has ended."""
        if self.path is not None and self._passing:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def save(self, state: dict[str, Any]) -> None:
        """Writes the state in one step: a crash leaves the former file."""
        assert self.path is not None
        begun = time.perf_counter()
        partial = self.path.with_name(self.path.name + ".partial")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            torch.save({"identity": self.identity, "state": state}, partial)
            os.replace(partial, self.path)
            self.warning = None
        except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError on full disks
            self.warning = (
                f"the state could not be saved to {self.path} ({error}); the work goes on, but"
                " could not be taken up again: make room"
            )
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        ended = time.perf_counter()
        self._next = ended + max(_INTERVAL_SECONDS, (ended - begun) / _LARGEST_SHARE)


def _is_folder(path: Path) -> bool:
    return path.is_dir() or not (path.suffix or path.exists())


def identity_of(
    method: str,
    generator: GeneratorBase,
    target: Tensor,
    perceptual: Perceptual | None,
    *settings: Any,
) -> str:
    """A digest of all that decides a run's result: losses are compared with those of before."""
    digest = hashlib.sha256(method.encode())
    digest.update(repr(None if perceptual is None else perceptual.name).encode())
    digest.update(fingerprint(generator).encode())
    digest.update(target.detach().cpu().contiguous().numpy().tobytes())
    for each in settings:
        if isinstance(each, Tensor):
            digest.update(each.detach().cpu().contiguous().numpy().tobytes())
        else:
            digest.update(json.dumps(each, sort_keys=True, default=repr).encode())
    return digest.hexdigest()


def detached_noise(maps: list[Tensor]) -> Noise | None:
    """Copies of the maps, where there are any."""
    return Noise(tuple(each.detach().clone() for each in maps)) if maps else None


def step_rng(seed: int, index: int) -> torch.Generator:
    """A step's randomness follows from its number, so that a resumed run draws what it would have
    drawn."""
    return torch.Generator().manual_seed((seed + 1) * 1_000_003 + index)
