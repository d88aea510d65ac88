"""What the tests of jobs wait for and with."""

import os
import signal
import threading

PATIENCE = 30.0


def interrupt():
    """Ctrl+C from another thread; as a real signal it wakes what waits for a lock."""
    os.kill(os.getpid(), signal.SIGINT)


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
