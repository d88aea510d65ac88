"""Which pictures are drawn while a hand moves."""

from smis_widgets.slider_painter import MOVING_SECONDS, Pace


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
