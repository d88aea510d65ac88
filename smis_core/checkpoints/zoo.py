"""Where networks are found by name: those that travel with the package, and the zoo.

The zoo lists published models; each is downloaded once, into the user's cache folder, by pooch.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import urllib.parse
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from .sniff import sniff

TIMEOUT_SECONDS = 60
_DATA = "zoo_models.json"


@dataclass(frozen=True, kw_only=True)
class ZooModel:
    """A published model."""

    name: str
    """Short, as "ffhq-1024"."""
    draws: str
    """What its pictures show, and the data it learned from."""
    resolution: int | None
    """Side in pixels; None where its author does not say."""
    format: Literal["nvidia-torch", "nvidia-tensorflow"]
    """As `Checkpoint.format`."""
    network: str
    """Family and, where known, configuration: "StyleGAN3-T", "StyleGAN2 config-f"."""
    address: str
    access: Literal["http", "by hand"]
    """Whether plain HTTP fetches it, or a person has to, with a browser."""
    licence: str
    commercial: bool | None
    """Whether the licence allows commercial use; None where no licence is known."""
    author: str
    sha256: str | None = None
    """Of the file, where it is known."""
    truncation_psi: float = 0.7
    """A good start: lower is more alike, 1 is everything the model knows."""
    page: str | None = None
    """Where its author writes about it."""

    @property
    def file_name(self) -> str:
        """What the file is called in the cache folder."""
        return f"{self.name}.pkl"


def bundled_path(name: str) -> Path:
    """The file of a bundled network.

    Args:
        name: domain and network, e.g. "portraits/generator".

    Raises:
        FileNotFoundError: nothing of that name is bundled; the message lists what is.
    """
    domain, _, network = name.partition("/")
    # Weights lie unpacked in the wheel, so this is always a real folder.
    package = Path(str(files("smis_core")))
    path = package / domain / "weights" / f"{network}.safetensors"
    if not path.is_file():
        there = sorted(
            f"{p.parent.parent.name}/{p.stem}" for p in package.glob("*/weights/*.safetensors")
        )
        raise FileNotFoundError(
            f"no bundled network is called {name!r}; there are: {', '.join(there) or 'none'}"
        )
    return path


@functools.cache
def zoo_models() -> dict[str, ZooModel]:
    """All models of the zoo by name, in the order of the list."""
    text = Path(__file__).with_name(_DATA).read_text(encoding="utf-8")
    known = {field.name for field in fields(ZooModel)}
    entries: list[dict[str, Any]] = json.loads(text)
    models = [ZooModel(**{k: v for k, v in entry.items() if k in known}) for entry in entries]
    return {model.name: model for model in models}


def model_named(name: str) -> ZooModel:
    """The entry of a name.

    Raises:
        ValueError: the zoo has no such model; the message names similar ones.
    """
    models = zoo_models()
    if name not in models:
        import difflib

        similar = difflib.get_close_matches(name, models, n=3, cutoff=0.4)
        hint = f"; similar are {', '.join(similar)}" if similar else ""
        raise ValueError(f"the zoo has no model {name!r}{hint}; `smis zoo list` names all")
    return models[name]


def entry_of_file(path: Path) -> ZooModel | None:
    """The entry whose file this is, by its place in the cache folder."""
    model = zoo_models().get(path.stem)
    return model if model and path.absolute() == place_of(model).absolute() else None


def cache_folder() -> Path:
    """Where downloads are kept: `$SMIS_CACHE`, or "smis" in the user's cache folder (the one that
    `pooch.os_cache` names, also without pooch)."""
    if chosen := os.environ.get("SMIS_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))
        return Path(base) / "smis" / "smis" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "smis"
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".cache") / "smis"


def fetch(name: str, *, progress: bool = True, retries: int = 3) -> Path:
    """The file of a model, downloaded where it is not yet in the cache folder.

    Args:
        name: of the zoo.
        progress: show a bar while downloading.
        retries: how often a broken download is begun again.

    Returns:
        The file.

    Raises:
        ValueError: the zoo has no such model, or what came has another hash.
        OSError: no connection, no pooch, or a page instead of the file; the message says which
            file to put where.
    """
    model = model_named(name)
    place = place_of(model)
    if place.is_file():
        _check_hash(model, place)
        return place
    if model.access == "by hand":
        raise OSError(f"{name} cannot be fetched by a program. {by_hand(model)}")
    try:
        import pooch
        import requests
    except ImportError as problem:
        raise OSError(
            f"downloading needs pooch, which is not installed: pip install 'smis[zoo]'. Or: "
            f"{by_hand(model)}"
        ) from problem
    place.parent.mkdir(parents=True, exist_ok=True)

    def download(url: str, file: str, keeper: Any) -> None:
        inner = pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT_SECONDS)
        inner(url, file, keeper)
        found = sniff(file)
        # pooch takes a temporary file away when this raises, so that no page stays behind.
        if found.kind in ("html", "text", "empty"):
            raise OSError(
                f"{name}: {model.address} sent {found.description}, not a checkpoint. "
                f"{by_hand(model)}"
            )

    keeper = pooch.create(
        path=place.parent,
        base_url="",
        registry={model.file_name: f"sha256:{model.sha256}" if model.sha256 else None},
        urls={model.file_name: model.address},
        retry_if_failed=retries,
    )
    try:
        return Path(keeper.fetch(model.file_name, downloader=download))
    except requests.exceptions.RequestException as problem:
        raise OSError(
            f"{name} could not be downloaded ({type(problem).__name__}). {by_hand(model)}"
        ) from problem
    except ValueError as problem:
        raise ValueError(
            f"{name}: {model.address} sent another file than the zoo knows (its SHA-256 differs): "
            "nothing was kept; its owner may have replaced it, or the download was altered"
        ) from problem


def by_hand(model: ZooModel) -> str:
    """What a person does to put a model's file where `fetch` finds it."""
    host = urllib.parse.urlsplit(model.address).hostname
    return (
        f"Download {model.address} with a browser ({host}), on any machine, and save it as "
        f"{place_of(model)}; it is then found by its name"
    )


def place_of(model: ZooModel) -> Path:
    """Where a model's file is, or will be once it is fetched."""
    return cache_folder() / model.file_name


def _check_hash(model: ZooModel, place: Path) -> None:
    if model.sha256 is None:
        return
    import hashlib

    with place.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise ValueError(
            f"{place} is not the file that the zoo knows as {model.name} (its SHA-256 is "
            f"{found[:12]}…, not {model.sha256[:12]}…): delete it, and fetch it again"
        )
