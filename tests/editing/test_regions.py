"""Only a painted region changes."""

import pytest
import torch

from smis_core.editing import Seeded, blend_region, latent_of, outside_of
from smis_core.latents import Noise, WPlus

from .conftest import a_class


@pytest.fixture
def pair(anyone):
    label = a_class(anyone)
    return tuple(latent_of(anyone, Seeded(seed, 0.0, label)) for seed in (1, 2))


@pytest.fixture
def pair_of_seeds(generator):
    return tuple(latent_of(generator, Seeded(seed)) for seed in (1, 2))


def square(side=64):
    region = torch.zeros(side, side)
    region[side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 1
    return region


def test_outside_nothing_changes_and_inside_the_other_shows(anyone, pair):
    kept, changed = (anyone.synthesis(code.tensor) for code in pair)
    drawn = blend_region(anyone, *pair, square(), softness=0)
    outside = square(32) == 0
    assert torch.equal(drawn[..., outside], kept[..., outside])
    inside = drawn[..., 12:20, 12:20]
    apart = [(inside - each[..., 12:20, 12:20]).abs().mean() for each in (kept, changed)]
    assert apart[1] < apart[0]
    assert all(not module._forward_hooks for module in anyone.synthesis.modules())


def test_everywhere_is_the_other_and_nowhere_the_first(anyone, pair):
    kept, changed = (anyone.synthesis(code.tensor) for code in pair)
    every = blend_region(anyone, *pair, torch.ones(32, 32), softness=0)
    assert torch.allclose(every, changed, atol=1e-5)
    assert torch.equal(blend_region(anyone, *pair, torch.zeros(8, 8)), kept)


def test_the_edge_is_soft_and_stays_inside(anyone, pair):
    hard = blend_region(anyone, *pair, square(), softness=0)
    soft = blend_region(anyone, *pair, square(), softness=0.1)
    kept = anyone.synthesis(pair[0].tensor)
    outside = square(32) == 0
    assert torch.equal(soft[..., outside], kept[..., outside])
    row = (slice(None), slice(None), slice(12, 20), 8)  # the first column inside
    assert (soft - kept)[row].abs().mean() < 0.5 * (hard - kept)[row].abs().mean()


def test_a_thin_stroke_still_changes_something(anyone, pair):
    region = torch.zeros(32, 32)
    region[16, 8:24] = 1
    drawn = blend_region(anyone, *pair, region, softness=0.1)
    kept = anyone.synthesis(pair[0].tensor)
    assert not torch.equal(drawn[..., 16, 8:24], kept[..., 16, 8:24])
    assert torch.equal(drawn[..., :14, :], kept[..., :14, :])


def test_layers_are_chosen_and_many_are_drawn_at_once(anyone, pair):
    layers = [layer.name for layer in anyone.synthesis.layers if layer.group != "coarse"]
    many = WPlus(pair[1].tensor.repeat(3, 1, 1))
    drawn = blend_region(anyone, pair[0], many, square(), layers=layers)
    assert torch.allclose(drawn[0], drawn[2], atol=1e-5)
    every = blend_region(anyone, *pair, square())
    assert not torch.allclose(drawn[:1], every, atol=1e-4)


def test_what_stays_is_drawn_once_for_many_changes(anyone, pair):
    wanted = blend_region(anyone, *pair, square())
    nowhere = blend_region(anyone, *pair, torch.zeros(8, 8))
    held = outside_of(anyone, pair[0])
    assert held.held_bytes > held.image.nbytes
    drawn = []
    anyone.synthesis.register_forward_pre_hook(lambda *_: drawn.append(1))
    assert torch.equal(blend_region(anyone, *pair, square(), outside=held), wanted)
    assert torch.equal(blend_region(anyone, *pair, torch.zeros(8, 8), outside=held), nowhere)
    assert len(drawn) == 1


def test_a_preview_is_coarse_inside_and_sharp_outside(generator, pair_of_seeds):
    kept, changed = pair_of_seeds
    sharp = generator.synthesis(kept.tensor)
    drawn = blend_region(generator, kept, changed, square(), softness=0, picture=sharp, preview=16)
    outside = square(32) == 0
    assert torch.equal(drawn[..., outside], sharp[..., outside])
    whole = blend_region(generator, kept, changed, square(), softness=0)
    middle = (..., slice(12, 20), slice(12, 20))
    assert (drawn - whole)[middle].abs().mean() < (sharp - whole)[middle].abs().mean()
    again = blend_region(
        generator, kept, changed, square(), softness=0, picture=sharp, preview=16,
        outside=outside_of(generator, kept, preview=16),
    )  # fmt: skip
    assert torch.equal(again, drawn)
    assert blend_region(generator, kept, changed, square(), preview=8).shape == drawn.shape
    for preview, held, reason in (
        (12, None, "4, 8, 16, 32"), (None, 16, "wanted 32² or more"),
    ):  # fmt: skip
        outside = None if held is None else outside_of(generator, kept, preview=held)
        with pytest.raises(ValueError, match=reason):
            blend_region(generator, kept, changed, square(), preview=preview, outside=outside)


def test_noise_is_that_of_each_picture(generator):
    code = latent_of(generator, Seeded(1))
    maps = tuple(torch.zeros(1, 1, layer.resolution, layer.resolution)
                 for layer in generator.synthesis.layers)  # fmt: skip
    drawn = blend_region(generator, code, code, square(), softness=0, changed_noise=Noise(maps))
    plain = generator.synthesis(code.tensor)
    outside = square(32) == 0
    assert torch.equal(drawn[..., outside], plain[..., outside])
    assert not torch.allclose(drawn, plain, atol=1e-4)


def test_unfit_regions_are_refused(generator):
    code = latent_of(generator, Seeded(1))
    for region in (torch.ones(3, 4), torch.ones(1, 4, 4), torch.full((4, 4), 2.0),
                   torch.full((4, 4), torch.nan)):  # fmt: skip
        with pytest.raises(ValueError, match="region: wanted"):
            blend_region(generator, code, code, region)
    with pytest.raises(ValueError, match=r"layers: wanted some of b4\.conv1"):
        blend_region(generator, code, code, square(), layers=["b64.conv0"])
    with pytest.raises(ValueError, match="one picture to keep"):
        blend_region(generator, WPlus(code.tensor.repeat(2, 1, 1)), code, square())
    with pytest.raises(ValueError, match="softness"):
        blend_region(generator, code, code, square(), softness=3)


def test_a_photograph_stays_outside_as_it_is(generator):
    kept, changed = (latent_of(generator, Seeded(seed)) for seed in (1, 2))
    side = generator.config.resolution
    photo = torch.rand(1, 3, side, side) * 2 - 1
    region = torch.zeros(16, 16)
    region[4:10, 4:10] = 1
    image = blend_region(generator, kept, changed, region, picture=photo)
    outside = torch.nn.functional.interpolate(region[None, None], size=side) == 0
    assert torch.equal(image[outside.expand_as(image)], photo[outside.expand_as(photo)])
    assert not torch.equal(image, photo)
    nothing = blend_region(generator, kept, changed, torch.zeros(16, 16), picture=photo)
    assert torch.equal(nothing, photo)
    with pytest.raises(ValueError, match="picture"):
        blend_region(generator, kept, changed, region, picture=photo[..., 1:])
