"""Finding, building and choosing native operations."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from smis_core.ops import NativeUnavailable, _build, _native, bias_act, build_native, upfirdn2d
from smis_core.ops._native import choose, load

ROOT = Path(__file__).parents[2]


class OnGpu:
    """As much of a tensor on CUDA as choosing looks at."""

    device = torch.device("cuda", 0)


ON_GPU: torch.Tensor = OnGpu()  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has tried nothing, and an empty cache folder."""
    monkeypatch.setattr(_native, "_outcomes", {})
    monkeypatch.setattr(_native, "_said", set())
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SMIS_NATIVE", raising=False)
    _build.cached_library.cache_clear()
    yield
    _build.cached_library.cache_clear()


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Builds that succeed at once, by kind of device."""
    done: list[str] = []

    def build(device_type: str) -> None:
        library = _build.cached_library(device_type)
        library.parent.mkdir(parents=True, exist_ok=True)
        library.touch()
        done.append(device_type)

    monkeypatch.setattr(_build, "build", build)
    monkeypatch.setattr(_build, "load_file", lambda library: None)
    monkeypatch.setattr("smis_core.ops._cuda_ops.register", lambda: None)
    return done


def test_a_first_picture_runs_no_compiler(builds, caplog) -> None:
    for _ in range(3):
        assert not choose("auto", ON_GPU)
    assert builds == []
    assert caplog.text.count("smis build-extension --device cuda") == 1


def test_auto_takes_what_is_built(builds, monkeypatch) -> None:
    assert not choose("auto", ON_GPU)
    build_native("cuda")
    assert choose("auto", ON_GPU)
    monkeypatch.setattr(_native, "_outcomes", {})  # another process
    assert choose("auto", ON_GPU)
    assert builds == ["cuda"]
    assert not choose("reference", ON_GPU)


def test_the_switch(builds, monkeypatch) -> None:
    monkeypatch.setenv("SMIS_NATIVE", "1")
    assert choose("auto", ON_GPU)
    monkeypatch.setenv("SMIS_NATIVE", "0")
    assert not choose("auto", ON_GPU)
    assert choose("native", ON_GPU)
    assert builds == ["cuda"]


def test_who_asks_for_native_gets_a_build(builds) -> None:
    assert choose("native", ON_GPU)
    assert choose("native", ON_GPU)
    assert builds == ["cuda"]


def test_a_failure_is_remembered_and_can_be_tried_again(builds, monkeypatch, caplog) -> None:
    works, attempts = _build.build, []

    def fails(device_type: str) -> None:
        attempts.append(device_type)
        raise _build.BuildFailure("error: no such thing as a kernel")

    monkeypatch.setattr(_build, "build", fails)
    for _ in range(2):
        with pytest.raises(NativeUnavailable, match=r"no such thing as a kernel.*\n.*To try again"):
            choose("native", ON_GPU)
    assert not choose("auto", ON_GPU)
    assert "no such thing as a kernel" in caplog.text
    assert attempts == ["cuda"]
    monkeypatch.setattr(_build, "build", works)
    build_native("cuda")
    assert choose("native", ON_GPU)


def test_native_operations_need_their_device() -> None:
    x = torch.zeros(1, 2, 4, 4)
    for op in (lambda: bias_act(x, impl="native"), lambda: upfirdn2d(x, x[0], impl="native")):
        with pytest.raises(ValueError, match="wants x on cuda, but it is on cpu"):
            op()
    with pytest.raises(ValueError, match="impl must be one of"):
        bias_act(x, impl="cuda")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="device_type must be one of"):
        build_native("mps")  # type: ignore[arg-type]


def test_without_cuda_the_reason_says_so() -> None:
    if torch.version.cuda is not None:
        pytest.skip("this torch has CUDA")
    with pytest.raises(NativeUnavailable, match="built without CUDA"):
        load("cuda")


@pytest.mark.parametrize(
    ("tool", "message"), [("c++", "no C\\+\\+ compiler"), ("ninja", "ninja is missing")]
)
def test_missing_tools_are_named(tool, message, monkeypatch) -> None:
    found = {"c++": "/usr/bin/c++"} if tool == "ninja" else {}
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(_build.shutil, "which", found.get)
    monkeypatch.setattr("torch.utils.cpp_extension.is_ninja_available", lambda: False)
    with pytest.raises(NativeUnavailable, match=message):
        load("cuda")


def test_the_library_is_that_of_these_sources(monkeypatch, tmp_path) -> None:
    before = _build.cached_library("cuda")
    copy = tmp_path / "extensions"
    (copy / "cuda").mkdir(parents=True)
    for path in _build._all_files("cuda"):
        text = path.read_text(encoding="utf-8")
        (copy / path.relative_to(ROOT / "extensions")).write_text(text, encoding="utf-8")
    monkeypatch.setattr(_build, "sources_folder", lambda: copy)
    _build.cached_library.cache_clear()
    assert _build.cached_library("cuda") == before
    (copy / "cuda" / "portable.h").write_text("// changed", encoding="utf-8")
    _build.cached_library.cache_clear()
    assert _build.cached_library("cuda") != before


def test_a_damaged_library_is_built_again(monkeypatch) -> None:
    library = _build.cached_library("cuda")
    library.parent.mkdir(parents=True)
    library.write_bytes(b"half of it")
    with pytest.raises(NativeUnavailable, match="To try again"):
        load("cuda")
    assert not library.exists()


TINY = """
#include <torch/library.h>
int64_t answer() { return 42; }
TORCH_LIBRARY(smis_tiny, m) { m.def("answer() -> int", &answer); }
"""

BUILD = """
import sys, types
from pathlib import Path
import torch
from smis_core.ops import _build, _native
folder = Path(sys.argv[1])
_build.sources = lambda kind: [folder / "cpu" / "tiny.cpp"]
_build.sources_folder = lambda: folder
_build.cached_library.cache_clear()
registered = types.ModuleType("smis_core.ops._cpu_ops")
registered.register = lambda: print("registered", flush=True)
sys.modules["smis_core.ops._cpu_ops"] = registered
print("starts", flush=True)
_native.build_native("cpu")
print(torch.ops.smis_tiny.answer(), _build.cached_library("cpu").is_file(), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="native operations are not built on Windows")
def test_a_killed_build_leaves_nothing_behind(tmp_path) -> None:
    """A real compiler, killed while it works, and asked again; then nothing is built any more."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "tiny.cpp").write_text(TINY, encoding="utf-8")
    environment = {**os.environ, "SMIS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    native = tmp_path / "cache" / "native"
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    ) as first:  # fmt: skip
        while not list(native.glob("build-cpu-*/build.ninja")):
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.05)
        os.killpg(first.pid, signal.SIGKILL)
    assert list(native.glob("build-cpu-*"))
    for expected in ("once, in about a minute", ""):
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=500
        )
        assert done.stdout.split() == ["starts", "registered", "42", "True"], done.stderr
        assert expected in done.stderr
        assert not list(native.glob("build-cpu-*"))
    assert "building" not in done.stderr


def test_the_command(builds) -> None:
    CliRunner = pytest.importorskip("typer.testing").CliRunner
    from smis_core.cli import app

    result = CliRunner().invoke(app, ["build-extension"])
    assert result.exit_code == 0, result.output
    assert builds == ["cuda"]
    refused = CliRunner().invoke(app, ["build-extension", "--device", "tpu"])
    assert refused.exit_code == 1
    assert "must be one of" in refused.stderr


def test_a_wheel_with_native_operations_names_kinds_that_exist() -> None:
    environment = {**os.environ, "SMIS_PREBUILD": "cuda,tpu"}
    done = subprocess.run(
        [sys.executable, "setup.py", "--name"], cwd=ROOT, env=environment, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "must name cuda, cpu or both, but names ['tpu']" in done.stderr
