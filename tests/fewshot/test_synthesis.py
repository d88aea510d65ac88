"""From masks to portraits with tiny networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from smis_core.fewshot import Anchor, FewshotConfig, FewshotNetwork, Synthesizer
from smis_core.labels import PORTRAITS, LabelMap, Palette
from smis_core.latents import WPlus
from smis_core.networks.encoders import MaskEncoderConfig


@pytest.fixture
def mask(world):
    indices = np.zeros((32, 32), dtype=np.uint8)
    indices[8:20, 8:28] = 3
    indices[20:, :] = 1
    return LabelMap(indices, world.palette)


def test_every_mask_has_a_latent(world, mask):
    wplus = world.synthesizer.encode([mask, LabelMap(np.ones((64, 64), np.uint8), world.palette)])
    assert wplus.tensor.shape == (2, world.generator.num_ws, 8)
    assert not torch.equal(wplus.tensor[0], wplus.tensor[1])
    assert torch.allclose(world.synthesizer.encode(mask).tensor[0], wplus.tensor[0], atol=1e-5)


def test_a_mask_of_another_size_means_the_same(world, mask):
    twice = LabelMap(np.kron(mask.indices, np.ones((2, 2), np.uint8)), world.palette)
    found = [world.synthesizer.encode(each).tensor for each in (mask, twice)]
    assert torch.allclose(*found, atol=1e-6)


def test_classes_that_the_encoder_never_saw_do_not_reach_it(world, mask):
    """'jewel' is folded into its surroundings."""
    jewelled = mask.indices.copy()
    jewelled[10:12, 10:12] = 5
    found = [
        world.synthesizer.encode(LabelMap(indices, world.palette)).tensor
        for indices in (mask.indices, jewelled)
    ]
    assert torch.equal(*found)


def test_styles_change_the_later_rows_alone(world, mask):
    drawn = world.synthesizer.synthesize(mask, style_seeds=(4, 9), mix_from=6)
    rows = drawn.wplus.tensor
    own = world.synthesizer.encode(mask).tensor
    assert drawn.images.shape == (2, 3, 32, 32)
    assert torch.allclose(rows[:, :6], own[:, :6].expand(2, -1, -1))
    assert not torch.equal(rows[0, 6:], rows[1, 6:])
    assert len(drawn.fidelity) == 2
    assert all(0 <= value <= 1 for value in drawn.fidelity)
    assert torch.allclose(drawn.images, world.generator.synthesis(rows))
    kept = world.synthesizer.synthesize(mask, mix_from=world.generator.num_ws)
    assert torch.allclose(kept.wplus.tensor, own)


def test_a_style_is_the_same_whatever_it_is_drawn_with(world, mask):
    together = world.synthesizer.synthesize(mask, style_seeds=(4, 9)).wplus.tensor
    alone = world.synthesizer.synthesize(mask, style_seeds=(9,)).wplus.tensor
    assert torch.allclose(together[1:], alone, atol=1e-6)


def test_an_anchor_without_edits_is_the_character_itself(world):
    character = world.synthesizer.sample(7)
    for opened in (character.labels, character.labels.resized(64)):
        anchor = Anchor(opened, character.wplus)
        drawn = world.synthesizer.synthesize(opened, anchor=anchor, style_seeds=(7,))
        assert torch.equal(drawn.wplus.tensor, character.wplus.tensor)
        assert torch.equal(drawn.images, character.image)
    own = world.synthesizer.encode(character.labels).tensor
    assert not torch.allclose(own, character.wplus.tensor, atol=1e-3)


def test_an_edit_moves_the_anchor_by_what_the_encoder_sees_in_it(world, mask):
    character = world.synthesizer.sample(7)
    anchor = Anchor(character.labels, character.wplus)
    drawn = world.synthesizer.synthesize(mask, anchor=anchor, style_seeds=(4, 9), mix_from=6)
    before, after = (world.synthesizer.encode(each).tensor for each in (anchor.mask, mask))
    wanted = (character.wplus.tensor + after - before)[:, :6]
    assert not torch.allclose(wanted, character.wplus.tensor[:, :6], atol=1e-3)
    assert torch.allclose(drawn.wplus.tensor[:, :6], wanted.expand(2, -1, -1), atol=1e-6)
    plain = world.synthesizer.synthesize(mask, style_seeds=(4, 9), mix_from=6)
    assert torch.equal(drawn.wplus.tensor[:, 6:], plain.wplus.tensor[:, 6:])


def test_an_anchor_that_does_not_fit_is_refused(world, mask):
    code = world.synthesizer.sample(7).wplus.tensor
    for wrong in (code.expand(2, -1, -1), code[:, 1:], code[:, :, 1:]):
        with pytest.raises(ValueError, match=r"anchor.*wanted one latent \[1, "):
            world.synthesizer.synthesize(mask, anchor=Anchor(mask, WPlus(wrong)))
    other = LabelMap(np.zeros((32, 32), np.uint8), PORTRAITS)
    with pytest.raises(ValueError, match="portraits"):
        world.synthesizer.synthesize(mask, anchor=Anchor(other, WPlus(code)))


def test_truncation_brings_styles_to_the_average(world, mask):
    drawn = world.synthesizer.synthesize(mask, style_seeds=(4, 9), truncation_psi=0)
    fine = drawn.wplus.tensor[:, world.synthesizer.default_mix_from :]
    assert torch.allclose(fine, world.generator.mapping.w_avg.expand_as(fine), atol=1e-6)


def test_the_dice_brings_a_character_with_its_mask(world):
    character = world.synthesizer.sample(7)
    again = world.synthesizer.sample(7)
    assert torch.equal(character.image, again.image)
    assert character.labels == again.labels
    assert character.labels.indices.shape == (32, 32)
    assert character.labels == world.synthesizer.label(character.wplus)[0]
    assert not torch.equal(character.image, world.synthesizer.sample(8).image)


def test_fidelity_is_full_for_the_labellers_own_mask(world):
    character = world.synthesizer.sample(7)
    images, labels = world.synthesizer._draw(character.wplus, "const")
    assert torch.equal(images, character.image)
    assert torch.equal(labels[0], torch.from_numpy(character.labels.indices.copy()))


def test_refining_follows_the_mask_more_closely(world):
    target = world.synthesizer.sample(7, truncation_psi=1).labels
    start = WPlus(world.generator.mapping.w_avg.expand(2, world.generator.num_ws, -1).clone())
    with torch.no_grad():  # as a worker might
        steps = list(
            world.synthesizer.refine(target, start, steps=25, learning_rate=0.2, near_weight=0.0)
        )
    assert steps[-1].losses["mask"] < 0.8 * steps[0].losses["mask"]
    rows = world.synthesizer.default_mix_from
    moved = steps[-1].wplus.tensor
    assert torch.equal(moved[:, rows:], start.tensor[:, rows:])
    assert not torch.equal(moved[:, :rows], start.tensor[:, :rows])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style_seeds": ()}, "style_seeds"),
        ({"mix_from": 99}, "mix_from"),
        ({"truncation_psi": 1.5}, "truncation_psi"),
    ],
)
def test_impossible_requests_are_refused(world, mask, options, message):
    with pytest.raises(ValueError, match=message):
        world.synthesizer.synthesize(mask, **options)
    with pytest.raises(ValueError, match="truncation_psi"):
        world.synthesizer.sample(0, truncation_psi=-1)
    with pytest.raises(ValueError, match="at least one label map"):
        world.synthesizer.encode([])


def test_a_mask_of_another_palette_is_refused(world):
    with pytest.raises(ValueError, match="portraits"):
        world.synthesizer.encode(LabelMap(np.zeros((32, 32), np.uint8), PORTRAITS))
    same = [replace(each, name=f"other {each.name}") for each in world.palette.classes]
    with pytest.raises(ValueError, match="'theirs' with other classes"):
        world.synthesizer.encode(
            LabelMap(np.zeros((32, 32), np.uint8), Palette("theirs", tuple(same)))
        )
    look = [replace(each, key="", colour=(each.index, 1, 2)) for each in world.palette.classes]
    world.synthesizer.encode(LabelMap(np.zeros((32, 32), np.uint8), Palette("look", tuple(look))))


def test_an_encoder_of_another_generator_is_refused(world):
    config = FewshotConfig(
        MaskEncoderConfig(6, 64, world.generator.num_ws, 8),
        world.labeller.config,
        world.palette,
    )
    with pytest.raises(ValueError, match="smis fewshot train"):
        Synthesizer(world.generator, FewshotNetwork(config))


def test_colours_come_from_another_picture(world):
    synthesizer = world.synthesizer
    mask = synthesizer.sample(3).labels
    other = synthesizer.sample(8).wplus
    start = synthesizer.default_mix_from
    drawn = synthesizer.synthesize(mask, styles=other)
    assert torch.equal(drawn.wplus.tensor[:, start:], other.tensor[:, start:])
    assert torch.equal(drawn.wplus.tensor[:, :start], synthesizer.encode(mask).tensor[:, :start])
    with pytest.raises(ValueError, match="styles"):
        synthesizer.synthesize(mask, styles=WPlus(other.tensor[:, 1:]))


def test_fidelity_is_told_by_class(world):
    mask = world.synthesizer.sample(3).labels
    drawn = world.synthesizer.synthesize(mask, style_seeds=(1, 2))
    for fidelity, by_class in zip(drawn.fidelity, drawn.by_class, strict=True):
        assert set(by_class) == set(mask.present())
        assert fidelity == pytest.approx(sum(by_class.values()) / len(by_class))


def test_refining_ends_when_its_seconds_are_spent(world):
    synthesizer = world.synthesizer
    mask = synthesizer.sample(3).labels
    start = synthesizer.encode(mask)
    steps = list(synthesizer.refine(mask, start, seconds=0.3))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert done[0] < 1.0, "more than one step in a third of a second"
    assert steps[-1].total < steps[0].total
    with pytest.raises(ValueError, match="seconds"):
        synthesizer.refine(mask, start, seconds=0)
    with pytest.raises(ValueError, match="mix_from"):
        synthesizer.refine(mask, start, mix_from=0)
