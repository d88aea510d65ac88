"""Work off the main thread: states, order, and whose exception goes where."""

import _thread
import gc
import threading
import time
import weakref
from types import SimpleNamespace

import pytest
import torch

from smis_core.jobs import Job, LatestWorker, Turns, turns_of

PATIENCE = 30.0


class Gate:
    """A step generator that yields one number each time it is let through."""

    def __init__(self):
        self.permits = threading.Semaphore(0)
        self.closed = threading.Event()

    def __call__(self):
        try:
            number = 0
            while True:
                assert self.permits.acquire(timeout=PATIENCE)
                yield number
                number += 1
        finally:
            self.closed.set()


class Seen:
    """Collects values and waits for so many of them."""

    def __init__(self):
        self.values = []
        self._more = threading.Condition()

    def __call__(self, *values):
        with self._more:
            self.values.append(values[0] if len(values) == 1 else values)
            self._more.notify_all()

    def await_count(self, count):
        with self._more:
            assert self._more.wait_for(lambda: len(self.values) >= count, PATIENCE)


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


def test_an_interrupt_ends_the_waiting_alone():
    gate, seen = Gate(), Seen()
    job = Job(gate, on_step=seen)
    job.start()
    timer = threading.Timer(0.3, _thread.interrupt_main)
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


def test_jobs_that_share_a_network_take_turns():
    class Network:
        pass

    network, order, together = Network(), [], threading.Barrier(3)

    def steps(name):
        def work():
            for number in range(20):
                order.append(name)
                time.sleep(0.002)
                yield number

        return work

    jobs = [Job(steps(name), shares=network, on_step=hold(together)) for name in "abc"]
    for job in jobs:
        job.start()
    assert all(job.wait(PATIENCE) for job in jobs)
    # From when all are under way, nobody is served twice before everybody else.
    rounds = [set(order[at : at + 3]) for at in range(6, 51, 3)]
    assert all(len(each) == 3 for each in rounds)


def hold(barrier):
    """Let the first step of each job wait for those of the others."""
    waited = set()

    def on_step(_):
        name = threading.get_ident()
        if name not in waited:
            waited.add(name)
            barrier.wait(PATIENCE)

    return on_step


def test_rendering_comes_between_two_steps_of_a_job():
    class Network:
        pass

    network, busy = Network(), threading.Event()

    def steps():
        number = 0
        while True:
            busy.set()
            time.sleep(0.01)
            number += 1
            yield number

    job = Job(steps, shares=network)
    job.start()
    assert busy.wait(PATIENCE)
    for _ in range(5):
        before = job.steps_done
        with turns_of(network):
            # The step under way when the turn was asked for, and no more than that one.
            assert job.steps_done - before <= 2
            held = job.steps_done
            time.sleep(0.03)
            assert job.steps_done <= held + 1
    job.stop()
    assert job.wait(PATIENCE)


def test_turns_go_in_the_order_of_asking_and_may_be_taken_again():
    turns, order = Turns(), []

    def take(name):
        with turns, turns:
            order.append(name)

    with turns:
        threads = []
        for name in range(5):
            thread = threading.Thread(target=take, args=(name,))
            threads.append(thread)
            thread.start()
            while len(turns._waiting) <= name:
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join(PATIENCE)
    assert order == [0, 1, 2, 3, 4]


def test_who_gives_up_waiting_for_a_turn_holds_nobody_up():
    turns = Turns()
    taken, release = threading.Event(), threading.Event()

    def hold_it():
        with turns:
            taken.set()
            release.wait(PATIENCE)

    holder = threading.Thread(target=hold_it)
    holder.start()
    assert taken.wait(PATIENCE)
    threading.Timer(0.2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt), turns:
        pass
    release.set()
    holder.join(PATIENCE)
    with turns:
        assert not turns._waiting


def test_a_network_has_one_lock_for_as_long_as_it_lives():
    first, second = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    assert turns_of(first) is turns_of(first)
    assert turns_of(first) is not turns_of(second)
    with pytest.raises(TypeError):
        turns_of(3)


def test_the_worker_is_capped_and_the_caller_is_not():
    before = torch.get_num_threads()
    seen = Seen()
    job = Job(lambda: (torch.get_num_threads() for _ in range(1)), on_step=seen, threads=1)
    job.start()
    assert job.wait(PATIENCE)
    assert seen.values == [1]
    assert torch.get_num_threads() == before


def test_the_newest_request_wins():
    gate, started, delivered = threading.Semaphore(0), Seen(), Seen()

    def work(request):
        started(request)
        assert gate.acquire(timeout=PATIENCE)
        return request * 10

    worker = LatestWorker(work, delivered)
    worker.submit(1)
    started.await_count(1)
    for request in (2, 3, 4):
        worker.submit(request)
    gate.release(4)
    assert worker.wait(PATIENCE)
    assert started.values == [1, 4]
    assert delivered.values == [(10, None), (40, None)]
    worker.close()


def test_errors_go_to_the_callback_and_work_goes_on():
    delivered = Seen()
    worker = LatestWorker(lambda request: 1 // request, delivered)
    worker.submit(0)
    assert worker.wait(PATIENCE)
    worker.submit(1)
    assert worker.wait(PATIENCE)
    worker.close()
    (nothing, error), fine = delivered.values
    assert nothing is None
    assert isinstance(error, ZeroDivisionError)
    assert fine == (1, None)


def test_a_broken_callback_is_logged_and_work_goes_on(caplog):
    delivered = Seen()

    def callback(result, error):
        if result == 1:
            raise ArithmeticError("callback")
        delivered(result, error)

    worker = LatestWorker(lambda request: request, callback)
    worker.submit(1)
    assert worker.wait(PATIENCE)
    worker.submit(2)
    assert worker.wait(PATIENCE)
    worker.close()
    assert delivered.values == [(2, None)]
    assert "callback of a LatestWorker failed" in caplog.text


def test_close_drops_what_waits():
    gate, started, delivered = threading.Semaphore(0), Seen(), Seen()

    def work(request):
        started(request)
        assert gate.acquire(timeout=PATIENCE)
        return request

    worker = LatestWorker(work, delivered)
    worker.submit(1)
    started.await_count(1)
    worker.submit(2)
    closer = threading.Thread(target=worker.close)
    closer.start()
    while not worker._closed:
        pass
    gate.release(2)
    closer.join(PATIENCE)
    assert not closer.is_alive()
    assert started.values == [1]
    with pytest.raises(RuntimeError, match="closed"):
        worker.submit(3)
