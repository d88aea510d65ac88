"""Watching trainings that need no network."""

import io
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image
from widgets.fake_inversion import PATIENCE
from widgets.fake_synthesizer import portrait_mask

from smis_core.jobs import Job
from smis_widgets import training_steps as module
from smis_widgets.recording import picture_of
from smis_widgets.training_progress import TrainingProgress
from smis_widgets.training_steps import Results, ValidationResults, training_steps

SIDE = 16


@dataclass(frozen=True)
class Step:
    """What a training yields: its losses, and now and then what it finds out about itself."""

    index: int
    total: int
    losses: dict[str, float]
    phase: str = "train"
    validation: object = None
    warning: str | None = None


@dataclass(frozen=True)
class Validation:
    masks: torch.Tensor
    images: torch.Tensor
    miou: float


def grey(level: float, count: int = 4) -> torch.Tensor:
    return torch.full((count, 3, SIDE, SIDE), level)


def training(steps: int = 10, *, first: int = 1, every: int = 4):
    """Steps whose every so manieth is validated: pictures grow lighter, the mIoU rises."""
    masks = torch.tensor(np.stack([portrait_mask(SIDE, drop=k / 50).indices for k in range(4)]))
    for index in range(first, steps + 1):
        found = None
        if index % every == 0 or index == steps:
            found = Validation(masks, grey(index / steps), index / steps)
        yield Step(index, steps, {"mask": 1 / index, "latent": 2 / index}, validation=found)


class Painted:
    """Results that cost something: drawn when they are due."""

    masks = ()

    def __init__(self):
        self.drawn = []

    def __call__(self, step, *, due):
        if not due:
            return None
        self.drawn.append(step.index)
        return Results(grey(0.0, 1), 0.25)


@pytest.fixture
def made():
    progresses = []

    def make(*args, **options):
        progresses.append(TrainingProgress(*args, **options))
        return progresses[-1]

    yield make
    for progress in progresses:
        progress.stop()
        progress.close()


def settle(progress) -> None:
    progress._refresh()
    assert progress._painter.wait(PATIENCE)


def shown(view) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(view.data)))


def test_the_wall_shows_masks_and_what_becomes_of_them(made):
    palette = portrait_mask(SIDE).palette
    progress = made(training, look=ValidationResults(palette))
    assert progress.pictures.given.data == b""
    progress.start()
    assert progress.wait(PATIENCE)
    assert np.array_equal(shown(progress.pictures.now), picture_of(grey(1.0)))
    masks = shown(progress.pictures.given)
    assert masks.shape == shown(progress.pictures.now).shape
    assert np.array_equal(masks[:SIDE, :SIDE], portrait_mask(SIDE).colours())
    assert progress.pictures._caption.value == "results · step 10 · fidelity 1.00"


def test_one_goes_back_to_former_results(made):
    progress = made(training, look=ValidationResults(portrait_mask(SIDE).palette))
    progress.start()
    assert progress.wait(PATIENCE)
    assert progress.scrubber.marks == [4, 8, 10]
    progress.scrubber._handle_custom_msg({"seek": 5}, [])
    settle(progress)
    assert progress.step == 4
    assert np.array_equal(shown(progress.pictures.now), picture_of(grey(0.4)))
    assert progress.pictures._caption.value == "then · step 4 · fidelity 0.40"


def test_curves_have_every_loss_and_the_distance_of_the_score_from_one(made):
    progress = made(training, look=ValidationResults(portrait_mask(SIDE).palette))
    progress.start()
    assert progress.wait(PATIENCE)
    points = progress.runs.recordings["training"].points()
    assert points.steps.tolist() == list(range(1, 11))
    assert np.allclose(points.losses["mask"], 1 / points.steps)
    gap = points.losses["1 - score"]
    assert np.isnan(gap[:3]).all()
    assert np.allclose(gap[3:], [0.6, 0.6, 0.6, 0.6, 0.2, 0.2, 0.0])


def test_what_costs_is_drawn_in_a_tenth_of_the_time_and_at_the_end(monkeypatch):
    now = iter(np.arange(0.0, 1000.0, 0.5))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(now)))
    look = Painted()
    steps = list(training_steps(training(60), look=look))
    assert look.drawn[0] == 1
    assert look.drawn[-1] == 60
    assert 3 <= len(look.drawn) < 15
    assert [step.index for step in steps if step.image is not None] == look.drawn


def test_a_training_that_stops_early_ends_with_its_results():
    def early():
        yield Step(1, 100, {"mask": 1.0})
        yield Step(2, 100, {"mask": 0.5})

    look = Painted()
    last = list(training_steps(early(), look=look))[-1]
    assert (last.index, last.total) == (2, 100)
    assert last.image is not None


def test_phases_are_counted_on():
    def phases():
        yield from (Step(index, 2, {"entropy": 1.0}, phase="name") for index in (1, 2))
        yield Step(1, 1, {}, phase="name")
        yield from training(4)

    steps = list(training_steps(phases()))
    assert [step.index for step in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert [step.phase for step in steps] == ["name"] * 3 + ["train"] * 4
    assert steps[-1].total == 7


def test_a_sum_of_losses_is_their_total_and_the_number_of_steps_can_be_given():
    @dataclass(frozen=True)
    class Counted:
        index: int
        total: float
        losses: dict[str, float]

    steps = list(training_steps(iter([Counted(0, 0.5, {"mask": 0.25})]), total=8))
    assert steps[0].losses == {"total": 0.5, "mask": 0.25}
    assert steps[0].total == 8


def test_pause_stop_and_go_on_from_where_it_was(made):
    """What a training keeps on disk it takes up again: the bar counts on."""
    done = []
    permits = threading.Semaphore(0)

    def resuming():
        for step in training(20, first=len(done) + 1):
            assert permits.acquire(timeout=PATIENCE)
            done.append(step.index)
            yield step

    progress = made(resuming, look=None)
    progress.bar.play.click()
    permits.release(5)
    until(lambda: progress.job.steps_done == 5)
    progress.bar.play.click()
    assert progress.state == "paused"
    progress.bar.halt.click()
    permits.release()
    assert progress.wait(PATIENCE)
    assert progress.state == "stopped"
    permits.release(100)
    progress.bar.play.click()
    assert progress.wait(PATIENCE)
    assert done == list(range(1, 21))
    assert progress.state == "done"
    settle(progress)
    assert progress.bar._reading.value.startswith("step 20 of 20 · done")


def test_a_job_of_training_steps_is_shown_by_two_widgets(made):
    job = Job(training_steps(training(), look=Painted()))
    first, second = made(job, look=Painted()), made(job, look=Painted())
    first.start()
    assert first.wait(PATIENCE)
    settle(second)
    assert second.pictures.now.data == first.pictures.now.data != b""


def test_an_error_is_a_line_and_an_exception(made):
    def failing():
        yield from training(2)
        raise ArithmeticError("the loss is not a number")

    progress = made(failing)
    progress.start()
    with pytest.raises(ArithmeticError):
        progress.wait(PATIENCE)
    until(lambda: "The training failed: the loss is not a number" in progress.message.value)


def test_what_went_wrong_without_ending_it_is_a_note(made):
    progress = made(
        iter([Step(1, 2, {"mask": 1.0}, warning="make room"), Step(2, 2, {"mask": 0.5})])
    )
    progress.start()
    assert progress.wait(PATIENCE)
    settle(progress)
    assert progress.state == "done"
    assert "make room" in progress.message.value


def test_curves_and_the_film_of_the_results_are_saved(made, tmp_path):
    progress = made(training, look=ValidationResults(portrait_mask(SIDE).palette))
    progress.start()
    assert progress.wait(PATIENCE)
    assert (progress.save(tmp_path / "x.csv")).read_text().count("\n") == 11
    assert Image.open(progress.save(tmp_path / "x.gif")).n_frames == 3
    with pytest.raises(ValueError, match=r"\.mp4 was wanted"):
        progress.save(tmp_path / "x.safetensors")
    png = progress._repr_mimebundle_()[0]["image/png"]
    assert Image.open(io.BytesIO(png)).width > 500


def until(true) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
