"""Changing a painted region only: features of one picture inside, of another outside.

Suzuki et al. 2018, "Spatially Controllable Image Synthesis with Internal Representation
Collaging", with soft masks, in every layer that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..latents import Noise, WPlus
from ..networks.generator_base import GeneratorBase, SynthesisBase
from ..networks.stylegan3 import StyleGAN3Synthesis


@dataclass(frozen=True, eq=False)
class Outside:
    """A picture that stays, and what its layers hold, so that it is drawn once for many changes."""

    image: Tensor
    """[1, 3, S, S] in about [-1, 1]; smaller than the generator's where it is for previews"""
    features: Mapping[str, Tensor]
    """[1, C, H, W] by layer"""

    @property
    def held_bytes(self) -> int:
        """Memory that it takes."""
        tensors = (self.image, *self.features.values())
        return sum(each.untyped_storage().nbytes() for each in tensors)


_Hook = Callable[[nn.Module, Any, Tensor], Tensor]


@torch.no_grad()
def outside_of(
    generator: GeneratorBase,
    kept: WPlus,  # [1, L, w]
    *,
    layers: Sequence[str] | None = None,
    kept_noise: Noise | None = None,
    preview: int | None = None,
) -> Outside:
    """What `blend_region` takes of the picture that stays; arguments and errors are the same."""
    places = _places(generator.synthesis, layers)
    side = _side(generator.synthesis, preview)
    _check_codes(generator, "kept", kept)
    features: dict[str, Tensor] = {}

    def keeping(place: str) -> _Hook:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            features[place] = output
            return output

        return hook

    device = generator.mapping.w_avg.device
    with _hooked(generator.synthesis, {place: keeping(place) for place in places}):
        image = _drawn(generator.synthesis, kept, kept_noise, device, side)
    return Outside(image, features)


@torch.no_grad()
def blend_region(
    generator: GeneratorBase,
    kept: WPlus,  # [1, L, w]
    changed: WPlus,  # [N, L, w]
    region: Tensor,  # [H, W] in [0, 1], of any size: 1 where the picture may change
    *,
    layers: Sequence[str] | None = None,
    softness: float = 0.03,
    kept_noise: Noise | None = None,
    changed_noise: Noise | None = None,
    picture: Tensor | None = None,  # [1, 3, R, R] in [-1, 1]
    outside: Outside | None = None,
    preview: int | None = None,
) -> Tensor:
    """Draw `changed` inside a region and `kept` outside of it.

    While the second picture is drawn, the features of the first replace its own outside of the
    region, so that what is inside grows into its surroundings; then everything outside of the
    region (and of its soft edge) is the first picture's, bit by bit.

    Args:
        generator: of any family.
        kept: the picture outside.
        changed: the pictures inside, one or more.
        region: a painted mask, as wide as high; whatever size, it is resized for each layer.
        layers: names of `generator.synthesis.layers` in which features are exchanged; None is
            all. Without the coarse ones the second picture's pose remains inside.
        softness: width of the edge inside the region, in sides of the picture.
        kept_noise, changed_noise: maps, as `scaled_noise` gives them; None takes those stored.
        picture: what stands outside instead of `kept` as the generator draws it, such as the
            photograph that was inverted.
        outside: what `outside_of` gave for `kept`, its noise, the layers and the preview or a
            larger one; it is not drawn again then.
        preview: what changes is drawn at this side and enlarged, which takes less time: one of
            `generator.synthesis.pictures`. A `picture` stays as sharp as it is.

    Returns:
        float32 `[N, 3, R, R]`.

    Raises:
        ValueError: latents or a region of another shape, values out of range, a layer or a side
            that there is not, or an outside that is smaller than the preview.
    """
    synthesis = generator.synthesis
    _check(generator, kept, changed, region, softness)
    places, side = _places(synthesis, layers), _side(synthesis, preview)
    if outside is not None and outside.image.shape[-1] < side:
        raise ValueError(f"outside: wanted {side}² or more, got one of {outside.image.shape[-1]}²")
    device = generator.mapping.w_avg.device
    mask = _softened(region.to(device, torch.float32), generator.config.resolution, softness)
    if picture is not None:
        _check_picture(picture, generator)
    if not bool(mask.any()):
        if picture is not None:
            still = picture
        elif outside is not None:
            still = outside.image
        else:
            still = _drawn(synthesis, kept, kept_noise, device, side)
        still = _enlarged(still.to(device), generator.config.resolution)
        return still.expand(len(changed), -1, -1, -1).clone()
    if outside is None:
        outside = outside_of(generator, kept, layers=layers, kept_noise=kept_noise, preview=preview)
    features = outside.features

    def blending(place: str) -> _Hook:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
            share = _fitted(mask, output, synthesis, place).to(output.dtype)
            return torch.lerp(features[place].expand_as(output), output, share)

        return hook

    with _hooked(synthesis, {place: blending(place) for place in places}):
        inside = _drawn(synthesis, changed, changed_noise, device, side)
    inside = _enlarged(inside, generator.config.resolution)
    still = outside.image if picture is None else picture.to(inside)
    still = _enlarged(still, generator.config.resolution)
    return torch.where(mask > 0, torch.lerp(still.expand_as(inside), inside, mask), still)


def _places(synthesis: SynthesisBase, layers: Sequence[str] | None) -> list[str]:
    """Where features are exchanged: in layers, and where these become colours."""
    names = [layer.name for layer in synthesis.layers]
    if layers is not None and (unknown := sorted(set(layers) - set(names))):
        raise ValueError(f"layers: wanted some of {', '.join(names)}, got {unknown}")
    return [*(names if layers is None else layers), *_to_picture(synthesis)]


def _to_picture(synthesis: SynthesisBase) -> list[str]:
    """Layers that turn features into colours: theirs are those of the picture outside, too."""
    known = {layer.name for layer in synthesis.layers}
    return [
        path.removesuffix(".affine")
        for path, _ in synthesis.named_modules()
        if path.endswith(".affine") and path != "input.affine"
        and path.removesuffix(".affine") not in known
    ]  # fmt: skip


@contextmanager
def _hooked(synthesis: SynthesisBase, hooks: dict[str, _Hook]) -> Iterator[None]:
    with ExitStack() as stack:
        for path, hook in hooks.items():
            handle = synthesis.get_submodule(path).register_forward_hook(hook)
            stack.callback(handle.remove)
        yield


def _side(synthesis: SynthesisBase, preview: int | None) -> int:
    if preview is not None and preview not in synthesis.pictures:
        known = ", ".join(map(str, synthesis.pictures))
        raise ValueError(f"preview: wanted one of {known}, or None, got {preview}")
    return synthesis.config.resolution if preview is None else preview


def _drawn(
    synthesis: SynthesisBase, wplus: WPlus, noise: Noise | None, device: torch.device, side: int
) -> Tensor:
    ws = wplus.tensor.to(device)
    maps: Any = "const" if noise is None else noise.maps
    if side == synthesis.config.resolution:
        image: Tensor = synthesis(ws, noise=maps)
        return image
    stage = synthesis.pictures[side]
    return synthesis.run([stage], ws, synthesis.noise_maps(maps, ws))[stage].float()


def _enlarged(image: Tensor, side: int) -> Tensor:
    if image.shape[-1] == side:
        return image
    return F.interpolate(image, size=(side, side), mode="bilinear")


def _softened(region: Tensor, side: int, softness: float) -> Tensor:
    """`[1, 1, side, side]`: 0 outside the region, rising inside along its edge."""
    area = F.interpolate(region[None, None], size=(side, side), mode="area")
    reach = round(softness * side)
    if reach == 0:
        return area
    # What is shrunk by the reach and then smeared by it ends where the region does.
    shrunk = -F.max_pool2d(F.pad(-area, (reach,) * 4, mode="replicate"), 2 * reach + 1, stride=1)
    blurred = F.pad(shrunk, (reach,) * 4, mode="replicate")
    soft = F.avg_pool2d(blurred, 2 * reach + 1, stride=1)
    # A stroke that is thinner than its edge would vanish: it stays hard.
    return torch.where(_grown(shrunk, 2 * reach) > 0, torch.minimum(soft, area), area)


def _grown(mask: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(mask, 2 * reach + 1, stride=1, padding=reach)


def _fitted(mask: Tensor, output: Tensor, synthesis: SynthesisBase, place: str) -> Tensor:
    """The mask over a layer's output: as large, with StyleGAN3's margin around it."""
    whole = output.shape[-1]
    rates = {layer.name: layer.resolution for layer in synthesis.layers}
    side = rates.get(place, whole) if isinstance(synthesis, StyleGAN3Synthesis) else whole
    fitted = F.interpolate(mask, size=(side, side), mode="area")
    if side >= whole:
        return F.interpolate(mask, size=(whole, whole), mode="area")
    before = (whole - side) // 2
    after = whole - side - before
    return F.pad(fitted, (before, after, before, after), mode="replicate")


def _check_picture(picture: Tensor, generator: GeneratorBase) -> None:
    side = generator.config.resolution
    if tuple(picture.shape) != (1, 3, side, side):
        raise ValueError(f"picture: wanted [1, 3, {side}, {side}], got {[*picture.shape]}")


def _check_codes(generator: GeneratorBase, what: str, codes: WPlus) -> None:
    shape = (generator.num_ws, generator.config.w_dim)
    if tuple(codes.tensor.shape[1:]) != shape:
        raise ValueError(f"{what}: wanted [N, {shape[0]}, {shape[1]}], got {[*codes.tensor.shape]}")


def _check(
    generator: GeneratorBase, kept: WPlus, changed: WPlus, region: Tensor, softness: float
) -> None:
    _check_codes(generator, "kept", kept)
    _check_codes(generator, "changed", changed)
    if len(kept) != 1 or not len(changed):
        raise ValueError(
            f"wanted one picture to keep and at least one to take from, got {len(kept)} and "
            f"{len(changed)}"
        )
    if region.ndim != 2 or region.shape[0] != region.shape[1] or region.numel() == 0:
        raise ValueError(f"region: wanted [H, H], got {[*region.shape]}")
    values = region.float()
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise ValueError("region: wanted values from 0 to 1, got others")
    if not 0 <= softness <= 0.5:
        raise ValueError(f"softness: wanted 0 to 0.5 of the side, got {softness}")
