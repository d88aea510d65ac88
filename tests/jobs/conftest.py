"""Fixtures of the tests of jobs."""

import signal

import pytest


@pytest.fixture
def interruptible():
    """Ctrl+C works, also where the tests run in the background of a shell."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)
