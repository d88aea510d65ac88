"""The whole state of an edited picture: sources, edit, directions, placement, and whose it is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ..latents import Noise, WPlus
from .directions import Directions
from .edit import Edit
from .identity import Identity
from .seeds import check_seed

FORMAT = "smis-state-1"


@dataclass(frozen=True)
class Seeded:
    """A source that a seed names. Raises ValueError for what is no seed."""

    seed: int
    """from 0 to `LARGEST_SEED`"""
    fraction: float = 0.0
    """how far on the way to the next seed, in [0, 1)"""
    label: int | None = None
    """the class, where the generator has classes"""

    def __post_init__(self) -> None:
        check_seed(self.seed, self.fraction)
        if self.label is not None and (
            isinstance(self.label, bool) or not isinstance(self.label, int) or self.label < 0
        ):
            raise ValueError(f"label: wanted a class from 0 up, got {self.label!r:.40}")


@dataclass(frozen=True, eq=False)
class Found:
    """A source that is given by its latent, as a picture that was inverted. Raises ValueError for
    latents that are not finite."""

    wplus: WPlus
    """[1, L, w]"""
    noise: Noise | None = None
    """one map a layer, where the inversion found them"""
    name: str = "picture"
    """for a person"""

    def __post_init__(self) -> None:
        if len(self.wplus) != 1:
            raise ValueError(f"wplus: wanted one latent [1, L, w], got {len(self.wplus)}")
        maps = () if self.noise is None else self.noise.maps
        for tensor in (self.wplus.tensor, *maps):
            if not bool(torch.isfinite(tensor).all()):
                raise ValueError(f"{self.name!r:.60}: wanted finite numbers, got NaN or infinities")


Source = Seeded | Found


@dataclass(frozen=True)
class Placement:
    """Where StyleGAN3 puts its picture. Raises ValueError for numbers that are not finite."""

    x: float = 0.0
    """to the right, in sides of the picture"""
    y: float = 0.0
    """down"""
    turn: float = 0.0
    """clockwise, 1 is the full circle"""

    def __post_init__(self) -> None:
        for name in ("x", "y", "turn"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 100:
                raise ValueError(f"{name}: wanted a number from -100 to 100, got {value!r:.40}")


@dataclass(frozen=True, kw_only=True, eq=False)
class EditState:
    """Everything that decides an edited picture. Raises ValueError for parts that do not fit."""

    generator: Identity
    a: Source
    """what is edited"""
    edit: Edit
    b: Source | None = None
    """what rows blend towards"""
    directions: Directions | None = None
    """those that the edit names; others are dropped"""
    placement: Placement = field(default_factory=Placement)

    def __post_init__(self) -> None:
        shape = (self.generator.num_ws, self.generator.w_dim)
        for source in (self.a, self.b):
            if isinstance(source, Found) and tuple(source.wplus.tensor.shape[1:]) != shape:
                raise ValueError(
                    f"{source.name!r:.60}: wanted a latent of {shape[0]} rows of {shape[1]}, as "
                    f"the generator has, got {[*source.wplus.tensor.shape[1:]]}"
                )
        if len(self.edit.rows) != shape[0]:
            raise ValueError(f"edit: wanted {shape[0]} rows, got {len(self.edit.rows)}")
        if self.b is None and any(row.blend for row in self.edit.rows):
            raise ValueError("b: the edit blends towards a second source, but there is none")
        if self.edit.names and self.directions is None:
            raise ValueError(f"directions: wanted {', '.join(self.edit.names)}, got none")
        if self.directions is not None:
            self.directions.check(self.generator)
            names = self.edit.names
            used = self.directions.select(names) if names else None
            object.__setattr__(self, "directions", used)

    def to_bytes(self) -> bytes:
        """The state as a safetensors file, for a picture, a page or a disk."""
        tensors: dict[str, Tensor] = {}
        content: dict[str, Any] = {
            "generator": self.generator.to_dict(),
            "edit": self.edit.to_dict(),
            "placement": asdict(self.placement),
        }
        for place, source in (("a", self.a), ("b", self.b)):
            if isinstance(source, Seeded):
                content[place] = asdict(source)
            elif source is not None:
                maps = None if source.noise is None else len(source.noise.maps)
                content[place] = {"name": source.name, "maps": maps}
                tensors[f"{place}.wplus"] = source.wplus.tensor
                for index in range(maps or 0):
                    assert source.noise is not None
                    tensors[f"{place}.noise.{index}"] = source.noise.maps[index]
        if self.directions is not None:
            used = self.directions
            content["directions"] = {
                "names": used.names, "method": used.method, "settings": dict(used.settings),
                "circles": dict(used.circles), "middles": dict(used.middles),
                "generator": used.generator.to_dict(),
            }  # fmt: skip
            for part in ("steps", "normals", "centre"):
                tensors[f"directions.{part}"] = getattr(used, part)
        plain = {
            name: tensor.detach().cpu().float().contiguous().clone()
            for name, tensor in tensors.items()
        }
        return save(plain, metadata={"format": FORMAT, "state": json.dumps(content)})

    @classmethod
    def from_bytes(cls, data: bytes) -> EditState:
        """The inverse of `to_bytes`. Nothing in the data is run.

        Raises:
            ValueError: the data are damaged, or something else.
        """
        try:
            return _read(data)
        except SafetensorError as problem:
            raise ValueError(f"the saved state is damaged ({problem})") from None
        except (
            AttributeError, KeyError, TypeError, IndexError, RecursionError, OverflowError,
            UnicodeDecodeError, json.JSONDecodeError,
        ) as problem:  # fmt: skip
            raise ValueError(f"the saved state is damaged ({problem!r:.200})") from None


def _read(data: bytes) -> EditState:
    tensors = load(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata = header.get("__metadata__") or {}
    if metadata.get("format") != FORMAT:
        raise ValueError(
            f"the saved state has the format {metadata.get('format', 'none')!r:.40}, but {FORMAT} "
            "is wanted: it was saved by a newer SMIS, or by another program"
        )
    content: Mapping[str, Any] = json.loads(metadata["state"])
    directions = None
    if "directions" in content:
        values = content["directions"]
        directions = Directions(
            names=tuple(values["names"]),
            method=str(values["method"]),
            settings=dict(values["settings"]),
            circles=dict(values["circles"]),
            middles=dict(values.get("middles", {})),
            generator=Identity.from_dict(values["generator"]),
            **{part: tensors[f"directions.{part}"] for part in ("steps", "normals", "centre")},
        )
    return EditState(
        generator=Identity.from_dict(content["generator"]),
        a=_source(content["a"], "a", tensors),
        b=_source(content["b"], "b", tensors) if "b" in content else None,
        edit=Edit.from_dict(content["edit"]),
        directions=directions,
        placement=Placement(**content["placement"]),
    )


def _source(values: Mapping[str, Any], place: str, tensors: Mapping[str, Tensor]) -> Source:
    if "seed" in values:
        return Seeded(**values)
    maps = values["maps"]
    noise = None
    if maps is not None:
        noise = Noise(tuple(tensors[f"{place}.noise.{index}"] for index in range(maps)))
    return Found(WPlus(tensors[f"{place}.wplus"]), noise, str(values["name"]))
