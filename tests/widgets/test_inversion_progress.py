"""Watching inversions that need no network."""

import io
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image
from widgets.fake_inversion import PATIENCE, Gated, fake_inversion, fake_step, picture

from smis_core.checkpoints import fingerprint
from smis_core.inversion import load_classes, load_latent
from smis_core.jobs import Job
from smis_core.latents import Noise
from smis_core.networks import Generator, GeneratorConfig
from smis_widgets import InversionProgress, TargetView
from smis_widgets.recording import picture_of

TARGET = picture(16, seed=1)


@pytest.fixture
def made():
    """Makes widgets that are closed in the end."""
    progresses = []

    def make(*args, **options):
        progress = InversionProgress(*args, **options)
        progresses.append(progress)
        return progress

    yield make
    for progress in progresses:
        progress.stop()
        progress.close()


def settle(progress: InversionProgress) -> None:
    """Wait until the widget shows what is there."""
    progress._refresh()
    assert progress._painter.wait(PATIENCE)


def until(true) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def shown(view) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(view.data)))


class Page:
    """Stands for a page that shows a plot: it collects what it is sent."""

    def __init__(self, plot):
        self.batches = []
        plot.send = lambda content, buffers: self.batches.append((content["batches"], buffers))
        plot._handle_custom_msg({"ready": True}, [])

    def curves(self, run: str) -> dict[str, np.ndarray]:
        """The curves as the page has them now."""
        columns: dict[str, list[float]] = {}
        generation = None
        for headers, buffers in self.batches:
            for header, buffer in zip(headers, buffers, strict=True):
                if header["run"] != run:
                    continue
                values = np.frombuffer(buffer, "<f4").reshape(-1, header["count"])
                if header["generation"] != generation:
                    generation, columns = header["generation"], {}
                for name, row in zip(["step", "seconds", *header["names"]], values, strict=True):
                    column = columns.setdefault(name, [])
                    assert len(column) >= header["start"]
                    columns[name] = column[: header["start"]] + row.tolist()
        return {name: np.array(column) for name, column in columns.items()}


def test_nothing_starts_by_itself(made):
    gated = Gated(TARGET)
    progress = made(gated, target=TARGET)
    settle(progress)
    assert gated.begun == 0
    assert np.array_equal(shown(progress.pictures.target), picture_of(TARGET))
    assert progress.pictures.now.data == b""
    assert progress.result is None


def test_the_picture_and_the_difference_end_with_the_best_step(made):
    progress = made(fake_inversion(TARGET, steps=20), target=TARGET)
    progress.start()
    assert progress.wait(PATIENCE)
    assert progress.result.index == 20
    assert np.array_equal(shown(progress.pictures.now), picture_of(TARGET))
    assert shown(progress.pictures.gap).max() == 0
    assert progress.bar._reading.value.startswith("step 20 of 20 · done")


def test_a_page_gets_every_point_once_and_a_late_page_all_of_them(made):
    gated = Gated(TARGET, steps=30)
    progress = made({"only": gated}, target=TARGET)
    page = Page(progress.plot)
    progress.bar.play.click()
    for _ in range(3):
        gated.permits.release(10)
        settle(progress)
    assert progress.wait(PATIENCE)
    curves = page.curves("only")
    assert curves["step"].tolist() == list(range(1, 31))
    assert np.allclose(curves["total"], 1 / curves["step"])
    assert sum(header["count"] for headers, _ in page.batches for header in headers) == 30
    late = Page(progress.plot)
    settle(progress)
    assert late.curves("only")["step"].tolist() == list(range(1, 31))


def test_without_a_page_nothing_is_sent(made):
    progress = made(fake_inversion(TARGET, steps=5), target=TARGET)
    sent = []
    progress.plot.send = lambda *args, **kwargs: sent.append(args)
    progress.start()
    assert progress.wait(PATIENCE)
    assert sent == []


def test_scrubbing_shows_a_kept_step_and_back(made):
    progress = made(fake_inversion(TARGET, steps=20), target=TARGET)
    progress.start()
    assert progress.wait(PATIENCE)
    progress.scrubber._handle_custom_msg({"seek": 9}, [])
    settle(progress)
    assert progress.step == 8
    assert progress.scrubber.marks[progress.scrubber.at] == 8
    assert progress.plot.marker == 8
    assert np.array_equal(shown(progress.pictures.now), picture_of(TARGET * 0.4))
    progress.scrubber._handle_custom_msg({"nudge": 1}, [])
    assert progress.step == 10
    progress.plot._handle_custom_msg({"live": True}, [])
    settle(progress)
    assert progress.step is None
    assert (progress.scrubber.at, progress.plot.marker) == (-1, -1)
    assert np.array_equal(shown(progress.pictures.now), picture_of(TARGET))


def test_scrubbing_while_it_works_stays_where_one_looks(made):
    gated = Gated(TARGET, steps=20)
    progress = made(gated, target=TARGET)
    progress.start()
    gated.permits.release(10)
    until(lambda: progress.job.steps_done == 10)
    progress.step = 4
    gated.permits.release(5)
    until(lambda: progress.job.steps_done == 15)
    settle(progress)
    assert np.array_equal(shown(progress.pictures.now), picture_of(TARGET * (4 / 20)))
    progress.step = None
    settle(progress)
    moving = shown(progress.pictures.now).astype(int) - picture_of(TARGET * (15 / 20))
    assert np.abs(moving).mean() < 5  # JPEG
    progress.pause()
    gated.permits.release(1)
    until(lambda: progress.job.state == "paused")
    settle(progress)
    # What rests is exact.
    assert progress.pictures.now.kind == "image/png"
    assert np.array_equal(shown(progress.pictures.now), picture_of(TARGET * (16 / 20)))


def test_pause_go_on_and_stop_by_the_buttons(made):
    gated = Gated(TARGET, steps=20)
    progress = made(gated, target=TARGET)
    progress.bar.play.click()
    gated.permits.release(3)
    until(lambda: progress.job.steps_done == 3)
    progress.bar.play.click()
    assert progress.job.state == "paused"
    assert progress.plot.hint
    progress.bar.play.click()
    progress.bar.halt.click()
    gated.permits.release()
    assert progress.wait(PATIENCE)
    assert progress.job.state == "stopped"
    settle(progress)
    assert progress.plot.runs[0]["state"] == "stopped"
    assert progress.result is not None
    progress.bar.play.click()
    assert gated.begun == 2
    assert progress.job.steps_done <= 1


def test_steps_that_were_made_once_are_not_begun_again(made):
    progress = made(fake_inversion(TARGET, steps=2))
    progress.start()
    assert progress.wait(PATIENCE)
    progress.bar.play.click()
    assert progress.job.state == "done"
    assert "made once" in progress.message.value


def test_several_runs_are_overlaid_and_one_is_at_hand(made):
    gated = Gated(TARGET * 0.5, steps=6)
    progress = made({"hybrid": fake_inversion(TARGET, steps=10), "W": gated}, target=TARGET)
    page = Page(progress.plot)
    progress.start()
    gated.permits.release(6)
    assert progress.wait(PATIENCE)
    assert page.curves("hybrid")["step"][-1] == 10
    assert page.curves("W")["step"][-1] == 6
    assert [run["name"] for run in progress.plot.runs] == ["hybrid", "W"]
    assert {name: step.index for name, step in progress.results.items()} == {"hybrid": 10, "W": 6}
    progress.plot._handle_custom_msg({"select": "W"}, [])
    settle(progress)
    assert progress.selected == "W"
    assert progress.bar.job is progress.runs.jobs["W"]
    assert np.array_equal(shown(progress.pictures.now), picture_of(TARGET * 0.5))
    progress.plot._handle_custom_msg({"select": "nobody"}, [])
    assert progress.selected == "W"
    with pytest.raises(traitlets.TraitError, match="hybrid"):
        progress.selected = "nobody"


def test_two_widgets_show_one_job(made):
    job = Job(fake_inversion(TARGET, steps=10))
    first = made(job, target=TARGET)
    first.start()
    assert first.wait(PATIENCE)
    second = made(job, target=TARGET)
    page = Page(second.plot)
    settle(second)
    assert page.curves("inversion")["step"].tolist() == list(range(1, 11))
    assert second.pictures.now.data == first.pictures.now.data
    assert second.bar._reading.value == first.bar._reading.value


def test_two_widgets_pause_one_job(made):
    gated = Gated(TARGET)
    job = Job(gated)
    first, second = made(job), made(job)
    first.bar.play.click()
    second.bar.play.click()
    assert job.state == "paused"
    assert first.bar.play.tooltip == second.bar.play.tooltip == "Go on"
    first.close()
    second.bar.play.click()
    gated.permits.release(2)
    until(lambda: job.steps_done == 2)
    assert second.runs.recordings["inversion"].latest.index == 2


def test_an_error_of_the_work_is_a_line_and_an_exception_and_nothing_is_lost(made):
    gated = Gated(TARGET, failing_at=4)
    progress = made({"hybrid": gated, "W": fake_inversion(TARGET)}, target=TARGET)
    progress.bar.play.click()
    gated.permits.release(4)
    with pytest.raises(ArithmeticError):
        progress.wait(PATIENCE)
    until(lambda: "smis-error" in progress.message.value)
    assert "The inversion hybrid failed: the loss is not a number" in progress.message.value
    assert progress.results["hybrid"].index == 3


def test_an_error_of_the_checks_is_a_line(made):
    def refuse():
        raise ValueError("steps: wanted at least 1, got 0")

    progress = made(refuse, target=TARGET)
    progress.bar.play.click()
    assert "wanted at least 1, got 0" in progress.message.value
    assert progress.job is None


def test_a_warning_of_a_step_is_told(made):
    steps = iter([fake_step(1, image=TARGET, warning="the disk is full; going on without saving")])
    progress = made(steps, target=TARGET)
    progress.start()
    assert progress.wait(PATIENCE)
    assert "the disk is full" in progress.message.value


def test_runs_that_are_none_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        InversionProgress({})
    with pytest.raises(TypeError, match="int"):
        InversionProgress({"x": 3})
    with pytest.raises(TypeError):
        InversionProgress(fake_inversion(TARGET), target=3)


def test_the_target_is_what_the_points_make_of_it(made):
    view = TargetView(picture(40, seed=2), 16)
    seen = []

    def work():
        seen.append(view.target.image)
        return fake_inversion(view.target.image, steps=4)

    progress = made(work, target=view)
    view.align._handle_custom_msg({"points": [[0.4, 0.4], [0.7, 0.5], [0.5, 0.7]]}, [])
    assert view.wait()
    settle(progress)
    assert progress.pictures.target.data == view.view.data
    assert "smis-hidden" not in view._dom_classes
    progress.start()
    assert "smis-hidden" in view._dom_classes
    progress.tools.switches["aligning"].click()
    assert "smis-hidden" not in view._dom_classes
    assert progress.wait(PATIENCE)
    # Part of it lies outside of the picture: it is shown pale, and does not count as a difference.
    weight = view.target.weight[0, 0].numpy()
    assert weight.min() == 0
    matters = weight == 1
    target = shown(progress.pictures.target)
    assert np.array_equal(target[matters], picture_of(seen[0])[matters])
    assert target[weight == 0].mean() > picture_of(seen[0])[weight == 0].mean() + 20
    gap = shown(progress.pictures.gap)
    assert gap[matters].max() == gap[weight == 0].max() == 0


@pytest.mark.parametrize("ending", ["csv", "gif", "safetensors"])
def test_the_save_button_writes_under_the_next_free_number(made, tmp_path, ending):
    progress = made(fake_inversion(TARGET, steps=6), target=TARGET, folder=tmp_path)
    progress.tools.kind.value = f".{ending}"
    progress.tools.save_button.click()
    assert "no step yet" in progress.message.value
    progress.start()
    assert progress.wait(PATIENCE)
    for number in (1, 2):
        progress.tools.save_button.click()
        assert (tmp_path / f"inversion-000{number}.{ending}").stat().st_size > 0
    assert "smis-note" in progress.message.value
    with pytest.raises(ValueError, match=r"\.safetensors"):
        progress.save(tmp_path / "x.txt")


def test_the_latent_is_that_of_the_step_which_is_shown(made, tmp_path):
    progress = made(fake_inversion(TARGET, steps=20), target=TARGET)
    progress.start()
    assert progress.wait(PATIENCE)
    latent, _ = load_latent(progress.save(tmp_path / "best.safetensors"))
    assert latent.tensor.unique().tolist() == [20]
    progress.step = 8
    latent, _ = load_latent(progress.save(tmp_path / "then.safetensors"))
    assert latent.tensor.unique().tolist() == [8]


def test_a_saved_latent_knows_its_generator_its_noise_and_its_class(made, tmp_path):
    config = GeneratorConfig(resolution=8, z_dim=4, w_dim=4, c_dim=2, channel_max=4)
    owner = Generator(config)
    maps = [Noise((torch.randn(1, 1, 4, 4),)) for _ in range(3)]
    steps = [
        replace(fake_step(index, 3, image=TARGET, classes=(1,)), noise=maps[index - 1])
        for index in (1, 2, 3)
    ]
    progress = made(iter(steps), target=TARGET, shares=owner)
    progress.start()
    assert progress.wait(PATIENCE)
    for shown, index in ((None, 2), (1, 0)):
        progress.step = shown
        path = progress.save(tmp_path / f"{index}.safetensors")
        _, noise = load_latent(path, generator=fingerprint(owner))
        assert torch.allclose(noise.maps[0], maps[index].maps[0], atol=2e-3)
        assert load_classes(path) == (1,)
        with pytest.raises(ValueError, match="one of another"):
            load_latent(path, generator="another")


def test_a_plain_picture_of_its_state_travels_with_it(made):
    progress = made(fake_inversion(TARGET, steps=6), target=TARGET)
    before = progress._repr_mimebundle_()[0]["image/png"]
    assert np.array_equal(np.array(Image.open(io.BytesIO(before))), picture_of(TARGET))
    progress.start()
    assert progress.wait(PATIENCE)
    after = progress._repr_mimebundle_()[0]["image/png"]
    assert Image.open(io.BytesIO(after)).width > 500


def test_painting_is_told_on_worker_threads_and_never_holds_a_step_up(made):
    """The page may be slow; the work does not wait for it."""
    progress = made(fake_inversion(TARGET, steps=50), target=TARGET)
    held = threading.Event()
    paint = progress.pictures.paint
    progress.pictures.paint = lambda *args: (held.wait(PATIENCE), paint(*args))
    progress.start()
    assert progress.job.wait(PATIENCE)
    assert progress.job.result.index == 50
    held.set()
