"""From a mask to portraits: what a person's pad calls after every stroke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..labelling import first_fine_row
from ..labels import UNPAINTED, LabelMap, Palette
from ..latents import WPlus, sample_z
from ..networks.generator_base import GeneratorBase
from ..networks.stylegan2 import NoiseChoice
from .losses import one_hot, overlaps, unasked
from .network import FewshotNetwork
from .refine import RefineStep, refine_codes


@dataclass(frozen=True, eq=False)
class Synthesis:
    """Portraits of one mask."""

    images: Tensor
    """[N, 3, R, R] in about [-1, 1], one a style"""
    wplus: WPlus
    """[N, L, w], what the images were drawn from"""
    fidelity: list[float]
    """how well each follows the mask, in [0, 1]: mean intersection over union with the labeller's
    reading, over the classes that the mask paints, and those that the portrait shows in their
    place although the mask has none of them"""
    by_class: list[dict[int, float]] = field(default_factory=list)
    """the same by class index, so that one sees what the generator cannot draw"""


@dataclass(frozen=True, eq=False)
class Character:
    """A portrait from the dice, with the mask that the labeller reads in it."""

    image: Tensor
    """[1, 3, R, R] in about [-1, 1]"""
    labels: LabelMap
    """at the picture's size"""
    wplus: WPlus
    """[1, L, w]"""


@dataclass(frozen=True, eq=False)
class Anchor:
    """A portrait that edits depart from, so that a change of its mask changes nothing else."""

    mask: LabelMap
    """what shows the portrait before any edit, of any square size"""
    wplus: WPlus
    """[1, L, w], the portrait's"""


class Synthesizer:
    """A generator, an encoder and a labeller, ready to draw.

    Holds no state that a call changes; who calls from several threads takes a lock around the
    calls.

    Args:
        generator: what draws.
        network: encoder and labeller, trained with this generator.

    Raises:
        ValueError: the encoder was made for another generator.
    """

    def __init__(self, generator: GeneratorBase, network: FewshotNetwork) -> None:
        config = network.config.encoder
        wanted = (generator.config.resolution, generator.num_ws, generator.config.w_dim)
        if (config.resolution, config.num_ws, config.w_dim) != wanted:
            raise ValueError(
                f"network: wanted an encoder for (resolution, num_ws, w_dim) = {wanted}, got"
                f" {(config.resolution, config.num_ws, config.w_dim)}; train one with `smis"
                " fewshot train`"
            )
        self.generator = generator
        self.network = network
        self.encoder = network.encoder
        self.labeller = network.labeller
        self.palette: Palette = network.config.palette
        self.resolution: int = generator.config.resolution
        self.num_ws: int = generator.num_ws

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.generator.mapping.w_avg.device

    @property
    def default_mix_from(self) -> int:
        """The first row of W+ that styles come from: layout above, colours from here on."""
        return first_fine_row(self.generator)

    @torch.no_grad()
    def encode(self, mask: LabelMap | Sequence[LabelMap], *, anchor: Anchor | None = None) -> WPlus:
        """Masks → latents.

        A mask says little about who is drawn, so the encoder answers with somebody of its own. With
        an anchor only the difference between two masks is taken from it, E(mask) - E(anchor's
        mask), and added to the anchor's latent: latent arithmetic, as in DCGAN (Radford et al.,
        2016, section 6.3). The anchor's mask unedited gives the anchor's latent exactly.

        Args:
            mask: one or several, of any square size and the synthesizer's palette.
            anchor: the portrait that the masks are edits of.

        Returns:
            One latent a mask.

        Raises:
            ValueError: no mask, another palette, or an anchor that is not one latent of this
                generator.
        """
        if anchor is None:
            return WPlus(self.generator.mapping.w_avg + self._code(mask))
        wanted = (1, self.num_ws, self.generator.config.w_dim)
        if tuple(anchor.wplus.tensor.shape) != wanted:
            raise ValueError(
                f"anchor: wanted one latent {list(wanted)} of this generator, got"
                f" {list(anchor.wplus.tensor.shape)}"
            )
        start = anchor.wplus.tensor.to(self.device)
        # Each in a batch of its own: equal masks then give equal codes to the last bit.
        return WPlus(start + (self._code(mask) - self._code(anchor.mask)))

    @torch.no_grad()
    def synthesize(
        self,
        mask: LabelMap,
        *,
        anchor: Anchor | None = None,
        style_seeds: Sequence[int] = (0,),
        styles: WPlus | None = None,
        mix_from: int | None = None,
        truncation_psi: float = 0.7,
        noise: NoiseChoice = "const",
    ) -> Synthesis:
        """Portraits with a mask's layout, one for each style.

        Args:
            mask: of any square size; 255 leaves a region to the generator.
            anchor: the portrait that the mask is an edit of; it keeps the rows before `mix_from`
                but for what was edited, see `encode`.
            style_seeds: each gives colours of its own.
            styles: [N, L, w], latents of other pictures or of inverted photographs, whose colours
                are taken instead.
            mix_from: the first row of W+ that takes the style, 0 to `num_ws`; `num_ws` keeps the
                encoder's own colours, or the anchor's. By default `default_mix_from`.
            truncation_psi: how far styles stray from the average, 0 to 1.
            noise: as the generator takes it.

        Raises:
            ValueError: no style, `mix_from` or `truncation_psi` out of range, another palette, or
                an anchor of another generator.
        """
        start = self.default_mix_from if mix_from is None else mix_from
        if not 0 <= start <= self.num_ws:
            raise ValueError(f"mix_from: wanted a row from 0 to {self.num_ws}, got {start}")
        if not 0 <= truncation_psi <= 1:
            raise ValueError(f"truncation_psi: wanted a number in [0, 1], got {truncation_psi}")
        if styles is None:
            styles = self.random_styles(style_seeds, truncation_psi=truncation_psi)
        colours = styles.tensor
        row = (self.num_ws, self.generator.config.w_dim)
        if tuple(colours.shape[1:]) != row or not len(colours):
            raise ValueError(
                f"styles: wanted latents [N, {row[0]}, {row[1]}] of this generator, got"
                f" {list(colours.shape)}"
            )
        codes = self.styled(self.encode(mask, anchor=anchor), styles, mix_from=start)
        return self.draw(mask, codes, noise=noise)

    def random_styles(self, seeds: Sequence[int], *, truncation_psi: float = 0.7) -> WPlus:
        """[N, L, w], latents drawn from seeds, whose colours are to be taken; see `synthesize`."""
        if not seeds:
            raise ValueError("style_seeds: wanted at least one seed, got none")
        return WPlus(self._sampled(seeds, truncation_psi))

    def styled(self, wplus: WPlus, styles: WPlus, *, mix_from: int | None = None) -> WPlus:
        """A layout with the colours of others: [N, L, w], one a style.

        Args:
            wplus: [1, L, w].
            styles: [N, L, w].
            mix_from: the first row of W+ that is the style's; by default `default_mix_from`.
        """
        start = self.default_mix_from if mix_from is None else mix_from
        ws = wplus.tensor.repeat(len(styles.tensor), 1, 1)
        ws[:, start:] = styles.tensor.to(self.device)[:, start:]
        return WPlus(ws)

    @torch.no_grad()
    def draw(self, mask: LabelMap, wplus: WPlus, *, noise: NoiseChoice = "const") -> Synthesis:
        """Portraits of known latents, compared with a mask.

        Args:
            mask: what they are to show.
            wplus: [N, L, w], as from `encode` or `refine`.
            noise: as the generator takes it.
        """
        images, labels = self._draw(wplus, noise)
        return Synthesis(images, wplus, *self.measure(mask, labels))

    @torch.no_grad()
    def sample(self, seed: int, *, truncation_psi: float = 0.7) -> Character:
        """A character of its own, with its mask: the dice.

        Args:
            seed: the same seed gives the same character.
            truncation_psi: how far it strays from the average, 0 to 1.
        """
        if not 0 <= truncation_psi <= 1:
            raise ValueError(f"truncation_psi: wanted a number in [0, 1], got {truncation_psi}")
        wplus = WPlus(self._sampled([seed], truncation_psi))
        image, labels = self._draw(wplus, "const")
        return Character(image, LabelMap(labels[0].cpu().numpy(), self.palette), wplus)

    @torch.no_grad()
    def label(self, wplus: WPlus) -> list[LabelMap]:
        """The masks that the labeller reads in the pictures of latents, at the pictures' size."""
        _, labels = self._draw(wplus, "const")
        return [LabelMap(each, self.palette) for each in labels.cpu().numpy()]

    def refine(
        self,
        mask: LabelMap,
        wplus: WPlus,  # [N, L, w], from `encode` or `synthesize`
        *,
        steps: int = 40,
        seconds: float | None = None,
        learning_rate: float = 0.05,
        near_weight: float = 0.02,
        mix_from: int | None = None,
    ) -> Iterator[RefineStep]:
        """Follows the mask more closely than the encoder's single glance does.

        Adam on the rows of W+ that decide the layout, with the labeller's soft reading compared
        with the mask; a pull towards the start keeps the picture one that the generator would draw.

        Args:
            mask: what is wanted.
            wplus: where to start.
            steps: how many, where no seconds are given.
            seconds: how long to compute instead, whatever the machine; time that passes between
                two steps does not count.
            learning_rate: in units of w's spread; falls to zero along a cosine.
            near_weight: strength of the pull, per squared unit of w's spread.
            mix_from: rows from here on stay as they are; by default `default_mix_from`.

        Returns:
            The steps; the last one's `wplus` is the result.

        Raises:
            ValueError: no steps, no time, a row out of range, or a mask of another palette.
        """
        rows = self.default_mix_from if mix_from is None else mix_from
        if steps < 1 or (seconds is not None and not seconds > 0):
            raise ValueError(
                f"steps and seconds: wanted a positive number, got {steps} and {seconds}"
            )
        if not 1 <= rows <= self.num_ws:
            raise ValueError(f"mix_from: wanted a row from 1 to {self.num_ws}, got {rows}")
        return refine_codes(
            self.generator,
            self.labeller,
            wplus.tensor.detach(),
            self._prepared(mask),
            scale=self.encoder.code_scale,
            rows=rows,
            steps=steps,
            seconds=seconds,
            learning_rate=learning_rate,
            near_weight=near_weight,
        )

    def measure(self, mask: LabelMap, labels: Tensor) -> tuple[list[float], list[dict[int, float]]]:
        """How well readings follow a mask.

        Args:
            mask: what was wanted.
            labels: uint8 [N, R, R], what the labeller read.

        Returns:
            `Synthesis.fidelity` and `Synthesis.by_class`.
        """
        wanted = self.labeller.comparable(self._prepared(mask))
        found = self.labeller.comparable(labels)
        targets = wanted.expand(len(labels), -1, -1)
        pairs = zip(overlaps(found, targets), unasked(found, targets), strict=True)
        by_class = [asked | other for asked, other in pairs]
        return [sum(each.values()) / len(each) if each else 1.0 for each in by_class], by_class

    def _code(self, mask: LabelMap | Sequence[LabelMap]) -> Tensor:
        code: Tensor = self.encoder(one_hot(self._prepared(mask), self.palette.num_classes))
        return code

    def _sampled(self, seeds: Sequence[int], truncation_psi: float) -> Tensor:
        z = sample_z(seeds, self.generator.config.z_dim).tensor.to(self.device)
        ws: Tensor = self.generator.mapping(z, truncation_psi=truncation_psi)
        return ws

    def _draw(self, wplus: WPlus, noise: NoiseChoice) -> tuple[Tensor, Tensor]:
        """Pictures and the labels that the labeller reads in them, uint8 [N, R, R]."""
        images, features = self.generator.synthesis(
            wplus.tensor, noise=noise, features=self.labeller.layers
        )
        return images, self.labeller.sketched(features, self.resolution)

    def _prepared(self, mask: LabelMap | Sequence[LabelMap]) -> Tensor:
        """uint8 [N, R, R]: resized; classes that the encoder never saw folded away, or left"
        " open."""
        masks = [mask] if isinstance(mask, LabelMap) else list(mask)
        if not masks:
            raise ValueError("mask: wanted at least one label map, got none")
        shown = np.array(self.labeller.classes)
        prepared = []
        for each in masks:
            if each.palette.names != self.palette.names:
                raise ValueError(
                    f"mask: wanted a label map of palette {self.palette.name!r}, got one of"
                    f" {each.palette.name!r} with other classes; smis_core.annotations.translated"
                    " finds them by their names"
                )
            indices = each.folded(self.network.config.folded).resized(self.resolution).indices
            prepared.append(np.where(np.isin(indices, shown), indices, np.uint8(UNPAINTED)))
        return self.labeller.prepared(torch.from_numpy(np.stack(prepared)).to(self.device))
