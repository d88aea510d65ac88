"""Changing a painted region of one's own picture, and nothing else."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
import traitlets
from PIL import Image
from torch import Tensor

from smis_core.editing import (
    Directions,
    Edit,
    EditState,
    Outside,
    Seeded,
    blend_region,
    embed,
    identify,
    outside_of,
    read_source,
    resolve,
)
from smis_core.editing.identity import check_same_space
from smis_core.editing.mixing import Readable
from smis_core.images import ImageSource, check_writable, read_image
from smis_core.jobs import LatestWorker
from smis_core.jobs.turns import turns_of
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.brush import Brush
from smis_widgets.controls import MessageLine, SliderRow, icon_button, mark, styled
from smis_widgets.image_view import ImageView, png_bytes, with_plain_picture
from smis_widgets.pace import Pace
from smis_widgets.search_parts import bundled_directions, lines_again
from smis_widgets.shell import Shell
from smis_widgets.slider_acts import seed_text
from smis_widgets.strings import Strings
from smis_widgets.thumbnails import pixels

STRONGEST = 3.0
REST_SECONDS = 0.15
"""A hand that does nothing for so long rests: the picture becomes exact."""
_HELD_BYTES = 2**29


class RegionEditor(widgets.VBox):
    """Paint where a picture may change, and move the sliders.

    Outside of what is painted the picture stays bit by bit; inside, the edit grows into its
    surroundings along a soft edge. `traitlets.dlink((sliders, "state"), (editor, "state"))` brings
    an edit from the sliders.

    Args:
        generator: of any family, a tuned one too.
        kept: the picture that stays outside: a seed, a latent such as an inversion gives it, a
            state, or a picture saved with its state.
        picture: stands outside instead of what the generator draws of `kept`, such as the picture
            that was inverted.
        directions: one slider each; by default the bundled ones where they fit.
        label: the class of a seed, where the generator has classes.
        folder: where the save button writes.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        ValueError, TypeError: as `smis_core.editing.read_source` and `read_image` say, directions
            of another generator.
    """

    state = traitlets.Instance(EditState)
    """What is drawn inside of the region; one of another generator is refused."""

    softness = traitlets.Float(0.05, min=0.0, max=0.25)
    """Width of the edge, in sides of the picture."""

    folder = traitlets.Unicode("pictures")
    """Where the save button writes."""

    _worker: LatestWorker[_Request, _Drawn] | None = None

    def __init__(
        self,
        generator: GeneratorBase,
        kept: Readable,
        *,
        picture: ImageSource | None = None,
        directions: Directions | None = None,
        label: int | None = None,
        folder: str | Path = "pictures",
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self.generator = generator
        identity = identify(generator)
        if directions is not None:
            directions.check(identity)
        self.directions = directions or bundled_directions(identity)
        label = 0 if label is None and generator.config.c_dim else label
        with turns_of(generator):
            source = read_source(generator, kept, label=label)
        edit = Edit.neutral(generator.num_ws)
        self.kept = EditState(generator=identity, a=source, edit=edit)
        self._outside = (
            None if picture is None else read_image(picture, size=generator.config.resolution)
        )
        self._following = False
        self._rest = threading.Condition()
        self._newest: _Request | None = None
        self._held: Outside | None = None
        self._sharp: Tensor | None = None
        self._pace = Pace((*generator.synthesis.pictures,))
        self.message, self.shell = MessageLine(), Shell(strings)
        if isinstance(source, Seeded) and picture is None:
            seed = seed_text(source)
            self.shell.again = lines_again("RegionEditor", generator, seed, label=label)
        self.brush = Brush(alt=strings("region"))
        self.view = ImageView(language=language)
        self._result: np.ndarray | None = None
        self._make_controls()
        super().__init__(state=self.kept, folder=str(folder))
        self.add_class("smis-panel")
        self.add_class("smis-search")
        self.add_class("smis-region")
        self._worker = LatestWorker(self._draw, self._drawn)
        self.children = self._parts()
        self._connect()
        self._result = self._draw(replace(self._request(), moving=False)).picture
        self.brush.data = png_bytes(self._result)
        self.view.show(self._result)

    # What a program uses

    @property
    def picture(self) -> Image.Image:
        """The picture as it is now; `wait` first."""
        return Image.fromarray(self._result)

    def save(self) -> Path:
        """Write the picture as PNG in `folder`, with the state that is drawn inside of the region:
        dropped on the sliders it opens there.

        Raises:
            ValueError: the folder cannot be written.
        """
        folder = Path(self.folder)
        check_writable(folder, folder=True)
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while (path := folder / f"region_{number}.png").exists():
            number += 1
        path.write_bytes(embed(self.picture, self.state))
        return path

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until the picture shows region and edit; returns whether it does."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """End the thread and remove the widgets."""
        # A widget that was refused while it was made is closed, too.
        if self._worker is not None:
            self._wish(None)
            self._worker.close()
        super().close()

    # Parts

    def _make_controls(self) -> None:
        strings, on = self._strings, self._guarded

        def row(slider: widgets.Widget, text: str, show: str = "{}") -> SliderRow:
            return SliderRow(
                slider, label=strings(text), tooltip=strings(f"{text}_tooltip"),
                strings=strings, show=show,
            )  # fmt: skip

        self.size_row = row(widgets.IntSlider(40, 2, 128), "region_brush")
        self.soft_row = row(
            widgets.FloatSlider(0.05, min=0.0, max=0.25, step=0.01), "soft_edge", "{:.2f}"
        )
        whole = np.ones((self.brush.side,) * 2, bool)
        self.eraser = icon_button("eraser", strings("region_eraser"), on(self._toggle_eraser))
        self.tools = styled(
            "smis-group", self.eraser,
            icon_button("undo", strings("region_undo"), on(self.brush.undo)),
            icon_button("redo", strings("region_redo"), on(lambda: self.brush.undo(1))),
            icon_button("adjust", strings("region_invert"),
                        on(lambda: self.brush.paint(~self.brush.painted))),
            icon_button("trash", strings("region_clear"), on(lambda: self.brush.paint(~whole))),
            icon_button("save", strings("region_save"), on(self._save_and_tell)),
        )  # fmt: skip
        self.rows: dict[str, SliderRow] = {}
        for name in self.directions.names if self.directions is not None else ():
            slider = widgets.FloatSlider(0.0, min=-STRONGEST, max=STRONGEST, step=0.1)
            self.rows[name] = SliderRow(
                slider, label=name, tooltip=strings("along_tooltip", name=name),
                strings=strings, show="{:+.1f}",
            )  # fmt: skip
            slider.observe(on(functools.partial(self._move, name)), "value")

    def _parts(self) -> tuple[widgets.Widget, ...]:
        sliders = styled("smis-filters", *self.rows.values(), kind=widgets.VBox)
        bar = styled("smis-bar", self.tools, self.size_row, self.soft_row)
        pair = styled("smis-region-pair", self.brush, self.view)
        boxes = [sliders] if self.rows else []
        return (self.shell, bar, pair, *boxes, self.message)

    def _connect(self) -> None:
        traitlets.link((self, "softness"), (self.soft_row.slider, "value"))
        traitlets.link((self.brush, "size"), (self.size_row.slider, "value"))
        on = self._guarded
        self.observe(on(lambda change: self._follow()), ["state", "softness"])
        self.brush.observe(on(lambda change: self._follow()), "region")
        self.brush.observe(lambda change: mark(self.eraser, "smis-on", change.new), "erasing")

    @traitlets.validate("state")
    def _check_state(self, proposal: Any) -> EditState:
        state: EditState = proposal["value"]
        with self.message.refusing("rendering", self._strings):
            check_same_space("the state", state.generator, self.kept.generator)
        return state

    # From the region and the edit to the picture

    def _follow(self) -> None:
        self._show_strengths()
        request = self._request()
        self._wish(request)
        self._worker.submit(request)

    def _wish(self, request: _Request | None) -> None:
        with self._rest:
            self._newest = request
            self._rest.notify_all()

    def _request(self) -> _Request:
        return _Request(self.state, self.brush.painted, self.softness)

    def _draw(self, request: _Request) -> _Drawn:
        whole = self.generator.config.resolution
        side = self._pace.side(time.monotonic()) if request.moving else whole
        # What is held is for one movement: weights may be trained on before a hand comes back.
        if self._held is not None and (not request.moving or self._held.image.shape[-1] < side):
            self._held = None
        region = torch.from_numpy(request.region).float()
        with turns_of(self.generator), torch.no_grad():
            kept = resolve(self.generator, self.kept)
            changed = resolve(self.generator, request.state)
            if self._held is None and request.region.any():
                self._held = outside_of(
                    self.generator, kept.wplus, kept_noise=kept.noise, preview=side
                )
            started = time.perf_counter()
            drawn: Tensor = blend_region(
                self.generator, kept.wplus, changed.wplus, region, softness=request.softness,
                kept_noise=kept.noise, changed_noise=changed.noise, picture=self._still(side),
                outside=self._held, preview=side,
            )  # fmt: skip
        if request.region.any():
            self._pace.note(side, time.perf_counter() - started, time.monotonic())
        if side == whole and self._outside is None:
            self._sharp = drawn if self._held is None else self._held.image
        if not request.moving or (self._held and self._held.held_bytes > _HELD_BYTES):
            self._held = None
        return _Drawn(request, pixels(drawn), side == whole)

    def _still(self, side: int) -> Tensor | None:
        """What stays, where it is sharper than what is drawn: the region alone is coarse then."""
        if self._outside is not None:
            return self._outside
        return None if side == self.generator.config.resolution else self._sharp

    def _drawn(self, drawn: _Drawn | None, error: Exception | None) -> None:
        if drawn is None:
            return self.message.error(self._strings("rendering"), error, self._strings)
        self.message.clear()
        self._result, request = drawn.picture, drawn.request
        if not request.moving:
            self.view.show(drawn.picture)
            return
        self.view.wait_painted(self.view.show(drawn.picture, moving=True))
        with self._rest:
            moved = self._rest.wait_for(lambda: self._newest is not request, REST_SECONDS)
            if not moved and not drawn.whole:
                # Under the lock, so that it cannot take the place of what a hand asks for now.
                self._worker.submit(replace(request, moving=False))
        if not moved and drawn.whole:
            self._held = None
            self.view.show(drawn.picture)

    # The sliders of the directions

    def _move(self, name: str, change: Any) -> None:
        if self._following:
            return
        assert self.directions is not None
        held = self.state.directions
        others = [] if held is None else [n for n in held.names if n not in self.directions.names]
        known = self.directions.joined(held.select(others)) if held and others else self.directions
        edit = self.state.edit.changed(strengths={name: change.new})
        before = self.state
        self.state = EditState(
            generator=before.generator, a=before.a, b=before.b, placement=before.placement,
            edit=edit, directions=known,
        )  # fmt: skip

    def _show_strengths(self) -> None:
        self._following = True
        try:
            for name, row in self.rows.items():
                rows = [each.strengths.get(name, 0.0) for each in self.state.edit.rows]
                row.slider.value = max(rows, key=abs)
        finally:
            self._following = False

    # What the hand does

    def _toggle_eraser(self) -> None:
        self.brush.erasing = not self.brush.erasing

    def _save_and_tell(self) -> None:
        self.message.note(self._strings("saved", path=self.save()))

    def _guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, "changing", self._strings)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live editor, and the picture for places without a kernel."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_plain_picture(bundle, png_bytes(self._result))


@dataclass(frozen=True, eq=False)
class _Request:
    """What a picture is drawn from."""

    state: EditState
    region: np.ndarray
    softness: float
    moving: bool = True
    """whether a hand may still be at it: it is drawn as large as keeps up with it"""


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A picture, and for what it was drawn."""

    request: _Request
    picture: np.ndarray
    whole: bool
    """whether it is drawn in the generator's size"""
