"""The CUDA sources compile wherever nvcc is, with a GPU or without."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

EXTENSIONS = Path(__file__).parents[2] / "extensions"
KERNELS = sorted((EXTENSIONS / "cuda").glob("*.cu"))
TARGETS = [
    "-gencode=arch=compute_80,code=sm_80",
    "-gencode=arch=compute_90,code=[sm_90,compute_90]",
]


@pytest.fixture(scope="module")
def nvcc() -> str:
    found = shutil.which("nvcc")
    if found is None:
        pytest.skip("there is no nvcc here")
    return found


def run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_kernel_for_every_launcher() -> None:
    launchers = (EXTENSIONS / "cuda" / "launchers.h").read_text(encoding="utf-8")
    for kernel in KERNELS:
        assert f"int smis_{kernel.stem}_launch(" in launchers
    assert len(KERNELS) == launchers.count("_launch(")


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda path: path.stem)
def test_kernels(kernel: Path, nvcc: str, tmp_path: Path) -> None:
    """For Ampere, Hopper and, as PTX, for what follows; without torch, and without a warning."""
    run(
        nvcc, "-std=c++17", "-O3", "-Werror=all-warnings", *TARGETS, "--threads=0", "-c", kernel,
        "-o", tmp_path / "kernel.o",
    )  # fmt: skip


def test_the_binding(nvcc: str, tmp_path: Path) -> None:
    """As it is compiled for CUDA. A torch without CUDA lacks one generated header."""
    from torch.utils import cpp_extension

    generated = tmp_path / "c10" / "cuda" / "impl" / "cuda_cmake_macros.h"
    generated.parent.mkdir(parents=True)
    generated.touch()
    includes = [f"-isystem={path}" for path in [*cpp_extension.include_paths(), tmp_path]]
    run(
        nvcc, "-std=c++20", "-Xcompiler=-fsyntax-only,-Wall,-Wextra,-Werror",
        f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}",
        *includes, "-c", EXTENSIONS / "ops.cpp", "-o", tmp_path / "ops.o",
    )  # fmt: skip
