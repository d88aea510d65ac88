"""Texts of the search: the wall of pictures and what stands on it."""

from __future__ import annotations

TABLE: dict[str, tuple[str, ...]] = {
    # The wall's front end
    "wall.wall": ("Pictures",),
    "wall.empty": ("Nothing here yet",),
    "wall.waiting": ("Picture {number}, on its way",),
    "wall.tile": ("Picture {number}",),
    "wall.favourite": ("Favourite (F)",),
    # The wall of seeds
    "searching": ("Searching",),
    "seed_wall": ("Pictures to choose from",),
    "nothing_left": ("Nothing lies in these ranges: widen one of the filters",),
    "seeds_name": ("seeds from",),
    "first_seed_tooltip": ("The seed at the top left; the same seed is always the same picture",),
    "other_seeds": ("Other seeds",),
    "class_number": ("class {number}",),
    "class_tooltip": ("The class of the seeds",),
    "seeds_from": ("seeds from {seed}",),
    "more_like_this": ("more like this",),
    "more_like_tooltip": ("Others like the one that is chosen (M)",),
    "group_tooltip": (
        "Where they differ: coarse layers hold pose and shape, middle ones features, fine ones "
        "colours",
    ),
    "group_all": ("in all layers",),
    "group_coarse": ("in coarse layers",),
    "group_middle": ("in middle layers",),
    "group_fine": ("in fine layers",),
    "strength": ("strength",),
    "radius_tooltip": ("How much they differ: 0 not at all, 1 as any other does",),
    "like": ("like {name}",),
    "like_title": ("like {name}, {group}, {radius:.2f}",),
    "between_these": ("between these",),
    "between_tooltip": ("What lies between two or more that are chosen with Ctrl or Shift (B)",),
    "between": ("between",),
    "between_title": ("between {names}",),
    "favourites": ("favourites",),
    "favourites_tooltip": ("Hang the favourites on the wall; F or the star makes one",),
    "back_tooltip": ("Back to what hung here before",),
    "filters": ("filters",),
    "filters_tooltip": ("Only what lies in some ranges along the directions",),
    "filter_tooltip": ("{name}: where it may lie, in steps from the average; an end is no limit",),
    "hue_tooltip": ("{name}: which hues may be; an end is no limit",),
    "no_limits": ("No limit of {name}",),
    "choose_one": ("wanted a chosen picture: click one on the wall",),
    "choose_two": ("wanted two chosen pictures: click one, and others with Ctrl or Shift",),
    "no_favourites": ("wanted a favourite: give a picture a star, with F or the mouse",),
}
