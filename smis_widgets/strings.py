"""Every word that the widgets show, in one table: a second language is a second column."""

from __future__ import annotations

LANGUAGES = ("en",)

TABLE: dict[str, tuple[str, ...]] = {
    # The pad, beside its front end
    "key_hint": (" (key {key})",),
    "class_tooltip": ("Paint {name}{key}",),
    "left_hint": ("; the character's left is on the right of the picture",),
    "right_hint": ("; the character's right is on the left of the picture",),
    "saved": ("Saved {path}",),
    "reset": ("Reset {name} to {value}",),
    "new_class": ("class {number}",),
    "classes_read": ("Read {count} classes from {name}",),
    "mask_read": ("Read the mask {name}",),
    "picture_read": ("Read the picture {name}; it lies underneath the mask",),
    # The pad's front end: tools, "what it is: what it does"
    "pad.tools": ("Tools",),
    "pad.brush": ("Brush: draw with the chosen class",),
    "pad.eraser": ("Eraser: leave it to the synthesiser what is here",),
    "pad.line": ("Line: drag from end to end, Shift keeps it straight",),
    "pad.polyline": ("Polyline: a click a corner; double click or Enter ends it",),
    "pad.polygon": ("Polygon: a click a corner; the first corner, double click or Enter fills it",),
    "pad.lasso": ("Lasso: fill what you draw around",),
    "pad.rectangle": ("Rectangle: drag from corner to corner, Shift makes it a square",),
    "pad.ellipse": ("Ellipse: drag from corner to corner, Shift makes it a circle",),
    "pad.fill": ("Fill: give the region under the pointer the chosen class",),
    "pad.wand": ("Smart fill: up to the edges of the picture underneath",),
    "pad.pick": ("Pick: choose the class under the pointer",),
    "pad.point": ("Landmark: a numbered point of the chosen class; drag it to move it",),
    "pad.move": ("Move: press on a region, drag it or its corners; Enter ends",),
    "pad.copy": ("Copy: draw around what shall come back from the mask before this one",),
    "pad.undo": ("Undo (Ctrl+Z)",),
    "pad.redo": ("Redo (Ctrl+Shift+Z)",),
    "pad.clear": ("Clear: nothing is painted; undo brings it back",),
    "pad.mirror": ("Mirror: swap left and right, their classes included",),
    "pad.load": ("Load a mask (indexed PNG, NPZ or SVG); dropping or pasting a file works too",),
    "pad.save": ("Save the mask",),
    "pad.save_mask": ("Save the mask in the folder {folder}",),
    "pad.save_indexed": ("indexed PNG",),
    "pad.save_indexed_tooltip": ("Class indices with palette and names",),
    "pad.save_rgb": ("RGB PNG",),
    "pad.save_rgb_tooltip": ("The palette's colours",),
    "pad.save_npz": ("NPZ",),
    "pad.save_npz_tooltip": ("Class indices for NumPy",),
    "pad.save_svg": ("SVG",),
    "pad.save_svg_tooltip": ("The outlines of the classes",),
    "pad.view": ("View: outlines, grid, light, zoom",),
    "pad.help": ("Keys and gestures (?)",),
    # The pad's front end: options
    "pad.brush_size": ("size",),
    "pad.brush_size_tooltip": ("Diameter in pixels of the mask (keys [ and ], or the wheel)",),
    "pad.square": ("Square brush",),
    "pad.pressure": ("Pen pressure changes the size",),
    "pad.gap": ("gaps",),
    "pad.gap_tooltip": ("Openings up to this wide hold the paint",),
    "pad.edges": ("edges",),
    "pad.edges_tooltip": ("How strong an edge must be to hold the paint, from 0 to 255",),
    "pad.over": ("paint over",),
    "pad.over_tooltip": ("Only pixels of this class are painted over",),
    "pad.everything": ("everything",),
    "pad.unpainted": ("not painted",),
    "pad.opacity": ("mask",),
    "pad.opacity_tooltip": ("How much the mask covers the picture underneath",),
    "pad.reset": ("Reset",),
    "pad.outlines": ("outlines only",),
    "pad.outlines_tooltip": ("Show where classes end instead of their areas",),
    "pad.hover": ("on hover",),
    "pad.hover_tooltip": ("Show the mask only while the pointer is over it",),
    "pad.grid": ("grid",),
    "pad.grid_tooltip": ("Lines between pixels, or between blocks of them",),
    "pad.patterns": ("patterns",),
    "pad.patterns_tooltip": ("Marks that tell the classes apart without their colours",),
    "pad.ghost": ("ghost",),
    "pad.ghost_tooltip": ("Dashed outlines of what the picture shows already",),
    "pad.brightness": ("brightness",),
    "pad.brightness_tooltip": ("Of the picture underneath; it is not changed",),
    "pad.contrast": ("contrast",),
    "pad.contrast_tooltip": ("Of the picture underneath; it is not changed",),
    "pad.zoom": ("zoom",),
    "pad.fit": ("Show the whole mask (Home)",),
    # The pad's front end: palette
    "pad.palette": ("Classes",),
    "pad.edit_palette": ("Edit the classes",),
    "pad.pixels": ("{count} pixels, {share} %",),
    "pad.protect": ("Protect {name}: nothing is painted over it",),
    "pad.recolour": ("Colour",),
    "pad.rename": ("Name",),
    "pad.merge": ("Merge into another class",),
    "pad.move_up": ("Move up",),
    "pad.move_down": ("Move down",),
    "pad.delete_class": ("Delete {name}; its pixels become unpainted",),
    "pad.add_class": ("Add a class",),
    "pad.preset": ("Start from a known palette; the drawing is emptied where it does not fit",),
    "pad.presets": ("known palettes",),
    "pad.import_colours": ("Read classes from the colours of a mask",),
    # The pad's front end: the sheet of keys
    "pad.keys": ("Keys and gestures",),
    "pad.close": ("Close",),
    "pad.canvas": ("Canvas",),
    "pad.canvas_role": ("drawing canvas",),
    "key.undo": ("undo",),
    "key.redo": ("redo",),
    "key.size": ("brush size; the wheel too",),
    "key.escape": ("take back what is under way; leave the canvas",),
    "key.enter": ("end polygon, polyline or move",),
    "key.back": ("take back the last corner",),
    "key.arrows": ("move a cross, Shift by 10; Enter is the pen",),
    "key.zoom": ("zoom; Ctrl and the wheel, or two fingers, too",),
    "key.fit": ("show everything",),
    "key.pan": ("hold and drag to move the view; Shift or Alt and the wheel too",),
    "key.fade": ("mask more or less opaque",),
    "key.looks": ("grid, outlines only, patterns",),
    "key.help": ("this sheet",),
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

    def section(self, name: str) -> dict[str, str]:
        """All texts whose names begin with `name.`, by the rest; placeholders stay as they are."""
        start = f"{name}."
        return {
            text.removeprefix(start): texts[self._column]
            for text, texts in TABLE.items()
            if text.startswith(start)
        }
