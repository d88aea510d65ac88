"""From a mask to portraits: what a person's pad calls after every stroke."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..devices import has_fast_bfloat16
from ..labelling import first_fine_row, shallow_synthesis
from ..labels import UNPAINTED, LabelMap, Palette
from ..latents import WPlus, sample_z
from ..networks.generator_base import GeneratorBase
from ..networks.stylegan2 import NoiseChoice
from .losses import agreement, balance, mask_consistency, one_hot, shrunk_targets
from .network import FewshotNetwork


@dataclass(frozen=True, eq=False)
class Synthesis:
    """Portraits of one mask."""

    images: Tensor
    """[N, 3, R, R] in about [-1, 1], one a style"""
    wplus: WPlus
    """[N, L, w], what the images were drawn from"""
    fidelity: list[float]
    """how well each follows the mask, in [0, 1]: mean intersection over union with the labeller's
    reading, over the classes that the mask paints"""


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


@dataclass(frozen=True, eq=False)
class RefineStep:
    """One step of `Synthesizer.refine`."""

    index: int
    """from 0"""
    total: float
    """mask consistency plus the pull towards the encoder's code"""
    losses: dict[str, float]
    """the terms by name: "mask", "near" """
    wplus: WPlus
    """the latents so far"""


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
            mix_from: the first row of W+ that takes the style, 0 to `num_ws`; `num_ws` keeps the
                encoder's own colours, or the anchor's. By default `default_mix_from`.
            truncation_psi: how far styles stray from the average, 0 to 1.
            noise: as the generator takes it.

        Raises:
            ValueError: no style, `mix_from` or `truncation_psi` out of range, another palette, or
                an anchor of another generator.
        """
        start = self.default_mix_from if mix_from is None else mix_from
        if not style_seeds:
            raise ValueError("style_seeds: wanted at least one seed, got none")
        if not 0 <= start <= self.num_ws:
            raise ValueError(f"mix_from: wanted a row from 0 to {self.num_ws}, got {start}")
        if not 0 <= truncation_psi <= 1:
            raise ValueError(f"truncation_psi: wanted a number in [0, 1], got {truncation_psi}")
        styles = self._sampled(style_seeds, truncation_psi)
        ws = self.encode(mask, anchor=anchor).tensor.repeat(len(style_seeds), 1, 1)
        ws[:, start:] = styles[:, start:]
        wplus = WPlus(ws)
        images, labels = self._draw(wplus, noise)
        wanted = self._prepared(mask).expand(len(style_seeds), -1, -1)
        return Synthesis(images, wplus, agreement(labels, wanted))

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
        learning_rate: float = 0.02,
        near_weight: float = 0.02,
        mix_from: int | None = None,
    ) -> Iterator[RefineStep]:
        """Follows the mask more closely than the encoder's single glance does.

        Adam on the rows of W+ that decide the layout, with the labeller's soft reading compared
        with the mask; a pull towards the start keeps the picture one that the generator would draw.

        Args:
            mask: what is wanted.
            wplus: where to start.
            steps: how many.
            learning_rate: in units of w's spread; falls to zero along a cosine.
            near_weight: strength of the pull, per squared unit of w's spread.
            mix_from: rows from here on stay as they are; by default `default_mix_from`.

        Yields:
            A step; the last one's `wplus` is the result.
        """
        rows = self.default_mix_from if mix_from is None else mix_from
        labels = self._prepared(mask)
        classes = self.palette.num_classes
        finest = max(
            layer.resolution
            for layer in self.generator.synthesis.layers
            if layer.name in self.labeller.layers
        )
        synthesis = shallow_synthesis(self.generator, finest)
        targets = shrunk_targets(labels, classes, finest).expand(len(wplus.tensor), -1, -1, -1)
        weights = balance(labels, classes)
        scale = self.encoder.code_scale
        start = wplus.tensor.detach()
        fast = has_fast_bfloat16(self.device)
        offset = torch.zeros_like(start[:, :rows]).requires_grad_(True)
        optimizer = torch.optim.Adam([offset], lr=learning_rate, betas=(0.9, 0.95))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for index in range(steps):
            # A worker thread shares the process's gradient mode with nobody: it is set here, not by
            # who drains us.
            with torch.enable_grad():
                ws = torch.cat([start[:, :rows] + offset * scale, start[:, rows:]], dim=1)
                with torch.autocast(self.device.type, torch.bfloat16, enabled=fast):
                    _, features = synthesis(
                        ws[:, : synthesis.num_ws], features=self.labeller.layers
                    )
                    logits = self.labeller.logits(features, finest)
                consistency = mask_consistency(logits, targets, weights)
                near = offset.square().sum(dim=2).mean()
                total = consistency + near_weight * near
                (offset.grad,) = torch.autograd.grad(total, offset)
            optimizer.step()
            schedule.step()
            moved = torch.cat([start[:, :rows] + offset.detach() * scale, start[:, rows:]], dim=1)
            yield RefineStep(
                index,
                float(total.detach()),
                {"mask": float(consistency.detach()), "near": float(near.detach())},
                WPlus(moved),
            )

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
        return images, self.labeller.labels(features, self.resolution)

    def _prepared(self, mask: LabelMap | Sequence[LabelMap]) -> Tensor:
        """uint8 [N, R, R]: resized; classes that the encoder never saw folded away, or left"
        " open."""
        masks = [mask] if isinstance(mask, LabelMap) else list(mask)
        if not masks:
            raise ValueError("mask: wanted at least one label map, got none")
        shown = np.array(self.labeller.classes)
        prepared = []
        for each in masks:
            if each.palette.indices != self.palette.indices:
                raise ValueError(
                    f"mask: wanted a label map of palette {self.palette.name!r}, got"
                    f" {each.palette.name!r}"
                )
            indices = each.folded(self.network.config.folded).resized(self.resolution).indices
            prepared.append(np.where(np.isin(indices, shown), indices, np.uint8(UNPAINTED)))
        return torch.from_numpy(np.stack(prepared)).to(self.device)
