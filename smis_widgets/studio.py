"""The studio: draw a mask, and the portrait follows."""

from __future__ import annotations

import functools
import random
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets
from IPython.display import display, update_display
from PIL import Image
from torch import Tensor

from smis_core.fewshot.bundled import load_synthesizer
from smis_core.fewshot.synthesis import Anchor, Character, Synthesizer
from smis_core.images import to_pil
from smis_core.jobs import Job
from smis_core.latents import WPlus
from smis_widgets.controls import MessageLine, icon_button, toggle
from smis_widgets.fidelity_row import FidelityRow
from smis_widgets.image_view import ImageView, png_bytes, with_plain_picture
from smis_widgets.job_bar import JobBar
from smis_widgets.keepsakes import album, save_portrait, sheet
from smis_widgets.palette_question import PaletteQuestion
from smis_widgets.portraitist import Look, Portrait, Portraitist, Refined
from smis_widgets.strings import Strings
from smis_widgets.studio_pad import StudioPad
from smis_widgets.studio_states import OpensStates
from smis_widgets.style_row import StyleRow, look_rows

STYLES = 6
REFINE_SECONDS = 3.0
MAX_SEED = 999_999


class SketchStudio(OpensStates, widgets.VBox):
    """A pad, the portrait beside it, and what changes its look.

    The portrait follows the drawing: it is rendered on a thread of its own, during a stroke as
    fast as the machine and the page can keep up, and once more at its end.

    Args:
        synthesizer: what draws; by default the bundled portraits.
        shots: of the bundled synthesizer, see `smis_core.fewshot.bundled.load_synthesizer`.
        seed: the character to open with.
        resolution: side of the mask that is drawn, in pixels.
        folder: where the save button writes.
        language: of the texts, see `smis_widgets.strings`.

    Attributes:
        synthesizer: what draws. The studio calls it on threads of its own; a program that calls it
            too waits for them first.
        pad: the `MaskPad`; a mask in a foreign palette is translated or asked about.
        view: the `ImageView` of the portrait.
    """

    seed = traitlets.Int(min=0, max=MAX_SEED)
    """The character: its portrait's mask is what the pad starts from."""

    style_seed = traitlets.Int(min=0, max=MAX_SEED)
    """The style: colours and finish. The character's own by default."""

    reference = traitlets.Instance(WPlus, allow_none=True)
    """A latent whose colours are taken in place of the style's; choosing a style lets go of it."""

    mix_from = traitlets.Int(min=0)
    """Row of W+ from which style is mixed in; as many as there are rows: none."""

    truncation = traitlets.Float(0.7, min=0.0, max=1.0)
    """How far styles and new characters stray from the average."""

    keep_rest = traitlets.Bool(False)
    """Whether the picture changes only where the character's mask was changed."""

    underlay = traitlets.Bool(False)
    """Whether the portrait lies underneath the mask on the pad."""

    folder = traitlets.Unicode("sketches")
    """Where the save button writes."""

    portrait = traitlets.Instance(Portrait, allow_none=True)
    """The newest portrait, with its mask, latent and fidelity."""

    def __init__(
        self,
        synthesizer: Synthesizer | None = None,
        *,
        shots: int = 5,
        seed: int = 7,
        resolution: int = 256,
        folder: str | Path = "sketches",
        language: str = "en",
    ) -> None:
        self._strings = Strings(language)
        self.synthesizer = synthesizer or load_synthesizer("portraits", shots=shots)
        self._resolution = resolution
        self._painters = Portraitist(self.synthesizer, self)
        self._own = self._anchor_of(self._painters.sample(seed, 0.7))
        self._kept: list[Portrait] = []
        self._displayed = self._changing = False
        self._display_id = f"smis-kept-{secrets.token_hex(8)}"
        self.message = MessageLine()
        self.question = PaletteQuestion(self._strings)
        self.pad = StudioPad(
            self._own.mask, question=self.question, folder=folder, language=language
        )
        self.original()
        self.view = ImageView(language=language)
        self.styles = StyleRow(
            [seed, *(number for number in range(1, STYLES + 1) if number != seed)][:STYLES],
            on_choose=self.choose_style,
            on_another=self._guarded("rendering", self.another_style),
            strings=self._strings,
        )
        self._make_controls(seed)
        super().__init__(
            seed=seed,
            style_seed=seed,
            mix_from=self.synthesizer.default_mix_from,
            folder=str(folder),
        )
        self.add_class("smis-studio")
        self.children = (self._head(), self._main(), self.question, self._foot(), self.message)
        self._connect()
        self.portrait_done(self._painters.paint(self._own.mask, self.look))

    # What a program uses

    @property
    def look(self) -> Look:
        """What a portrait depends on beside its mask.

        It keeps to the open character until the pad is cleared or takes a mask from elsewhere.
        """
        own = (self.style_seed, self.mix_from, self.truncation)
        return Look(*own, self.pad.origin, self.reference, self.keep_rest)

    def new_character(self) -> None:
        """Roll the dice for another character; its mask replaces the drawing, undo brings it
        back."""
        self.seed = random.SystemRandom().randrange(MAX_SEED + 1)

    def original(self) -> None:
        """Go back to the character's own mask."""
        self.pad.replace(self._own.mask, origin=self._own)

    def choose_style(self, seed: int) -> None:
        """Take the style of a seed."""
        self.reference, self.style_seed = None, seed

    def another_style(self) -> None:
        """Roll the dice for another style."""
        self.choose_style(random.SystemRandom().randrange(MAX_SEED + 1))

    def refine(self) -> None:
        """Start to optimise the portrait until it shows its mask better, or stop doing so."""
        self.job_bar.toggle()

    def keep(self) -> Image.Image | None:
        """Keep mask and portrait below the studio as a plain picture that outlives the kernel.

        Returns:
            Mask and portrait side by side; None before the first portrait.
        """
        if self.portrait is None:
            return None
        self._kept.append(self.portrait)
        if self._displayed:
            # A page that was reloaded has forgotten the output; `album` still has the pictures.
            bundle = {"image/png": png_bytes(album(self._kept))}
            update_display(bundle, display_id=self._display_id, raw=True)
        return sheet(self.portrait)

    def album(self) -> Image.Image | None:
        """All that was kept, as one picture; None if nothing was."""
        return album(self._kept) if self._kept else None

    def save(self) -> Path | None:
        """Write portrait, mask and latent, see `smis_widgets.keepsakes.save_portrait`.

        Raises:
            ValueError: the folder cannot be written.
        """
        if self.portrait is None:
            return None
        return save_portrait(self.portrait, Path(self.folder), seed=self.seed)

    def wait(self, timeout: float = 30.0) -> bool:
        """Wait until the portrait shows the drawing; returns whether it does. For programs."""
        return self._painters.wait(timeout)

    def close(self) -> None:
        """End the threads and remove the widgets."""
        self.job_bar.stop()
        self._painters.close()
        super().close()

    # Parts

    def _make_controls(self, seed: int) -> None:
        strings, on = self._strings, functools.partial(self._guarded, "rendering")
        self.seed_field = widgets.BoundedIntText(
            seed, 0, MAX_SEED, continuous_update=False, tooltip=strings("character_tooltip")
        )
        self.seed_field.add_class("smis-number")
        self.dice = icon_button("dice", strings("new_character"), on(self.new_character))
        self.original_button = icon_button("history", strings("original"), on(self.original))
        self.underlay_button = toggle(self, "underlay", "layer-group", strings("underlay"))
        self.rest_button = toggle(self, "keep_rest", "lock", strings("keep_rest"))
        self.keep_button = icon_button(
            "thumbtack", strings("keep"), self._guarded("saving", self._keep_and_tell)
        )
        self.save_button = icon_button("save", "", self._guarded("saving", self._save_and_tell))
        self.reading = widgets.HTML()
        self.reading.add_class("smis-reading")
        self.fidelity = FidelityRow(strings)
        self.job_bar = JobBar(
            self._refinement,
            label=strings("refine_label"),
            tooltip=strings("refine"),
            on_error=lambda error: self.message.error(strings("refining"), error, strings),
            strings=strings,
        )
        self.mix_row, self.truncation_row = look_rows(self.synthesizer, strings)

    def _head(self) -> widgets.Box:
        name = widgets.Label(self._strings("character"))
        name.add_class("smis-name")
        return _styled("smis-head", name, self.seed_field, self.dice, self.original_button)

    def _main(self) -> widgets.Box:
        buttons = (self.rest_button, self.underlay_button, self.keep_button, self.save_button)
        tools = _styled("smis-group", *buttons)
        bar = _styled("smis-bar", tools, self.reading)
        parts = (self.view, bar, self.job_bar, self.fidelity)
        column = _styled("smis-portrait", *parts, kind=widgets.VBox)
        return _styled("smis-main", self.pad, column, kind=widgets.Box)

    def _foot(self) -> widgets.Box:
        sliders = _styled("smis-sliders", self.mix_row, self.truncation_row, kind=widgets.VBox)
        return _styled("smis-foot", self.styles, sliders)

    def _connect(self) -> None:
        traitlets.link((self, "seed"), (self.seed_field, "value"))
        traitlets.link((self, "mix_from"), (self.mix_row.slider, "value"))
        traitlets.link((self, "truncation"), (self.truncation_row.slider, "value"))
        on = functools.partial(self._guarded, "rendering")
        self.pad.observe(on(lambda change: self._follow(final=True)), "value")
        self.pad.observe(on(lambda change: self._follow_stroke()), "revision")
        self.pad.observe(on(lambda change: self._follow_look(change)), "look")
        look = ("style_seed", "reference", "mix_from", "truncation", "keep_rest")
        self.observe(on(lambda change: self._follow(final=True)), look)
        self.observe(on(lambda change: self.styles.choose(change.new)), "style_seed")
        self.observe(
            on(lambda change: self._painters.character(change.new, self.truncation)), "seed"
        )
        self.observe(on(lambda change: self._lay_under()), "underlay")
        self.observe(lambda change: self._show_folder(), "folder")
        self.styles.choose(self.style_seed)
        self._show_folder()

    # Following the drawing

    def _follow(self, *, final: bool) -> None:
        if self._changing:
            return
        self.job_bar.stop()
        self._painters.portrait(self.pad.meant, self.look, final=final)
        if final:
            self.view.release()

    def _follow_stroke(self) -> None:
        if self.pad.drawing:
            self._follow(final=False)

    def _follow_look(self, change: Any) -> None:
        if change.new["ghost"] and not change.old["ghost"]:
            self._follow(final=True)

    def portrait_done(self, portrait: Portrait) -> None:
        """Show a portrait; called by the worker, which thereby keeps pace with the page."""
        self.message.clear()
        if self.portrait is None or portrait.image is not self.portrait.image:
            self.view.show(portrait.image.clamp(-1, 1))
        self.portrait = portrait
        self.reading.value = self._read(portrait)
        self.fidelity.show(portrait.mask.palette, portrait.by_class)
        if portrait.final:
            self._lay_under()
            if self.pad.look["ghost"]:
                self.pad.ghost = self._painters.read(portrait)
            self._painters.styles(portrait.mask, portrait.look, self.styles.seeds)
        self.view.wait_painted(self.view.frame)

    def character_done(self, seed: int, character: Character) -> None:
        """Lay another character's mask on the pad; called by the worker."""
        self._own = self._anchor_of(character)
        self.styles.begin(seed)
        self._changing = True
        try:
            self.opened, self.style_seed = None, seed
            self.original()
        finally:
            self._changing = False
        self.styles.choose(seed)
        self._follow(final=True)

    def style_done(self, seed: int, image: Tensor) -> None:
        """Show the thumbnail of a style; called by the worker."""
        self.styles.show(seed, image.clamp(-1, 1))

    def rendering_failed(self, error: Exception) -> None:
        """Show why there is no portrait; called by the worker."""
        self.message.error(self._strings("rendering"), error, self._strings)

    def _refinement(self) -> Job[Refined] | None:
        start = self.portrait
        if start is None:
            return None
        wishes = self._painters.wishes

        def refined(step: Refined) -> None:
            # What was on its way when something else was wished for comes too late.
            if self._painters.wishes == wishes:
                self.portrait_done(step.portrait)

        return Job(lambda: self._painters.refined(start, seconds=REFINE_SECONDS), on_step=refined)

    def _lay_under(self) -> None:
        if self.underlay and self.portrait is not None:
            self.pad.picture = to_pil(self.portrait.image)
        elif not self.underlay:
            self.pad.picture = None

    def _anchor_of(self, character: Character) -> Anchor:
        return Anchor(character.labels.resized(self._resolution), character.wplus)

    def _read(self, portrait: Portrait) -> str:
        strings, seconds = self._strings, portrait.seconds
        duration = (
            strings("milliseconds", value=1000 * seconds)
            if seconds < 1
            else strings("seconds", value=seconds)
        )
        return (
            f'<span title="{strings("fidelity_tooltip")}">{strings("fidelity")} '
            f"<b>{portrait.fidelity:.2f}</b></span> · "
            f"{duration}"
        )

    # Keeping and saving

    def _keep_and_tell(self) -> None:
        self.keep()
        self.message.note(self._strings("kept"))

    def _save_and_tell(self) -> None:
        self.message.note(self._strings("saved", path=self.save()))

    def _show_folder(self) -> None:
        self.save_button.tooltip = self._strings("save", folder=self.folder)
        self.pad.folder = self.folder

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live studio, and a plain picture of its drawing for places without a kernel."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if self.portrait is None:
            return bundle
        return with_plain_picture(bundle, png_bytes(sheet(self.portrait)))

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        # An invisible output of its own, which `keep` fills.
        self._displayed = True
        display({"text/html": ""}, display_id=self._display_id, raw=True)

    def _guarded(self, what: str, act: Callable[..., None]) -> Callable[..., None]:
        return self.message.guarding(act, what, self._strings)


def _styled(
    name: str, *children: widgets.Widget, kind: type[widgets.Box] = widgets.HBox
) -> widgets.Box:
    box = kind(children)
    box.add_class(name)
    return box
