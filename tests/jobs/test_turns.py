"""Several who use one network take turns."""

import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from smis_core.jobs import Job, Turns, turns_of

sys.path.append(str(Path(__file__).parent))
from waiting import PATIENCE, interrupt


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


def test_who_gives_up_waiting_for_a_turn_holds_nobody_up(interruptible):
    turns = Turns()
    taken, release = threading.Event(), threading.Event()

    def hold_it():
        with turns:
            taken.set()
            release.wait(PATIENCE)

    holder = threading.Thread(target=hold_it)
    holder.start()
    assert taken.wait(PATIENCE)
    threading.Timer(0.2, interrupt).start()
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
