"""A job: start, pause, resume, stop, wait, result, error."""

import gc
import sys
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from smis_core.jobs import Job

sys.path.append(str(Path(__file__).parent))
from waiting import PATIENCE, Gate, Seen, interrupt


def test_a_job_runs_to_its_end():
    seen, ended = Seen(), Seen()
    job = Job(lambda: iter(range(3)), total=3, on_step=seen, on_end=ended)
    assert (job.state, job.result, job.remaining) == ("new", None, None)
    job.start()
    assert job.wait(PATIENCE)
    ended.await_count(1)
    assert seen.values == [0, 1, 2]
    assert (job.state, job.result, job.error, job.steps_done) == ("done", 2, None, 3)
    assert job.remaining == 0
    assert ended.values == [job]


def test_pause_holds_and_resume_goes_on():
    gate, seen = Gate(), Seen()
    job = Job(gate, total=10, on_step=seen)
    job.start()
    gate.permits.release()
    seen.await_count(1)
    job.pause()
    assert job.state == "paused"
    # The step under way when the pause came is still delivered; no more than that one.
    gate.permits.release(2)
    assert not job.wait(0.2)
    assert len(seen.values) <= 2
    stood_still = job.elapsed
    assert not job.wait(0.05)
    assert job.elapsed == stood_still
    job.resume()
    seen.await_count(3)
    assert job.remaining > 0
    job.stop()
    gate.permits.release()
    assert job.wait(PATIENCE)


def test_stop_closes_the_generator_and_keeps_the_result():
    gate, seen = Gate(), Seen()
    job = Job(gate, on_step=seen)
    job.start()
    gate.permits.release()
    seen.await_count(1)
    job.stop()
    gate.permits.release()
    assert job.wait(PATIENCE)
    assert job.state == "stopped"
    assert job.result is not None
    assert gate.closed.is_set()


def test_stop_ends_a_pause_and_a_job_that_never_began():
    gate, seen = Gate(), Seen()
    job = Job(gate, on_step=seen)
    job.start()
    gate.permits.release(2)
    seen.await_count(1)
    job.pause()
    gate.permits.release(2)
    job.stop()
    assert job.wait(PATIENCE)
    fresh = Job(lambda: iter(()))
    fresh.stop()
    assert fresh.state == "stopped"
    with pytest.raises(RuntimeError, match="stopped"):
        fresh.start()


def test_stop_from_a_callback():
    job = Job(lambda: iter(range(100)), on_step=lambda step: step == 4 and job.stop())
    job.start()
    assert job.wait(PATIENCE)
    assert (job.state, job.result) == ("stopped", 4)


@pytest.mark.parametrize("where", ["making", "stepping", "callback"])
def test_errors_are_kept(where):
    def steps():
        if where == "making":
            raise ArithmeticError(where)

        def work():
            yield 1
            if where == "stepping":
                raise ArithmeticError(where)

        return work()

    def on_step(_):
        if where == "callback":
            raise ArithmeticError(where)

    job = Job(steps, on_step=on_step)
    job.start()
    with pytest.raises(ArithmeticError, match=where):
        job.wait(PATIENCE)
    assert job.state == "failed"
    assert isinstance(job.error, ArithmeticError)
    assert str(job.error) == where


def test_bad_arguments():
    with pytest.raises(ValueError, match="total"):
        Job(lambda: iter(()), total=0)
    with pytest.raises(ValueError, match="threads"):
        Job(lambda: iter(()), threads=0)


def test_a_generator_needs_no_function_and_a_list_is_neither():
    job = Job(number for number in range(3))
    job.start()
    assert job.wait(PATIENCE)
    assert job.result == 2
    with pytest.raises(TypeError, match="list"):
        Job([1, 2])


def test_steps_that_were_closed_elsewhere_fail_the_job_and_lose_nothing():
    gate, seen = Gate(), Seen()
    steps = gate()
    job = Job(steps, on_step=seen)
    job.start()
    gate.permits.release()
    seen.await_count(1)
    job.pause()
    gate.permits.release()
    time.sleep(0.2)
    while steps.gi_running:
        pass
    steps.close()
    job.resume()
    with pytest.raises(RuntimeError, match="closed or used up elsewhere"):
        job.wait(PATIENCE)
    assert job.result is not None


def test_an_ended_job_holds_no_network():
    class Network:
        pass

    network = Network()
    gone = weakref.ref(network)

    def steps(network):
        yield id(network)

    job = Job(steps(network), shares=network)
    job.start()
    assert job.wait(PATIENCE)
    del network
    gc.collect()
    assert gone() is None


def test_a_network_that_is_taken_away_is_an_error_and_the_result_stays():
    layer = torch.nn.Linear(2, 2)
    allowed = Gate()

    def steps():
        for _ in allowed():
            yield layer(torch.ones(2)).sum().item()

    seen = Seen()
    job = Job(steps, on_step=seen)
    job.start()
    allowed.permits.release()
    seen.await_count(1)
    layer.to("meta")
    allowed.permits.release()
    with pytest.raises((RuntimeError, NotImplementedError)):
        job.wait(PATIENCE)
    assert job.state == "failed"
    assert job.result == seen.values[0]


def test_waiting_for_a_job_that_was_never_started_is_refused():
    with pytest.raises(RuntimeError, match="start"):
        Job(lambda: iter(())).wait()


def test_an_interrupt_ends_the_waiting_alone(interruptible):
    gate, seen = Gate(), Seen()
    job = Job(gate, on_step=seen)
    job.start()
    timer = threading.Timer(0.3, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        job.wait(PATIENCE)
    assert job.state == "running"
    gate.permits.release()
    seen.await_count(1)
    job.stop()
    gate.permits.release()
    assert job.wait(PATIENCE)


def test_several_watch_one_job_and_a_broken_one_is_logged(caplog):
    first, second, states = Seen(), Seen(), Seen()
    gate = Gate()
    job = Job(gate)
    unwatch = job.watch(on_step=first)
    job.watch(on_step=second, on_change=lambda job: states(job.state))
    job.watch(on_step=lambda _: 1 / 0)
    job.start()
    gate.permits.release()
    second.await_count(1)
    unwatch()
    job.pause()
    job.resume()
    gate.permits.release()
    second.await_count(2)
    job.stop()
    gate.permits.release()
    assert job.wait(PATIENCE)
    states.await_count(4)
    assert first.values == [0]
    assert second.values[:2] == [0, 1]
    assert states.values == ["running", "paused", "running", "stopped"]
    assert "a watcher of a Job failed" in caplog.text


def test_steps_know_best_where_they_are():
    def resumed():
        for index in range(40, 61, 10):
            time.sleep(0.01)
            yield SimpleNamespace(index=index, total=100)

    job = Job(resumed())
    positions = []
    job.watch(on_step=lambda _: positions.append((job.position, job.total, job.remaining)))
    job.start()
    assert job.wait(PATIENCE)
    assert [position for position, _, _ in positions] == [40, 50, 60]
    assert positions[0][2] is None
    # Ten steps of the work come with each step that is told.
    assert positions[-1][1] == 100
    assert positions[-1][2] == pytest.approx(40 / job.rate)
    assert job.rate > 20
