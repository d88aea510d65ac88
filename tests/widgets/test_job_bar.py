"""The bar of long work."""

import threading

import pytest
from widgets.fake_inversion import PATIENCE, Gated, picture

from smis_core.jobs import Job
from smis_widgets.job_bar import JobBar
from smis_widgets.strings import Strings, duration


def bar_of(make_job, errors=None, **options):
    return JobBar(
        make_job,
        label="",
        tooltip="Start",
        on_error=lambda error: None if errors is None else errors.append(error),
        strings=Strings(),
        **options,
    )


def stepped(job: Job, gated: Gated, count: int = 1) -> None:
    """Let a job make steps, and wait until they are told."""
    wanted, more = job.steps_done + count, threading.Event()
    unwatch = job.watch(on_step=lambda _: job.steps_done >= wanted and more.set())
    gated.permits.release(count)
    assert more.wait(PATIENCE)
    unwatch()


def test_one_button_starts_pauses_and_goes_on():
    gated = Gated(picture())
    bar = bar_of(lambda: Job(gated))
    assert (bar.play.icon, bar.halt.disabled) == ("play", True)
    bar.play.click()
    assert (bar.play.icon, bar.play.tooltip, bar.halt.disabled) == ("pause", "Pause", False)
    stepped(bar.job, gated)
    bar.play.click()
    assert (bar.play.icon, bar.play.tooltip) == ("play", "Go on")
    bar.play.click()
    assert bar.job.state == "running"
    bar.halt.click()
    gated.permits.release()
    assert bar.job.wait(PATIENCE)
    before = bar.job
    bar.play.click()
    assert bar.job is not before
    bar.stop()
    gated.permits.release()
    assert bar.job.wait(PATIENCE)


def test_two_bars_show_one_job():
    gated = Gated(picture(), steps=4)
    job = Job(gated)
    first, second = bar_of(lambda: None, detailed=True), bar_of(lambda: None, detailed=True)
    first.show(job)
    second.show(job)
    first.play.click()
    assert second.play.icon == "pause"
    second.play.click()
    assert first.play.tooltip == "Go on"
    first.play.click()
    gated.permits.release(4)
    assert job.wait(PATIENCE)
    shown = threading.Event()
    job.watch(on_change=lambda _: shown.set())
    for bar in (first, second):
        assert wait_until(lambda bar=bar: bar._reading.value.startswith("step 4 of 4 · done"))
        assert "100%" in bar._track.value
        assert bar.halt.disabled


def wait_until(true, seconds=PATIENCE):
    waiting = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if true():
            return True
        waiting.wait(0.02)
    return False


def test_an_error_is_told_and_shown():
    gated, errors = Gated(picture(), failing_at=1), []
    bar = bar_of(lambda: Job(gated), errors, detailed=True)
    bar.toggle()
    gated.permits.release()
    with pytest.raises(ArithmeticError):
        bar.job.wait(PATIENCE)
    assert wait_until(lambda: errors)
    assert wait_until(lambda: "failed" in bar._reading.value)
    assert "smis-failed" in bar._track.value


def test_nothing_to_do_is_no_error():
    bar = bar_of(lambda: None)
    bar.toggle()
    assert bar.job is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (26, "0:26"), (59.6, "1:00"), (3723, "1:02:03")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
