"""Processes that open files under limits of memory and time, and say what came of it.

A worker imports everything, opens one harmless file, then limits its own memory to 200 MB more
than it has, so that only the file counts. It is reused; one that hangs is killed.
"""

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

MEMORY_BYTES = 200 * 2**20
SECONDS = 10
CANARY = "canary.txt"
ALIVE = "alive"

ROOT = Path(__file__).parents[2]


class Worker:
    """One process in a folder of its own that holds the canary."""

    def __init__(self, folder, *, seconds=SECONDS):
        self.folder = folder
        self.seconds = seconds
        self.canary = folder / CANARY
        self.canary.write_text(ALIVE)
        self._process = None

    def open(self, content, reader):
        """What a reader said to a file: outcome, kind, reason and message."""
        if self._process is None:
            self._start()
        path = self.folder / "file.bin"
        path.write_bytes(content)
        before = sorted(os.listdir(self.folder))
        self._process.stdin.write(json.dumps([reader, path.name]) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer["outcome"] in ("hung", "died"):
            self.close()
        answer["untouched"] = (
            self.canary.read_text() == ALIVE and sorted(os.listdir(self.folder)) == before
        )
        return answer

    def close(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def _start(self):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("a worker did not start: see its error output")

    def _answer(self):
        ready, _, _ = select.select([self._process.stdout], [], [], self.seconds)
        if not ready:
            return {"outcome": "hung"}
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"outcome": "died"}


class _Peak:
    """The most memory that was resident since this was made, beyond what was before."""

    def __init__(self):
        if sys.platform == "linux":
            # The peak that getrusage tells begins with that of the process that started this one.
            Path("/proc/self/clear_refs").write_text("5")
        self._before = self._bytes()

    def more_bytes(self):
        return self._bytes() - self._before

    def _bytes(self):
        if sys.platform == "linux":
            status = Path("/proc/self/status").read_text()
            return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _limit_memory():
    # Only Linux keeps to a limit of the address space; elsewhere what was used is compared after.
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _attempt(read, path):
    try:
        value = read(path)
    except Exception as problem:
        return {
            "outcome": "refused",
            "kind": type(problem).__name__,
            "reason": getattr(problem, "reason", None),
            "message": str(problem),
            "starved": _starved(problem),
        }
    return {"outcome": "opened", "value": repr(value)[:200]}


def _starved(problem):
    """Whether memory ran out on the way to an error, however that was then put."""
    seen = []
    while problem is not None and problem not in seen:
        seen.append(problem)
        problem = problem.__context__
    return any(isinstance(e, MemoryError) or "allocate memory" in str(e)[:1000] for e in seen)


def _sleep(path):
    time.sleep(60)


def _die(path):
    os.abort()


_WATCHED = {
    "hungry": lambda path: len(b"x" * (MEMORY_BYTES // 2)),
    "greedy": lambda path: len(b"x" * (MEMORY_BYTES * 2)),
    "endless": _sleep,
    "dying": _die,
}
"""Readers that do what a reader must not, to show that it is noticed."""


def _serve():
    import torch

    from smis_core.checkpoints import load_checkpoint, load_network
    from smis_core.checkpoints.restricted import read_pickle, read_torch

    def network(path):
        return load_network(path, device="cpu")

    def checkpoint(path):
        return load_checkpoint(path, device="cpu")

    readers = {
        "pickle": read_pickle,
        "torch": read_torch,
        "network": network,
        "checkpoint": checkpoint,
        **_WATCHED,
    }
    torch.save({"weight": torch.ones(4)}, "warm.bin")
    read_torch("warm.bin")
    os.unlink("warm.bin")
    answers = os.fdopen(os.dup(1), "w")
    # What an attack prints must not be taken for an answer.
    os.dup2(2, 1)
    _limit_memory()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        reader, path = json.loads(line)
        peak = _Peak()
        answer = _attempt(readers[reader], path)
        answer["more_bytes"] = peak.more_bytes()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
