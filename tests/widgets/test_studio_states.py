"""What the search and the sliders hand to the studio."""

import pytest
import torch
import traitlets
from widgets.walls import say

from smis_core.editing import Edit, EditState, Seeded, identify, resolve
from smis_core.fewshot import FewshotConfig, FewshotNetwork, Synthesizer
from smis_core.labelling import LabellerConfig
from smis_core.labels import PORTRAITS
from smis_core.networks import Generator, GeneratorConfig
from smis_core.networks.encoders import MaskEncoderConfig
from smis_widgets import LatentSliders, SeedWall, SketchStudio

SIZE = 16


def tiny_generator(seed=0):
    torch.manual_seed(seed)
    config = GeneratorConfig(
        resolution=SIZE, channel_base=64, channel_max=8, z_dim=6, w_dim=8, mapping_layers=2
    )
    return Generator(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def synthesizer():
    """Untrained: what it reads and draws is nothing, but something else for every latent."""
    generator = tiny_generator()
    layer = generator.synthesis.layers[2]
    reads = LabellerConfig(
        "probe", PORTRAITS.num_classes, (0, 1, 13), (layer.name,), (layer.channels,)
    )
    shape = MaskEncoderConfig(PORTRAITS.num_classes, SIZE, generator.num_ws, 8)
    network = FewshotNetwork(FewshotConfig(shape, reads, PORTRAITS, ()))
    for parameter in (*network.labeller.parameters(), network.encoder.base.weight):
        torch.nn.init.normal_(parameter, std=0.3)
    return Synthesizer(generator, network.eval().requires_grad_(False))


@pytest.fixture
def studio(synthesizer, tmp_path):
    studio = SketchStudio(synthesizer, resolution=SIZE, folder=tmp_path)
    yield studio
    studio.close()


def latent(studio):
    """That of the studio's portrait."""
    assert studio.wait()
    assert studio.message.value == ""
    return studio.portrait.wplus.tensor


def edited(generator, seed=3):
    edit = Edit.neutral(generator.num_ws).changed([0, 1], psi=0.3)
    return EditState(generator=identify(generator), a=Seeded(seed), edit=edit)


def test_a_state_is_opened_with_its_mask_and_its_colours(studio, synthesizer):
    before = studio.pad.value
    state = edited(synthesizer.generator)
    wanted = resolve(synthesizer.generator, state).wplus
    studio.load(state)
    assert torch.allclose(latent(studio), wanted.tensor, atol=1e-5)
    assert studio.pad.value == synthesizer.label(wanted)[0].resized(SIZE)
    studio.pad.undo()
    assert studio.pad.value == before


def test_another_character_lets_go_of_what_is_open(studio, synthesizer):
    studio.load(edited(synthesizer.generator))
    assert studio.reference is not None
    studio.seed = 21
    assert studio.wait()
    assert (studio.opened, studio.reference) == (None, None)
    own = synthesizer.sample(21)
    assert studio.pad.value == own.labels.resized(SIZE)


def test_what_is_opened_on_the_wall_opens_in_the_studio(studio, synthesizer):
    wall = SeedWall(synthesizer.generator)
    traitlets.dlink((wall, "opened"), (studio, "opened"))
    say(wall.wall, open=5)
    assert wall.opened is wall.chosen
    assert studio.opened.a == Seeded(5)
    wanted = resolve(synthesizer.generator, wall.chosen).wplus
    assert torch.allclose(latent(studio), wanted.tensor, atol=1e-5)
    wall.close()


def test_another_generators_state_is_refused_with_the_reason(studio):
    theirs = edited(tiny_generator(seed=1))
    before = studio.pad.value
    with pytest.raises(ValueError, match="open the generator"):
        studio.load(theirs)
    with pytest.raises(traitlets.TraitError, match="open the generator"):
        studio.opened = theirs
    assert "open the generator" in studio.message.value
    assert (studio.opened, studio.pad.value) == (None, before)


def test_the_studio_takes_the_colours_of_what_the_sliders_show(studio, synthesizer):
    sliders = LatentSliders(synthesizer.generator, state=5)
    assert sliders.wait()
    traitlets.dlink((sliders, "value"), (studio, "reference"), lambda value: value and value.wplus)
    assert torch.equal(studio.reference.tensor, sliders.value.wplus.tensor)
    sliders.state = edited(synthesizer.generator)
    assert sliders.wait()
    assert torch.equal(studio.reference.tensor, sliders.value.wplus.tensor)
    fine = studio.mix_from
    assert torch.allclose(latent(studio)[:, fine:], studio.reference.tensor[:, fine:], atol=1e-5)
    sliders.close()
