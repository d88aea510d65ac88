"""The newest request wins; a worker keeps to its threads."""

import sys
import threading
from pathlib import Path

import pytest
import torch

from smis_core.jobs import Job, LatestWorker

sys.path.append(str(Path(__file__).parent))
from waiting import PATIENCE, Seen


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
