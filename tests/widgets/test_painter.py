"""The drawing thread."""

import threading

from ipycanvas import Canvas

from smis_widgets.painter import Painter


class Sheet:
    def __init__(self):
        self.canvas = Canvas(width=4, height=4)
        self.threads = set()
        self.composed = 0
        self.entered, self.gate = threading.Event(), threading.Event()

    def compose(self):
        self.threads.add(threading.current_thread().name)
        self.composed += 1
        self.entered.set()
        assert self.gate.wait(10)
        return self.canvas, lambda: None

    def paint_failed(self, error):
        raise AssertionError(error)


def test_floods_become_few_frames_on_one_thread():
    painter, first, second = Painter(), Sheet(), Sheet()
    painter.request(first)
    assert first.entered.wait(10)
    for _ in range(100):
        painter.request(first)
        painter.request(second)
    first.gate.set()
    second.gate.set()
    assert painter.wait_idle()
    assert first.composed == 2
    assert second.composed == 1
    assert first.threads == second.threads == {"smis-painter"}
