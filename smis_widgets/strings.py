"""Every word that the widgets show, in one table: a second language is a second column."""

from __future__ import annotations

LANGUAGES = ("en",)

TABLE: dict[str, tuple[str, ...]] = {
    # The pad: palette and tools
    "class_tooltip": ("Paint {name}{key}",),
    "key_hint": (" (key {key})",),
    "left_hint": ("; the character's left is on the right of the picture",),
    "right_hint": ("; the character's right is on the left of the picture",),
    "brush": ("Brush: draw with the chosen class{key}",),
    "eraser": ("Eraser: leave it to the synthesiser what is here{key}",),
    "fill": ("Fill: give the region under the pointer the chosen class{key}",),
    "pick": ("Pick: choose the class under the pointer{key}",),
    "undo": ("Undo (Ctrl+Z)",),
    "redo": ("Redo (Ctrl+Shift+Z)",),
    "clear": ("Clear: nothing is painted; undo brings it back",),
    "load_mask": ("Load a mask (PNG of class indices)",),
    "save_mask": ("Save the mask as an indexed PNG in the folder {folder}",),
    "saved": ("Saved {path}",),
    "size": ("size",),
    "size_tooltip": ("Brush diameter in pixels of the mask (keys [ and ], or the wheel)",),
    "opacity": ("mask",),
    "opacity_tooltip": ("How much the mask covers the picture underneath",),
    "reset": ("Reset {name} to {value}",),
    # The picture
    "picture": ("Picture",),
    # The studio
    "character": ("character",),
    "character_tooltip": ("Seed of the character: the same number is always the same one",),
    "new_character": (
        "Another character and its mask, to be edited; undo brings your drawing back",
    ),
    "original": ("Back to this character's own mask",),
    "underlay": ("Show the portrait underneath the mask",),
    "fidelity": ("fidelity",),
    "fidelity_tooltip": ("How well the portrait shows what the mask asks for, from 0 to 1",),
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
    "refine": ("Refine: optimise the portrait until it shows the mask better",),
    "refine_label": ("refine",),
    "stop": ("Stop",),
    "pause": ("Pause",),
    "resume": ("Go on",),
    "seconds": ("{value:.1f} s",),
    "kept": ("Kept below; in a cell, studio.album() has it too",),
    # Long work
    "step": ("step {step}",),
    "step_of": ("step {step} of {total}",),
    "rate": ("{rate}/s",),
    "left": ("{time} left",),
    "state_paused": ("paused",),
    "state_stopped": ("stopped after {time}",),
    "state_done": ("done in {time}",),
    "state_failed": ("failed",),
    # Watching an inversion
    "start": ("Start",),
    "no_points": ("The curves begin when you press play",),
    "loss_curves": ("Loss curves of the inversion",),
    "select_run": ("Show the pictures of {name}",),
    "toggle_loss": ("Show or hide the curve of {name}",),
    "step_back": ("The kept step before (arrow left)",),
    "step_forth": ("The kept step after (arrow right)",),
    "live": ("Back to the newest step",),
    "scrub": ("Go back to any kept step",),
    "log": ("log",),
    "log_tooltip": ("Losses on a logarithmic scale",),
    "by_seconds": ("seconds",),
    "by_seconds_tooltip": ("Curves over seconds of work, in place of steps",),
    "target": ("target",),
    "now": ("now",),
    "then": ("then",),
    "best": ("best",),
    "at_step": ("{what} · step {step}",),
    "difference": ("difference × {gain}",),
    "save_as": ("Save in the folder {folder}",),
    "what_to_save": ("What to save",),
    "as_curves": ("curves",),
    "as_timelapse": ("time-lapse",),
    "as_latent": ("latent",),
    "saved_as": ("{what} · {kind}",),
    "nothing_to_save": ("there is no step yet; press play first",),
    "inversion": ("inversion",),
    "the_inversion": ("The inversion",),
    "made_once": ("This run has ended and was made once: run its cell again for another",),
    "run_inversion": ("The inversion {name}",),
    "showing": ("Showing the inversion",),
    # The target
    "aligning": ("Aligning",),
    "align": ("Show or hide the picture and its points",),
    "aligned": ("what will be inverted",),
    "left_eye": ("the eye at the left of the picture",),
    "right_eye": ("the eye at the right of the picture",),
    "mouth": ("the middle of the mouth",),
    "drag_points": ("Drag the points onto the eyes and the mouth",),
    "reset_points": ("Points back to where they were",),
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


def duration(seconds: float) -> str:
    """Minutes and seconds as 0:26, hours as 1:02:03."""
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{whole:02d}" if hours else f"{minutes}:{whole:02d}"


class Strings:
    """The texts of one language.

    Args:
        language: a name of `LANGUAGES`.

    Raises:
        ValueError: the language has no column in the table.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise ValueError(
                f"language: known are {known}; got {language!r}. Add a column to TABLE"
            )
        self._column = LANGUAGES.index(language)

    def __call__(self, text: str, /, **values: object) -> str:
        """The text of that name, with its {placeholders} filled."""
        return TABLE[text][self._column].format(**values)
