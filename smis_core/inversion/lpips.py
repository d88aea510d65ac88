"""LPIPS with VGG16 or AlexNet (Zhang et al. 2018), from the published weights.

The trunk comes from torchvision's files, the weights of its channels from the authors' (version
0.1). Both are downloaded once, by pooch, into the cache folder.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoints.zoo import TIMEOUT_SECONDS, cache_folder

LpipsKind = Literal["vgg", "alex"]

_EPSILON = 1e-10
_MEAN = (-0.030, -0.088, -0.188)
_DEVIATION = (0.458, 0.448, 0.450)
_AUTHORS = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights"


class _Convolution(NamedTuple):
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1


class _Trunk(NamedTuple):
    title: str
    stages: tuple[tuple[_Convolution, ...], ...]
    """what lies between two poolings or taps; the output of each is looked at"""
    pooled: tuple[bool, ...]
    """whether a pooling comes before a stage"""
    pool: tuple[int, int]
    """kernel and stride"""
    file: str
    """torchvision's; eight digits of its SHA-256 stand in the name"""


def _thrice(channels: int, count: int) -> tuple[_Convolution, ...]:
    return (_Convolution(channels),) * count


_TRUNKS = {
    "vgg": _Trunk(
        "VGG16",
        (_thrice(64, 2), _thrice(128, 2), _thrice(256, 3), _thrice(512, 3), _thrice(512, 3)),
        (False, True, True, True, True),
        (2, 2),
        "vgg16-397923af.pth",
    ),
    "alex": _Trunk(
        "AlexNet",
        (
            (_Convolution(64, 11, 4, 2),),
            (_Convolution(192, 5, 1, 2),),
            (_Convolution(384),),
            (_Convolution(256),),
            (_Convolution(256),),
        ),
        (False, True, True, False, False),
        (3, 2),
        "alexnet-owt-7be5be79.pth",
    ),
}
_SMALLEST = {"vgg": 16, "alex": 35}


class Lpips(nn.Module):
    """Pictures to maps whose squared distance, averaged over the maps, is LPIPS.

    Args:
        kind: which trunk.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, kind: LpipsKind) -> None:
        super().__init__()
        trunk = _TRUNKS[kind]
        self.kind, self.title = kind, trunk.title
        self.pooled, self.pool = trunk.pooled, trunk.pool
        self.stages = nn.ModuleList()
        inputs = 3
        for stage in trunk.stages:
            layers = nn.ModuleList()
            for channels, kernel, stride, padding in stage:
                layers.append(nn.Conv2d(inputs, channels, kernel, stride, padding))
                inputs = channels
            self.stages.append(layers)
        self.channel_weights = nn.ParameterList(
            nn.Parameter(torch.ones(stage[-1].channels)) for stage in trunk.stages
        )
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(_DEVIATION)[:, None, None])

    def forward(
        self,
        images: Tensor,  # [N, 3, H, W] in [-1, 1]
    ) -> list[Tensor]:
        """Maps [N, C, h, w], each of unit length before its channels are weighted."""
        smallest = _SMALLEST[self.kind]
        if images.shape[-1] > 256:  # as the reference projector looks at them
            images = F.interpolate(images, size=(256, 256), mode="area")
        elif images.shape[-1] < smallest:
            images = F.interpolate(images, size=(smallest, smallest), mode="bilinear")
        x = (images - self.mean) / self.deviation
        maps = []
        for stage, pooled, weights in zip(
            self.stages, self.pooled, self.channel_weights, strict=True
        ):
            if pooled:
                x = F.max_pool2d(x, *self.pool)
            for convolution in stage:  # type: ignore[attr-defined]
                x = F.relu(convolution(x))
            y = x.float()
            unit = y / (y.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON)
            # The mean over the maps becomes their sum, each channel counting by its weight.
            maps.append(unit * (weights * len(self.stages)).sqrt()[:, None, None])
        return maps


def load_lpips(kind: LpipsKind, *, folder: Path | None = None) -> Lpips:
    """LPIPS with its published weights, frozen, on the CPU.

    Args:
        kind: "vgg" or "alex".
        folder: where the two files are, or go once they are downloaded; by default the cache
            folder.

    Raises:
        OSError: no connection or no pooch; the message says which files to put where.
        ValueError: a file is not the one that was published.
    """
    if kind not in _TRUNKS:
        raise ValueError(f"kind: wanted 'vgg' or 'alex', got {kind!r}")
    network = Lpips(kind)
    trunk, heads = (_read(path, address) for path, address in _files(kind, folder))
    convolutions = [each for stage in network.stages for each in stage]  # type: ignore[attr-defined]
    indices = sorted({int(key.split(".")[1]) for key in trunk if key.startswith("features.")})
    try:
        for convolution, index in zip(convolutions, indices, strict=True):
            convolution.weight.data.copy_(trunk[f"features.{index}.weight"])
            convolution.bias.data.copy_(trunk[f"features.{index}.bias"])
        for index, weights in enumerate(network.channel_weights):
            weights.data.copy_(heads[f"lin{index}.model.1.weight"].flatten().clamp_min(0))
    except (KeyError, ValueError, RuntimeError) as problem:
        raise ValueError(
            f"the weights of {network.title} do not fit it ({problem}); delete"
            f" {_folder(folder)} and fetch them again"
        ) from problem
    return network.eval().requires_grad_(False)


def lpips_is_here(kind: LpipsKind, *, folder: Path | None = None) -> bool:
    """Whether the weights have been downloaded before."""
    return all(path.is_file() for path, _ in _files(kind, folder))


def _folder(folder: Path | None) -> Path:
    return folder or cache_folder() / "lpips"


def _files(kind: LpipsKind, folder: Path | None) -> list[tuple[Path, str]]:
    place, trunk = _folder(folder), _TRUNKS[kind].file
    return [
        (place / trunk, f"https://download.pytorch.org/models/{trunk}"),
        (place / f"lpips-{kind}-0.1.pth", f"{_AUTHORS}/v0.1/{kind}.pth"),
    ]


def _read(path: Path, address: str) -> dict[str, Tensor]:
    fetched = not path.is_file()
    if fetched:
        _fetch(path, address)
    _, _, digits = path.stem.rpartition("-")
    if len(digits) == 8 and fetched:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(digits):
            path.unlink()
            raise ValueError(
                f"{address} sent another file than was published (its SHA-256 differs): nothing"
                " was kept; try again later"
            )
    try:
        saved: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:
        raise ValueError(
            f"{path} does not open as weights ({problem}); delete it and fetch it again"
        ) from problem
    return saved


def _fetch(path: Path, address: str) -> None:
    by_hand = f"Download {address} on any machine and save it as {path}"
    try:
        import pooch
        import requests
    except ImportError as problem:
        raise OSError(
            f"LPIPS needs pooch for its weights, which is not installed: pip install 'smis[zoo]'."
            f" Or: {by_hand}"
        ) from problem
    try:
        pooch.retrieve(
            address,
            known_hash=None,
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS),
        )
    except requests.exceptions.RequestException as problem:
        raise OSError(
            f"the weights of LPIPS could not be downloaded ({type(problem).__name__}). {by_hand};"
            " or choose perceptual='discriminator'"
        ) from problem
