"""Texts of the picture and the studio."""

from __future__ import annotations

TABLE: dict[str, tuple[str, ...]] = {
    # The picture
    "picture": ("Picture",),
    # The studio
    "character": ("character",),
    "character_tooltip": ("Seed of the character: the same number is always the same one",),
    "new_character": (
        "Another character and its mask, to be edited; undo brings your drawing back",
    ),
    "original": ("Back to this character's own mask",),
    "keep_rest": ("Keep the rest: the picture changes only where the mask was changed",),
    "underlay": ("Show the portrait underneath the mask",),
    "fidelity": ("fidelity",),
    "fidelity_tooltip": ("How well the portrait shows what the mask asks for, from 0 to 1",),
    "class_fidelity": (
        "{name}: how much of what you drew and of what is shown as such is both, 0 to 1",
    ),
    "milliseconds": ("{value:.0f} ms",),
    "styles": ("styles",),
    "style_tooltip": ("Style {seed}: its colours and finish for this drawing",),
    "another_style": ("another",),
    "another_style_tooltip": ("Another style: new colours for this drawing",),
    "own_style": ("Style {seed}, the character's own",),
    "mix_from": ("style from layer",),
    "mix_from_tooltip": (
        "The layer from which style comes: below it the mask decides. Lower gives style more say",
    ),
    "truncation": ("truncation",),
    "truncation_tooltip": (
        "How far styles stray from the average: 0 is the average, 1 everything",
    ),
    "keep": ("Keep a copy of mask and portrait below, as a plain picture in the notebook",),
    "save": ("Save portrait (PNG with seed and latent), mask (PNG) and latent (npz) in {folder}",),
    "refine": ("Refine: optimise the portrait for 3 seconds, so that it shows the mask better",),
    "refine_label": ("refine",),
    "stop": ("Stop",),
    "pause": ("Pause",),
    "resume": ("Go on",),
    "seconds": ("{value:.1f} s",),
    "kept": ("Kept below; in a cell, studio.album() has it too",),
}
