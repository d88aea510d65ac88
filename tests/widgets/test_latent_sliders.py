"""The sliders, as pages and programs use them."""

import io
import threading

import numpy as np
import pytest
import torch
import traitlets
from editing.conftest import FAMILIES, stylegan2, stylegan3
from PIL import Image
from widgets.slider_page import SliderPage, shows, tiny
from widgets.upload import whole

from smis_core.editing import (
    Edit,
    EditState,
    Found,
    Seeded,
    identify,
    save_directions,
    sefa,
)
from smis_core.jobs import turns_of
from smis_core.latents import WPlus
from smis_widgets import LatentSliders
from smis_widgets.slider_states import LINKED_REST_SECONDS


@pytest.fixture
def opened(tmp_path):
    """Sliders of a tiny generator, and its page."""
    sliders, page = tiny(tmp_path)
    yield sliders, page
    sliders.close()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_turned_row_by_row(family, tmp_path):
    generator = FAMILIES[family]()
    label = 0 if generator.config.c_dim else None
    directions = sefa(generator, count=2, label=label)
    sliders = LatentSliders(generator, directions=directions, folder=tmp_path)
    page = SliderPage(sliders)
    rows = sliders.panel.layout_of["rows"]
    assert [row["index"] for row in rows] == list(range(generator.num_ws))
    grouped = [row for group in sliders.panel.layout_of["groups"] for row in group["rows"]]
    assert sorted(grouped) == list(range(generator.num_ws))
    assert shows(sliders)
    before = sliders.picture
    page.turn("strength:sefa 1", 2.0, 0)
    page.turn("blend", 0.5, 1)
    page.turn("psi", 0.5, 2)
    assert page.told == ""
    assert shows(sliders)
    assert not torch.equal(sliders.picture, before)
    edit = sliders.state.edit
    assert edit.rows[0].strengths == {"sefa 1": 2.0}
    assert (edit.rows[1].blend, edit.rows[2].psi) == (0.5, 0.5)
    sliders.close()


def test_noise_is_turned_where_there_is_noise(opened):
    sliders, page = opened
    noisy = [row["index"] for row in sliders.panel.layout_of["rows"] if row["noise"]]
    assert noisy == list(range(sliders.generator.num_ws - 1))
    before = sliders.picture
    page.turn("noise", 3.0, noisy[-1])
    assert shows(sliders)
    assert not torch.equal(sliders.picture, before)


def test_stylegan3_is_moved_and_others_are_not(opened, tmp_path):
    sliders, page = opened
    page.ask("place", name="x", value=0.25)
    assert sliders.wait()
    assert "only StyleGAN3" in page.told
    third = LatentSliders(stylegan3(), folder=tmp_path)
    assert third.wait()
    before = third.picture
    assert third.panel.layout_of["places"]
    SliderPage(third).ask("place", name="turn", value=0.25)
    assert shows(third)
    assert not torch.equal(third.picture, before)
    third.close()


def test_classes_are_chosen(tmp_path):
    sliders = LatentSliders(stylegan2(c_dim=3), folder=tmp_path)
    page = SliderPage(sliders)
    assert sliders.panel.layout_of["classes"] == 3
    page.ask("class", place="a", value=2)
    assert sliders.state.a.label == 2
    page.ask("seed", place="a", text="5")
    assert sliders.state.a == Seeded(5, label=2)
    page.ask("class", place="a", value=3)
    assert "from 0 to 2" in page.told
    assert shows(sliders)
    sliders.close()


def test_seeds_are_typed_thrown_and_walked(opened):
    sliders, page = opened
    page.ask("seed", place="a", text="42.25")
    assert sliders.state.a == Seeded(42, 0.25)
    page.ask("walk", place="a", value=1.0, more=True)
    assert sliders.state.a.seed == 42
    page.ask("walk", place="a", value=1.0)
    assert sliders.state.a == Seeded(43)
    page.ask("step", place="b", by=-1)
    assert sliders.state.b == Seeded(4)
    page.ask("dice", place="b")
    thrown = sliders.state.b
    page.ask("swap")
    assert (sliders.state.a, sliders.state.b) == (thrown, Seeded(43))
    assert sliders.panel.settings["b"]["text"] == "43"


def test_a_lock_keeps_a_row_from_its_group_and_from_resets(opened):
    sliders, page = opened
    page.turn("psi", 0.5, 1)
    page.ask("lock", rows=[1], on=True)
    page.turn("psi", 0.2, 0, 1, 2)
    page.ask("reset", rows=[0, 1])
    assert [row.psi for row in sliders.state.edit.rows[:3]] == [1.0, 0.5, 0.2]
    page.turn("psi", 0.3, 3)
    page.ask("only", rows=[2])
    assert [row.psi for row in sliders.state.edit.rows[:4]] == [1.0, 0.5, 0.2, 1.0]
    page.ask("lock", rows=[1], on=False)
    page.ask("reset", rows=[1])
    assert sliders.state.edit.rows[1].neutral


@pytest.mark.parametrize(
    ("act", "content", "reason"),
    [
        ("set", {"rows": [0], "column": "strength:sefa 1", "value": "nan"}, "got nan"),
        ("set", {"rows": [0], "column": "strength:sefa 1", "value": "inf"}, "got inf"),
        ("set", {"rows": [0], "column": "strength:sefa 1", "value": "1e9"}, "-100 to 100"),
        ("set", {"rows": [0], "column": "psi", "value": "soft"}, "wanted a number"),
        ("set", {"rows": [0], "column": "strength:beauty", "value": 1}, "no direction"),
        ("set", {"rows": [99], "column": "psi", "value": 1}, "rows: wanted"),
        ("set", {"rows": [0], "column": "gain", "value": 1}, "column: wanted"),
        ("seed", {"place": "a", "text": str(2**63)}, "2^63"),
        ("seed", {"place": "a", "text": "-1"}, "seed: wanted"),
        ("seed", {"place": "c", "text": "1"}, "place: wanted"),
        ("open", whole("holiday.png", b"no picture"), "no PNG"),
        ("fly", {}, "act: wanted"),
    ],
)
def test_what_is_refused_is_said_and_harmless(opened, act, content, reason):
    sliders, page = opened
    state, length = sliders.state, len(sliders.history)
    page.ask(act, b"no picture", **content)
    assert reason in page.told
    assert (sliders.state, len(sliders.history)) == (state, length)
    assert sliders.panel.heard == {"page": 1}
    page.turn("psi", 0.5, 0)
    assert page.told == ""
    assert shows(sliders)


def test_every_message_is_answered_and_old_pages_are_forgotten(opened):
    sliders, page = opened
    for view in range(12):
        SliderPage(sliders, f"page {view}").ask("dice", place="a")
    page.ask("dice", place="a")
    assert sliders.panel.heard["page"] == 1
    assert len(sliders.panel.heard) == 8


def test_a_drag_is_one_moment_and_undo_takes_it_back(opened):
    sliders, page = opened
    for step in range(10):
        page.turn("strength:sefa 1", step / 10, 0, 1, more=True)
    assert len(sliders.history) == 1
    page.turn("strength:sefa 1", 0.9, 0, 1)
    assert len(sliders.history) == 2
    page.turn("strength:sefa 1", 0.9, 0, 1)
    assert len(sliders.history) == 2
    page.ask("undo")
    assert sliders.state.edit.is_neutral
    page.turn("psi", 0.0, 0)
    assert sliders.history.children(0) == (1, 2)
    branched = [film["branch"] for film in sliders.films.films]
    assert branched == [False, False, True]
    page.film("go", number=1)
    assert sliders.state.edit.rows[0].strengths == {"sefa 1": 0.9}
    assert [film["on_path"] for film in sliders.films.films] == [True, True, False]
    assert shows(sliders)
    assert sliders.films.pictured == {0, 1, 2}


def test_moments_that_were_overtaken_get_their_pictures_too(opened):
    sliders, page = opened
    for seed in range(8):
        page.ask("seed", place="a", text=str(seed))
    assert sliders.wait()
    assert sliders.films.pictured == set(range(9))


def test_a_moment_is_compared_by_the_wipe(opened):
    sliders, page = opened
    first = sliders.picture
    page.ask("seed", place="a", text="9")
    page.film("compare", number=0)
    assert sliders.wait()
    other = Image.open(io.BytesIO(sliders.view.other))
    wanted = ((first[0].permute(1, 2, 0) + 1) * 127.5).round().to(torch.uint8).numpy()
    assert np.abs(np.array(other).astype(int) - wanted).max() <= 1
    assert sliders.films.compared == 0
    page.film("compare", number=0)
    assert (sliders.view.other, sliders.films.compared) == (b"", -1)


def test_a_state_from_outside_is_shown_at_once_and_links_both_ways(opened):
    sliders, page = opened
    other = LatentSliders(sliders.generator, directions=sliders.directions)
    link = traitlets.link((sliders, "state"), (other, "state"))
    for step in range(5):
        page.turn("strength:sefa 1", step / 5, 0, more=True)
    page.turn("strength:sefa 1", 0.8, 0)
    assert other.state is sliders.state
    assert len(other.history) == 2
    other.state = EditState(
        generator=identify(sliders.generator), a=Seeded(77),
        edit=Edit.neutral(sliders.generator.num_ws),
    )  # fmt: skip
    assert sliders.state.a == Seeded(77)
    assert shows(sliders)
    assert shows(other)
    assert LINKED_REST_SECONDS > 0
    page.turn("blend", 1.0, 0)
    assert sliders.state.b is not None
    link.unlink()
    other.close()


def test_a_latent_is_opened_and_one_of_another_length_is_not(opened):
    sliders, page = opened
    wplus = WPlus(sliders.value.wplus.tensor + 0.1)
    sliders.load(wplus)
    assert isinstance(sliders.state.a, Found)
    assert shows(sliders)
    assert torch.equal(sliders.value.wplus.tensor, wplus.tensor)
    rows, width = sliders.generator.num_ws, sliders.generator.config.w_dim
    state = sliders.state
    for tensor in (torch.zeros(1, rows + 1, width), torch.full((1, rows, width), torch.nan)):
        with pytest.raises(ValueError, match=r"wanted a latent|finite"):
            sliders.load(WPlus(tensor))
    assert sliders.state is state
    page.ask("dice", place="a")
    assert isinstance(sliders.state.a, Seeded)


def test_another_generators_things_are_refused_with_the_reason(opened, tmp_path):
    sliders, page = opened
    stranger = stylegan2(seed=1)
    state, directions = sliders.state, sliders.directions
    with pytest.raises(traitlets.TraitError, match="generator"):
        sliders.directions = sefa(stranger)
    assert "another" in page.told or "compute it anew" in page.told
    theirs = EditState(
        generator=identify(stranger), a=Seeded(1), edit=Edit.neutral(stranger.num_ws)
    )
    with pytest.raises(traitlets.TraitError, match="open the generator"):
        sliders.state = theirs
    save_directions(tmp_path / "theirs.safetensors", sefa(stranger))
    data = (tmp_path / "theirs.safetensors").read_bytes()
    page.drop("theirs.safetensors", data)
    assert "mapping network is another" in page.told
    assert "theirs.safetensors" not in sliders.panel.turnable
    assert (sliders.state, sliders.directions) == (state, directions)
    with pytest.raises(ValueError, match="mapping network is another"):
        LatentSliders(sliders.generator, directions=sefa(stranger))
    assert shows(sliders)


def test_a_generator_replaced_while_a_slider_moves(opened):
    sliders, page = opened
    page.turn("strength:sefa 1", 1.0, 0, 1, more=True)
    sliders.generator = stylegan2(seed=1)
    before = sliders.state
    # The page has not heard of it yet.
    page.turn("strength:sefa 1", 1.1, 0, 1, more=True)
    page.turn("strength:sefa 1", 1.1, 0, 1)
    assert sliders.state is before
    assert "the seeds stay" in page.told
    assert sliders.directions is None
    assert sliders.columns == ["blend", "psi"]
    assert sliders.state.a == Seeded(7)
    assert shows(sliders)
    assert len(sliders.history) == 1
    page.epoch = sliders.panel.layout_of["epoch"]
    page.turn("psi", 0.5, 0)
    assert page.told == ""
    assert shows(sliders)


def test_a_tuned_copy_keeps_the_edit(opened):
    sliders, page = opened
    page.turn("strength:sefa 1", 1.0, 0, 1)
    edit = sliders.state.edit
    tuned = stylegan2()
    tuned.synthesis.b4.conv1.bias.add_(0.3)
    sliders.generator = tuned
    assert sliders.state.edit == edit
    assert "stays" in page.told
    assert sliders.directions.names == ("sefa 1", "sefa 2", "sefa 3")
    assert shows(sliders)


def test_a_picture_that_is_scrolled_away_is_not_drawn_while_it_moves(opened):
    sliders, page = opened
    view = sliders.view
    view._handle_custom_msg({"view": "v", "visible": False}, [])
    frame, painted = view.frame, []
    sliders._painter._deliver = painted.append
    page.turn("psi", 0.5, 0, more=True)
    assert sliders.wait()
    assert (view.frame, painted) == (frame, [])
    sliders._painter._deliver = sliders._screen.show
    view._handle_custom_msg({"view": "v", "visible": True}, [])
    assert shows(sliders)


def test_it_takes_turns_with_a_job(opened):
    sliders, page = opened
    started = threading.Event()
    with turns_of(sliders.generator):
        page.ask("dice", place="a")
        threading.Timer(0.1, started.set).start()
        assert not sliders.wait(0.2)
    assert shows(sliders)
    assert started.wait(5)


def test_without_a_live_page_a_plain_picture_stays(opened):
    sliders, _ = opened
    data, _ = sliders._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
