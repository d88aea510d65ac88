"""What runs in the browser itself: files of `static`, put together without a build step."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"


def joined(folder: str, *names: str) -> str:
    """One script of several: a widget's front end travels whole and imports nothing."""
    return "\n".join((STATIC / folder / f"{name}.js").read_text("utf-8") for name in names)
