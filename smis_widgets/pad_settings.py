"""What a person sets on a pad: the tool and how everything is shown."""

from __future__ import annotations

from typing import Any

import traitlets

from smis_widgets.pad_tools import BRUSH_SIZES, LOOK, TOOLS


class PadSettings(traitlets.HasTraits):
    """Traits that both the browser and a program may set."""

    label = traitlets.Int()
    """Index of the class that the tools paint."""

    tool = traitlets.Enum(tuple(TOOLS), "brush")
    """What the pen is; the eraser paints 255, not painted."""

    brush_size = traitlets.Int(12, min=BRUSH_SIZES[0], max=BRUSH_SIZES[1])
    """Diameter of brush, eraser, line and landmark in pixels of the map."""

    brush_shape = traitlets.Enum(("round", "square"), "round")
    """Form of the brush."""

    pressure = traitlets.Bool(True)
    """Whether a pen's pressure changes the size."""

    gap = traitlets.Int(0, min=0, max=64)
    """Openings up to this many pixels wide hold the paint of a fill."""

    edges = traitlets.Int(24, min=0, max=255)
    """How strong an edge of the picture a smart fill still runs over."""

    over = traitlets.Int(-1, min=-1, max=255)
    """The one class that is painted over, 255 for what is not painted; -1: everything."""

    protected = traitlets.List(traitlets.Int(min=0, max=255))
    """Classes that nothing is painted over."""

    opacity = traitlets.Float(0.6, min=0.0, max=1.0)
    """How much the mask covers the picture underneath; without one the mask is opaque."""

    look = traitlets.Dict(dict(LOOK))
    """How it is shown: outlines, hover, grid, patterns, ghost (bool), brightness, contrast (1)."""

    @traitlets.validate("look")
    def _complete(self, proposal: Any) -> dict[str, Any]:
        kinds = {name: type(default) for name, default in LOOK.items()}
        given = {**LOOK, **proposal.value}
        if set(given) != set(LOOK):
            raise traitlets.TraitError(f"look: {', '.join(LOOK)} are known, got {list(given)}")
        return {name: kinds[name](value) for name, value in given.items()}
