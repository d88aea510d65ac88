"""Texts of the search: the wall of pictures and what stands on it."""

from __future__ import annotations

TABLE: dict[str, tuple[str, ...]] = {
    # The wall's front end
    "wall.wall": ("Pictures",),
    "wall.empty": ("Nothing here yet",),
    "wall.waiting": ("Picture {number}, on its way",),
    "wall.tile": ("Picture {number}",),
    "wall.favourite": ("Favourite (F)",),
}
