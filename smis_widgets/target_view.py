"""What will be inverted, and three points that say where the face is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets
from torch import Tensor
from torch.nn import functional as F

from smis_core.images import ImageSource
from smis_core.inversion.reading import read_linear, read_mask, to_gamma
from smis_core.inversion.targets import (
    PORTRAIT_POINTS,
    FacePoints,
    Fit,
    MaskSource,
    Target,
    prepare_target,
    preview,
)
from smis_core.jobs import LatestWorker
from smis_widgets.controls import MessageLine, caption, icon_button, styled
from smis_widgets.image_view import ImageView, png_bytes
from smis_widgets.shell import STATIC, THEME, Shell
from smis_widgets.strings import Strings

_PREVIEW_SIDE = 640
_POINTS = ("left_eye", "right_eye", "mouth")


class AlignView(anywidget.AnyWidget):
    """A picture with three points on it that a person drags, and the outline of what they cut.

    Args:
        png: of the picture.
        on_points: called with three (x, y) in fractions of the picture, on the message's thread.
        strings: the texts.
    """

    _esm = STATIC / "align_view.js"
    _css = THEME

    data = traitlets.Bytes(b"").tag(sync=True)
    """The picture as PNG bytes."""

    points = traitlets.List().tag(sync=True)
    """Three [x, y] in fractions of the picture: the left eye, the right eye, the mouth."""

    corners = traitlets.List().tag(sync=True)
    """Four [x, y] in fractions of the picture: the outline of the target."""

    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What the points are."""

    def __init__(
        self,
        png: bytes,
        *,
        on_points: Callable[[list[tuple[float, float]]], None],
        strings: Strings,
    ) -> None:
        self._on_points = on_points
        super().__init__(data=png, names=[strings(name) for name in _POINTS])
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        points = content.get("points")
        if not isinstance(points, list) or len(points) != 3:
            return
        try:
            pairs = [(float(x), float(y)) for x, y in points]
        except (TypeError, ValueError):
            return
        if all(math.isfinite(value) for pair in pairs for value in pair):
            self._on_points([(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in pairs])


class TargetView(widgets.VBox):
    """A picture beside what will be inverted of it; the points align it.

    The middle or all of the picture is taken until somebody moves a point. The preview is made on a
    thread of its own, from a reduced copy where the picture is large; `target` is made from all of
    it.

    Args:
        picture: see `smis_core.inversion.targets.prepare_target`.
        size: the generator's resolution.
        fit: without points, "crop" takes the centre square, "pad" the whole picture; the bars
            beside it are shown pale and do not matter.
        points: eyes and mouth in the picture's pixels; by default `fit` says what is taken.
        expected: where the generator has them, in sides of its picture.
        weight: what matters, see `prepare_target`; it is shown as what is not pale.
        missing: what has to be filled in.
        language: of the texts, see `smis_widgets.strings`.

    Raises:
        FileNotFoundError, TypeError, ValueError: as `prepare_target` says.
    """

    points = traitlets.Instance(FacePoints, allow_none=True)
    """Eyes and mouth in the picture's pixels; None: what `fit` takes."""

    revision = traitlets.Int(0)
    """Counts the previews."""

    _worker: LatestWorker[FacePoints | None, Target] | None = None

    def __init__(
        self,
        picture: ImageSource,
        size: int,
        *,
        fit: Fit = "crop",
        points: FacePoints | None = None,
        expected: FacePoints = PORTRAIT_POINTS,
        weight: MaskSource | None = None,
        missing: MaskSource | None = None,
        language: str = "en",
    ) -> None:
        self._strings = strings = Strings(language)
        self._size, self._fit = size, fit
        self._expected = expected
        self._first = points
        # The preparation judges the picture first: what cannot be inverted is not shown either.
        target = prepare_target(
            picture, size, fit=fit, points=points, expected=expected, weight=weight, missing=missing
        )
        linear, self._notes = read_linear(picture)
        self._source = to_gamma(linear)
        self._masks = {"weight": weight, "missing": missing}
        self._reduced, self._scale, self._reduced_masks = self._reduce(linear)
        self._made: tuple[FacePoints | None, Target] = (points, target)
        self.message = MessageLine()
        self.align = AlignView(png_bytes(self._reduced), on_points=self._moved, strings=strings)
        self.view = ImageView(language=language)
        self.reset_button = icon_button("undo-alt", strings("reset_points"), self.reset)
        self._caption = caption(strings("aligned"))
        super().__init__(points=points)
        self.add_class("smis-inversion")
        self.add_class("smis-target")
        head = styled("smis-caption-row", caption(strings("drag_points")), self.reset_button)
        pair = styled(
            "smis-target-pair",
            styled("smis-figure", self.align, head, kind=widgets.VBox),
            styled("smis-figure", self.view, self._caption, kind=widgets.VBox),
        )
        self.children = (Shell(), pair, self.message)
        worker = self._worker = LatestWorker(self._preview, self._deliver, threads=1)
        self.observe(lambda change: worker.submit(change.new), "points")
        self._show(target, 1.0)

    @property
    def target(self) -> Target:
        """What will be inverted, as the points stand now.

        Raises:
            ValueError: the points lie on one another.
        """
        points, target = self._made
        if points != self.points:
            target = self._prepare(self._source, self.points, self._masks)
            self._made = (self.points, target)
        return target

    def reset(self) -> None:
        """The points go back to where they were at first."""
        self.points = self._first

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until the preview shows the points; returns whether it does. For programs."""
        assert self._worker is not None
        return self._worker.wait(timeout)

    def close(self) -> None:
        """End the thread and remove the widgets."""
        if self._worker is not None:  # None where the picture was refused
            self._worker.close()
        super().close()

    def _prepare(
        self, source: Tensor, points: FacePoints | None, masks: dict[str, MaskSource | None]
    ) -> Target:
        return prepare_target(
            source, self._size, fit=self._fit, points=points, expected=self._expected, **masks
        )

    def _reduce(self, linear: Tensor) -> tuple[Tensor, float, dict[str, MaskSource | None]]:
        height, width = linear.shape[-2:]
        scale = min(1.0, _PREVIEW_SIDE / max(height, width))
        if scale == 1.0:
            return self._source, scale, self._masks
        small = (max(1, round(height * scale)), max(1, round(width * scale)))
        masks: dict[str, MaskSource | None] = {}
        for name, mask in self._masks.items():
            values = None if mask is None else read_mask(name, mask)
            if values is not None and tuple(values.shape[-2:]) == (height, width):
                values = F.interpolate(values, size=small, mode="area")
            masks[name] = values
        return to_gamma(F.interpolate(linear, size=small, mode="area")), scale, masks

    def _preview(self, points: FacePoints | None) -> Target:
        scaled = None if points is None else points.scaled(self._scale)
        return self._prepare(self._reduced, scaled, self._reduced_masks)

    def _deliver(self, target: Target | None, error: Exception | None) -> None:
        if error is not None:
            self.message.error(self._strings("aligning"), error, self._strings)
        elif target is not None:
            self.message.clear()
            self._show(target, self._scale)
            self.view.wait_painted(self.view.frame)

    def _show(self, target: Target, scale: float) -> None:
        width, height = target.source_size
        self.align.corners = [[x / width, y / height] for x, y in target.corners]
        (a, b, c), (d, e, f) = target.to_source
        if self.points is None:
            # Where the generator expects them: that is what the untouched square stands for.
            expected = self._expected.scaled(self._size)
            places = [
                (a * x + b * y + c, d * x + e * y + f)
                for x, y in (getattr(expected, name) for name in _POINTS)
            ]
        else:
            places = [getattr(self.points.scaled(scale), name) for name in _POINTS]
        self.align.points = [[x / width, y / height] for x, y in places]
        self.view.show(preview(target))
        self._caption.tooltip = "; ".join([*self._notes, *target.notes])
        self.revision += 1

    def _moved(self, fractions: list[tuple[float, float]]) -> None:
        height, width = self._source.shape[-2:]
        self.points = FacePoints(*((x * width, y * height) for x, y in fractions))
