"""Work off the main thread: states, order, and whose exception goes where."""

import threading

import pytest
import torch

from smis_core.jobs import Job, LatestWorker

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
    assert job.wait(PATIENCE)
    assert job.state == "failed"
    assert isinstance(job.error, ArithmeticError)
    assert str(job.error) == where


def test_bad_arguments():
    with pytest.raises(ValueError, match="total"):
        Job(lambda: iter(()), total=0)
    with pytest.raises(ValueError, match="threads"):
        Job(lambda: iter(()), threads=0)


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
