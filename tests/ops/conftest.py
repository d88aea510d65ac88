"""The CUDA operations without a GPU: their kernels and binding, compiled for the host."""

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

EXTENSIONS = Path(__file__).parents[2] / "extensions"


@pytest.fixture(scope="session")
def host_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with the launchers of `extensions/cuda`, whose `torch.ops.smis` take CPU tensors
    once it is loaded."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++ here")
    from torch.utils import cpp_extension

    folder = tmp_path_factory.mktemp("host")
    library = folder / "libsmis_host.so"
    flags = [
        "-std=c++20", "-O1", "-fPIC", "-DSMIS_ON_HOST",
        f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}",
    ]  # fmt: skip
    kernels = sorted((EXTENSIONS / "cuda").glob("*.cu"))
    jobs = [["-Wall", "-Wextra", "-Werror", "-x", "c++", str(kernel)] for kernel in kernels]
    includes = [f"-isystem{path}" for path in cpp_extension.include_paths()]
    jobs.append([*includes, str(EXTENSIONS / "ops.cpp")])
    objects = [folder / f"{i}.o" for i in range(len(jobs))]
    running = [
        subprocess.Popen(
            [compiler, *flags, "-c", *job, "-o", str(target)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for job, target in zip(jobs, objects, strict=True)
    ]  # fmt: skip
    for process in running:
        said, _ = process.communicate()
        assert process.returncode == 0, said
    libraries = [f"-L{path}" for path in cpp_extension.library_paths()]
    subprocess.run(
        [compiler, "-shared", *map(str, objects), *libraries, "-ltorch", "-ltorch_cpu", "-lc10",
         "-o", str(library)],
        check=True,
    )  # fmt: skip
    return library


@pytest.fixture(scope="session")
def host_ops(host_library: Path) -> None:
    """`torch.ops.smis` on CPU tensors."""
    from smis_core.ops import _cuda_ops

    torch.ops.load_library(host_library)
    _cuda_ops.register()
