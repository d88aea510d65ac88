"""Two processes train as one: on CPUs here, over gloo, as they do on several GPUs."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from smis_core.fewshot import FewshotProject, ProjectSettings
from smis_core.labels import LabelMap

sys.path.append(str(Path(__file__).parents[1] / "fewshot"))
from tiny_world import PALETTE, shades, tiny_generator

PATIENCE = 120


def started(rank, port, folder):
    several = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "ACCELERATE_USE_CPU": "true"}
    own = {"PYTHONPATH": Path(__file__).parents[2]}
    added = {name: str(value) for name, value in {**several, **where, **own}.items()}
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("one_of_two.py")), str(folder)],
        env={**os.environ, **added},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_train_stop_and_resume_as_one(tmp_path):
    pytest.importorskip("accelerate")
    generator = tiny_generator()
    project = FewshotProject.create(
        tmp_path / "p", PALETTE, generator=generator, settings=ProjectSettings(pictures=800)
    )
    picture = project.add_sample(1)
    project.annotate(picture.name, LabelMap(shades(picture.image)[0].numpy(), PALETTE))
    project.work.mkdir()
    for number in range(100):  # of former annotations; both processes find them
        (project.work / f"{number}.state").write_bytes(b"former")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [started(rank, port, project.folder) for rank in (0, 1)]
    try:
        said = [each.communicate(timeout=PATIENCE) for each in both]
    finally:
        for each in both:
            each.kill()
    assert [each.returncode for each in both] == [0, 0], "\n".join(error for _, error in said)
    first, second = (json.loads(out.splitlines()[-1]) for out, _ in said)
    assert (first["of"], first["process"], second["process"]) == (2, 0, 1)
    assert (first["fitted"], second["fitted"]) == ([0], []), "one labeller, fitted once"
    for name in ("labeller", "encoder", "indices", "figures"):
        assert first[name] == second[name], name
    assert first["indices"][0] == 4, "the fifth step was not kept"
    assert first["indices"][-1] < 100, "the validation stalled, and both stopped there"
    assert first["kept"] == second["kept"] == "fresh"
    assert list(project.work.iterdir()) == []
