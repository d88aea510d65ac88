"""Texts of errors."""

from __future__ import annotations

TABLE: dict[str, tuple[str, ...]] = {
    # Errors
    "failed": ("{what} failed: {cause}",),
    "rendering": ("Rendering",),
    "drawing": ("Drawing",),
    "loading": ("Loading",),
    "saving": ("Saving",),
    "refining": ("Refining",),
    "not_square": (
        "MaskPad draws on square maps, got {height} x {width}: crop the map or pad it to a square",
    ),
    "unknown_class": ("label: the palette has the indices {known}, got {got}",),
}
