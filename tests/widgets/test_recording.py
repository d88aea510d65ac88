"""What steps leave behind, in bounded memory."""

import gc
import weakref

import numpy as np
import torch
from widgets.fake_inversion import fake_step, picture

from smis_core.jobs import Job
from smis_widgets import recording as module
from smis_widgets.recording import Recording, picture_of, recording_of


def empty() -> Recording:
    return Recording(Job(iter(())))


def test_curves_are_the_steps_losses():
    recording = empty()
    recording.add(fake_step(1))
    recording.add(fake_step(2, losses={"total": 3.0, "noise": 4.0}))
    points = recording.points()
    assert points.steps.tolist() == [1, 2]
    assert np.allclose(points.seconds, [0.1, 0.2])
    assert points.losses["total"].tolist() == [1, 3]
    assert np.isnan(points.losses["noise"][0])
    assert np.isnan(points.losses["pixels"][1])


def test_only_what_is_new_is_told():
    recording = empty()
    for index in range(1, 5):
        recording.add(fake_step(index))
    first = recording.points()
    recording.add(fake_step(5))
    rest = recording.points(generation=first.generation, start=4)
    assert (rest.start, rest.steps.tolist()) == (4, [5])
    assert recording.points(generation=first.generation - 1, start=4).start == 0


def test_a_long_run_is_thinned_and_says_so(monkeypatch):
    monkeypatch.setattr(module, "MAX_POINTS", 64)
    recording = empty()
    before = recording.points().generation
    for index in range(1, 1001):
        recording.add(fake_step(index))
    points = recording.points()
    assert points.generation != before
    assert 32 <= len(points.steps) <= 64
    gaps = np.diff(points.steps)
    assert points.steps[0] == 1
    assert len(set(gaps.tolist())) == 1
    assert np.allclose(points.losses["total"], 1 / points.steps)


def test_kept_steps_are_bounded_in_number_and_size(monkeypatch):
    image = picture(16)
    monkeypatch.setattr(module, "MAX_KEPT", 20)
    recording = empty()
    for index in range(1, 200):
        recording.add(fake_step(index, image=image))
    indices = [each.index for each in recording.kept()]
    assert 10 <= len(indices) <= 20
    assert indices[0] == 1
    assert len(set(np.diff(indices).tolist())) == 1
    assert recording.at(100).index == min(indices, key=lambda index: abs(index - 100))
    monkeypatch.setattr(module, "MAX_KEPT_BYTES", 5 * 16 * 16 * 3)
    recording.add(fake_step(201, image=image))
    for index in range(202, 400):
        recording.add(fake_step(index, image=image))
    assert len(recording.kept()) <= 5
    assert recording.kept()[0].index == 1


def test_steps_without_a_picture_are_not_kept_but_drawn():
    recording = empty()
    recording.add(fake_step(1))
    recording.add(fake_step(2, image=picture()))
    recording.add(fake_step(3))
    assert [each.index for each in recording.kept()] == [2]
    assert recording.latest.index == 3
    assert recording.pictured.index == 2
    assert len(recording.points().steps) == 3


def test_the_result_is_the_best_step():
    recording = empty()
    best = fake_step(3, image=picture(seed=3))
    recording.add(best)
    recording.add(fake_step(4, image=picture(seed=4), before=best))
    assert recording.result().index == 3
    assert recording.result().latent.tensor.unique().tolist() == [3]


def test_a_kept_step_does_not_follow_what_the_work_changes():
    recording = empty()
    step = fake_step(1, image=picture())
    recording.add(step)
    step.latent.tensor.fill_(9.0)
    assert recording.kept()[0].latent.tensor.unique().tolist() == [1]


def test_one_recording_a_job_and_none_after_it():
    job = Job(iter([fake_step(1), fake_step(2)]))
    recording = recording_of(job)
    assert recording_of(job) is recording
    job.start()
    assert job.wait(60)
    assert len(recording.points().steps) == 2
    gone = weakref.ref(recording)
    del job, recording
    gc.collect()
    assert gone() is None


def test_a_job_under_way_is_taken_up_where_it_stands():
    job = Job(iter([fake_step(1), fake_step(2)]))
    job.start()
    assert job.wait(60)
    assert recording_of(job).latest.index == 2


def test_large_and_many_pictures_are_one_small_one():
    assert picture_of(torch.zeros(1, 3, 1024, 1024)).shape == (512, 512, 3)
    several = picture_of(torch.zeros(3, 3, 8, 8))
    assert several.shape[0] < 24
    assert several.shape[1] < 24
