"""Which pictures are drawn while a hand moves, and which when it rests."""

import threading
from dataclasses import replace

import pytest
import torch
from editing.conftest import stylegan2

from smis_core.editing import Found, draw, identify, latent_of
from smis_core.latents import Noise
from smis_widgets import slider_painter
from smis_widgets.pace import MOVING_SECONDS, Pace
from smis_widgets.slider_painter import Crew, SliderPainter, Wish
from smis_widgets.slider_states import opened

PATIENCE = 60


def settled(pace, seconds, frames=30, start=0.0):
    """The side after some frames, each taking `seconds(side)`."""
    now = start
    for _ in range(frames):
        side = pace.side(now)
        pace.note(side, seconds(side), now)
        now += 0.05
    return pace.side(now)


def test_a_fast_generator_is_drawn_whole():
    assert settled(Pace((8, 16, 32, 64, 128)), lambda side: side / 128 * 0.03) == 128


def test_a_slow_one_by_the_largest_preview_that_keeps_up():
    sides = (16, 32, 64, 128, 256)
    assert settled(Pace(sides), lambda side: (side / 128) ** 2 * MOVING_SECONDS * 1.5) == 64


def test_without_previews_the_whole_picture_is_all_there_is():
    assert Pace((1024,)).side(0.0) == 1024
    assert settled(Pace((1024,)), lambda side: 3.0) == 1024


def test_a_tiny_picture_is_never_made_smaller():
    assert Pace((4, 8, 16)).side(0.0) == 16


def test_what_was_slow_once_is_tried_again_later():
    pace = Pace((32, 64))
    assert settled(pace, lambda side: MOVING_SECONDS * (0.2 if side == 32 else 3)) == 32
    assert settled(pace, lambda side: MOVING_SECONDS * 0.2, start=60.0) == 64


class Easel:
    """A painter of a tiny generator that can be held at the first stage that it computes."""

    def __init__(self, monkeypatch):
        self.generator = stylegan2()
        self.delivered, self.failed = [], []
        self.begun, self.go = threading.Event(), threading.Event()
        self.painter = SliderPainter(
            self.generator, deliver=self.delivered.append, fail=self.failed.append
        )
        network = type(self.generator.synthesis)
        stage = network._stage

        def held(*arguments):
            self.begun.set()
            assert self.go.wait(PATIENCE)
            return stage(*arguments)

        monkeypatch.setattr(network, "_stage", held)

    def wish(self, seed, *, moving):
        state = opened(seed, identify(self.generator), classes=0)
        wish = Wish(state, moving, self.painter.epoch, 0)
        self.painter.wish(wish)
        return wish

    def drawn(self):
        """What is delivered in the end, by wish; all of it bit for bit, where it is final."""
        self.go.set()
        assert self.painter.wait(PATIENCE)
        assert not self.failed
        for each in self.delivered:
            wanted = draw(self.generator, each.wish.state)
            assert not each.final or torch.equal(each.image, wanted)
        return [(each.wish, each.final) for each in self.delivered]


@pytest.fixture
def easel(monkeypatch):
    made = Easel(monkeypatch)
    yield made
    made.go.set()
    made.painter.close()


@pytest.fixture
def rounding(monkeypatch):
    """A machine on which pictures that move are rounded."""
    monkeypatch.setattr(slider_painter, "resolve_precision", lambda *_: torch.bfloat16)


def test_a_hand_interrupts_a_whole_picture(easel):
    easel.wish(1, moving=False)
    assert easel.begun.wait(PATIENCE)
    moved = easel.wish(2, moving=True)
    assert easel.drawn() == [(moved, False)]
    rested = easel.wish(2, moving=False)
    assert easel.drawn() == [(moved, False), (rested, True)]


def test_coming_to_rest_interrupts_what_was_drawn_for_the_hand(easel):
    easel.wish(1, moving=True)
    assert easel.begun.wait(PATIENCE)
    rested = easel.wish(2, moving=False)
    assert easel.drawn() == [(rested, True)]


def test_a_movement_does_not_interrupt_another_so_that_the_picture_follows(easel):
    first = easel.wish(1, moving=True)
    assert easel.begun.wait(PATIENCE)
    easel.wish(2, moving=True)
    last = easel.wish(3, moving=True)
    assert easel.drawn() == [(first, False), (last, False)]


def test_a_slow_picture_is_shown_rounded_before_it_is_exact(monkeypatch, rounding):
    monkeypatch.setattr(slider_painter, "QUICK_FIRST_SECONDS", -1)
    easel = Easel(monkeypatch)
    wish = easel.wish(1, moving=False)
    assert easel.drawn() == [(wish, False), (wish, True)]
    assert easel.delivered[0].image.shape == easel.delivered[1].image.shape
    easel.painter.close()


def test_a_fast_one_is_exact_at_once(monkeypatch, rounding):
    monkeypatch.setattr(slider_painter, "QUICK_FIRST_SECONDS", 1e9)
    easel = Easel(monkeypatch)
    wish = easel.wish(1, moving=False)
    assert easel.drawn() == [(wish, True)]
    easel.painter.close()


def test_where_nothing_is_rounded_nothing_is_drawn_twice(monkeypatch):
    monkeypatch.setattr(slider_painter, "resolve_precision", lambda *_: torch.float32)
    monkeypatch.setattr(slider_painter, "QUICK_FIRST_SECONDS", -1)
    easel = Easel(monkeypatch)
    easel.go.set()
    wish = easel.wish(1, moving=False)
    assert easel.painter.wait(PATIENCE)
    assert [(each.wish, each.final) for each in easel.delivered] == [(wish, True)]
    easel.painter.close()


def test_a_movement_maps_its_seeds_once_and_what_rests_is_mapped_anew(easel):
    easel.go.set()
    state = opened(1, identify(easel.generator), classes=0)
    mapped = []
    easel.generator.mapping.register_forward_hook(lambda *_: mapped.append(1))

    def maps(moving, **change):
        mapped.clear()
        moved = replace(state, edit=state.edit.changed([0], **change))
        easel.painter.wish(Wish(moved, moving, easel.painter.epoch, 0))
        assert easel.painter.wait(PATIENCE)
        return len(mapped)

    # The second seed is asked for where it is blended in.
    assert maps(False, psi=0.5) == 1
    assert maps(True, psi=0.4) == 0
    assert maps(True, blend=0.5) == 1
    assert maps(True, blend=0.6) == 0
    assert maps(False, blend=0.6) == 2
    easel.drawn()
    easel.delivered.clear()
    # Weights that were trained further are seen at rest.
    easel.generator.mapping.fc0.bias.add_(1.0)
    assert maps(False, blend=0.6) == 2
    easel.drawn()


def test_noise_is_the_stored_one_or_the_rows_or_the_pictures(easel):
    easel.go.set()
    generator = easel.generator
    state = opened(1, identify(generator), classes=0)
    maps = tuple(torch.randn(1, 1, layer.resolution, layer.resolution)
                 for layer in generator.synthesis.layers)  # fmt: skip
    found = Found(latent_of(generator, state.a), Noise(maps))
    louder = state.edit.changed([1], noise=2.0)
    for each in (state, replace(state, edit=louder), state, replace(state, a=found)):
        easel.painter.wish(Wish(each, False, easel.painter.epoch, 0))
        easel.drawn()
        assert easel.delivered.pop().final


def test_a_picture_at_rest_takes_all_cores_unless_others_are_at_them(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    crew = Crew()
    assert crew.count == 4
    crew.note(own=1.0, wall=1.0)
    assert crew.count == 3
    crew.note(own=2.5, wall=1.0)
    assert crew.count == 3
    crew.note(own=2.9, wall=1.0)
    assert crew.count == 4
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone = Crew()
    alone.note(own=0.1, wall=1.0)
    assert alone.count == 1
