"""One picture after another, where only what a change reaches is computed again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import torch
from torch import Tensor

from ..devices import Precision, inference_precision, resolve_precision
from .generator_base import GeneratorBase, SynthesisBase
from .layers import NoiseMap
from .stylegan2 import NoiseChoice


class Overtaken(Exception):
    """A picture was given up half-way, because nobody wants it any more."""


class SynthesisSession:
    """Holds the activations of its last picture, and runs only the stages that a change reaches.

    A row of W+ reaches the layers that it modulates and all that follows them; a noise map
    reaches its layer. Pictures are those of a full pass: in float32, on the same device and
    implementation, bit for bit.

    Activations are kept from the coarsest on while they fit `memory_limit`; what was not kept is
    computed again. While it draws, a session needs besides what a full pass needs.

    Weights that were trained further, replaced or moved are noticed at the next picture, by their
    addresses, their version counters and one number of each tensor (fused optimisers leave the
    counters alone). Who writes single numbers through `.data` calls `invalidate`. Replaced weights
    stay in memory until then.

    One lock serves all methods: threads may share a session, and draw one after the other. Weights
    must rest while it draws.

    Args:
        generator: of any family, or its synthesis network. It is used where it is, not copied.
        precision: in what convolutions compute, see `smis_core.devices.Precision`.
        memory_limit: bytes that may be held between pictures.

    Raises:
        ValueError: a negative limit, or a precision that the device does not know.
    """

    def __init__(
        self,
        generator: GeneratorBase | SynthesisBase,
        *,
        precision: Precision = "auto",
        memory_limit: int = 2**30,
    ) -> None:
        if memory_limit < 0:
            raise ValueError(f"memory_limit must be 0 bytes or more, but is {memory_limit}")
        synthesis = generator.synthesis if isinstance(generator, GeneratorBase) else generator
        self.synthesis: SynthesisBase = synthesis
        self.memory_limit = memory_limit
        self._precision: Precision = precision
        resolve_precision(precision, self._device())
        self._lock = threading.RLock()
        self._ran: tuple[str, ...] = ()
        self.invalidate()

    @property
    def previews(self) -> tuple[int, ...]:
        """Sides in pixels at which `draw` can stop early, smallest first. Only StyleGAN2's "skip"
        architecture has pictures on the way; others have none, and draw the full one."""
        return (*self.synthesis.pictures,)[:-1]

    @property
    def held_bytes(self) -> int:
        """Memory that is held between pictures: activations, codes and noise maps; at most
        `memory_limit`, or codes and maps alone where these are larger."""
        with self._lock:
            return sum(_bytes(each) for each in chain(self._held.values(), self._inputs()))

    @property
    def ran(self) -> tuple[str, ...]:
        """The stages that the last picture needed, in order; none where nothing had changed."""
        return self._ran

    def invalidate(self) -> None:
        """Forget everything: the next picture is a full pass."""
        with self._lock:
            self._held: dict[str, Tensor] = {}
            self._ws: Tensor | None = None
            self._maps: list[NoiseMap] = []
            self._own_maps: list[Tensor] = []
            # Aliases of the weights keep their addresses from being given to others meanwhile.
            self._weights: list[Tensor] = []
            self._marks: list[tuple[int, int]] = []
            self._probe: Tensor | None = None

    @torch.no_grad()
    def draw(
        self,
        ws: Tensor,  # [N, num_ws, w_dim]
        *,
        noise: NoiseChoice | Sequence[Tensor] = "const",
        preview: int | None = None,
        wanted: Callable[[], bool] | None = None,
    ) -> Tensor:
        """The picture of a code, or a smaller one of it sooner.

        Args:
            ws: a row for each layer, on the generator's device.
            noise: "const", "none", or one map a layer; as in `SynthesisBase.forward`.
            preview: side in pixels, one of `previews`: the RGB skip of that resolution, which the
                full picture builds on. None is the full picture. A generator without previews
                draws the full picture in any case.
            wanted: asked after every stage whether to go on; None goes on. What a picture that
                was given up has computed is held: a later one of the same code goes on from there.

        Returns:
            float32 `[N, img_channels, S, S]`, a copy of its own.

        Raises:
            Overtaken: `wanted` said no.
            ValueError: codes or maps of another shape, with NaN, or elsewhere; fresh noise; a
                preview that does not exist.
        """
        synthesis = self.synthesis
        stage = self._stage_of(preview)
        with self._lock:
            device = self._device()
            self._check(ws, noise, device)
            ws = ws.detach().contiguous()
            maps = synthesis.noise_maps(noise, ws)
            self._forget_changes(ws, noise, maps)
            ran: list[str] = []
            room = self.memory_limit - self.held_bytes

            def keep(name: str, output: Tensor) -> None:
                nonlocal room
                ran.append(name)
                if _bytes(output) <= room:
                    self._held[name] = output
                    room -= _bytes(output)
                if wanted is not None and name != stage and not wanted():
                    self._ran = (*ran,)
                    raise Overtaken

            with inference_precision(self._precision, device):
                outputs = synthesis.run([stage], ws, maps, held=self._held, keep=keep)
            self._ran = (*ran,)
            picture = outputs[stage].float().contiguous()
            # What is held must not be what the caller may write to.
            return picture.clone() if picture.data_ptr() == outputs[stage].data_ptr() else picture

    def _device(self) -> torch.device:
        return next(self.synthesis.parameters()).device

    def _stage_of(self, preview: int | None) -> str:
        synthesis = self.synthesis
        full = synthesis.config.resolution
        if preview is None or preview == full or not self.previews:
            return synthesis.pictures[full]
        if preview not in synthesis.pictures:
            raise ValueError(
                f"preview must be one of {', '.join(map(str, self.previews))}, or None for the "
                f"full {full}², but is {preview}"
            )
        return synthesis.pictures[preview]

    def _check(
        self, ws: Tensor, noise: NoiseChoice | Sequence[Tensor], device: torch.device
    ) -> None:
        self.synthesis.check_ws(ws)
        if not len(ws) or not ws.is_floating_point():
            raise ValueError(
                f"ws must be one code or more of floats, but is {ws.dtype} {[*ws.shape]}"
            )
        if noise == "random" and self.synthesis.takes_noise:
            raise ValueError(
                "noise='random' would be another picture at every call, so there is nothing to "
                "hold; draw maps once (smis_core.latents.sample_noise) and pass them"
            )
        maps = [] if isinstance(noise, str) else [*noise]
        if elsewhere := {str(each.device) for each in (ws, *maps)} - {str(device)}:
            raise ValueError(
                f"ws and noise must be on {device}, where the generator is, but are on "
                f"{', '.join(sorted(elsewhere))}"
            )
        bad = (~ws.isfinite()).any(dim=2).any(dim=0).nonzero().flatten().tolist()
        if bad:
            raise ValueError(f"ws must be finite, but rows {bad} hold NaN or infinity")
        bad = [index for index, each in enumerate(maps) if not each.isfinite().all()]
        if bad:
            raise ValueError(f"noise must be finite, but maps {bad} hold NaN or infinity")

    def _forget_changes(
        self, ws: Tensor, noise: NoiseChoice | Sequence[Tensor], maps: list[NoiseMap]
    ) -> None:
        """Drop what the change reaches, then remember what the rest belongs to."""
        old = self._ws
        if self._weights_changed() or old is None or (old.shape, old.dtype) != (ws.shape, ws.dtype):
            self._held.clear()
        else:
            rows = {*(ws != old).any(dim=2).any(dim=0).nonzero().flatten().tolist()}
            pairs = zip(self._maps, maps, strict=True)
            moved = {index for index, pair in enumerate(pairs) if not _same(*pair)}
            stale: set[str] = set()
            for stage in self.synthesis.stages:
                read = stage.w_row in rows or stage.noise in moved
                if read or not stale.isdisjoint(stage.inputs):
                    stale.add(stage.name)
                    self._held.pop(stage.name, None)
        self._ws = ws.clone()
        # Maps that are stored with the weights are watched with them.
        given = not isinstance(noise, str)
        self._maps = [each.clone() if given and each is not None else each for each in maps]
        self._own_maps = [each for each in self._maps if given and each is not None]

    def _weights_changed(self) -> bool:
        """Whether the weights are others than at the last call; remembers them."""
        found = [*chain(self.synthesis.parameters(), self.synthesis.buffers())]
        # Tensors that were made under inference_mode count no versions.
        marks = [(t.data_ptr(), -1 if t.is_inference() else t._version) for t in found]
        filled = [t.detach() for t in found if t.numel()]
        probe = torch.cat([t.as_strided((1,), (1,)).float() for t in filled])
        same = marks == self._marks and self._probe is not None and torch.equal(probe, self._probe)
        self._weights, self._marks, self._probe = filled, marks, probe
        return not same

    def _inputs(self) -> Iterator[Tensor]:
        if self._ws is not None:
            yield self._ws
        yield from self._own_maps


def _bytes(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes()


def _same(first: NoiseMap, second: NoiseMap) -> bool:
    if first is None or second is None:
        return first is second
    return first is second or (first.shape == second.shape and torch.equal(first, second))
