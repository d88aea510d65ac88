"""NVIDIA's TensorFlow pickles, (G, D, Gs): StyleGAN2 and its ADA, from variables to our state.

StyleGAN (1) has a module of its own. Discriminators of these files are not read: their variables
have no use without the training they come from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...networks.stylegan2 import Generator
from ...ops import setup_filter
from ..restricted import TensorFlowNetwork
from ..restricted.errors import shown
from . import stylegan1_tensorflow
from .assemble import Loaded, Unfit, assemble, fill_average, plainly
from .label_concat import LabelConcatGenerator
from .stylegan2_state import generator_config, load_generator_state

GENERATOR = "StyleGAN2 generator of TensorFlow"
_LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb"}
_MAPPING_LR = 0.01
_MOST_TAPS = 16


def holds(content: object) -> bool:
    """Whether the content of a pickle is of this format."""
    return bool(_networks(content))


def load(content: Any) -> Loaded:
    """The averaged generator in the content of a pickle.

    Args:
        content: (G, D, Gs) as NVIDIA's programs write them, or one network. The last generator
            is taken, which is Gs.

    Raises:
        Unfit: it has no generator, a layer is missing or unknown, or shapes contradict each other.
    """
    networks = _networks(content)
    generators = [network for network in networks if _is_generator(network)]
    if not generators:
        names = ", ".join(repr(shown(network.name)) for network in networks[:5])
        raise Unfit(
            f"it holds a discriminator only ({names}): pictures need the generator Gs; get the "
            "file that was saved with the whole training"
        )
    notes: list[str] = []
    if len(generators) == 1 and len(networks) > 1 and generators[0] is networks[0]:
        notes.append("the file has no averaged generator (Gs), so the one in training is used")
    network = generators[-1]
    variables = gather(network)
    options = {**network.static_kwargs}
    for name in ("mapping", "synthesis"):
        if name in network.components:
            options = {**network.components[name].static_kwargs, **options}
    generator = _generator(variables, options, notes)
    return Loaded(
        format="nvidia-tensorflow",
        generator=generator,
        options={key: value for key, value in options.items() if _is_plain(value)},
        notes=tuple(notes),
    )


def gather(network: TensorFlowNetwork) -> dict[str, np.ndarray]:
    """The variables of a network and of its components in one namespace."""
    variables = dict(network.variables)
    for component in network.components.values():
        variables |= gather(component)
    return variables


def stylegan2_state(
    variables: Mapping[str, np.ndarray], static_kwargs: Mapping[str, Any]
) -> dict[str, Tensor]:
    """StyleGAN2's variables under the published PyTorch names and layouts.

    Args:
        variables: by TensorFlow name, HWIO and [in, out].
        static_kwargs: the network's settings; `resample_kernel` and `mapping_lrmul` are read.

    Returns:
        The state; a bias-free class embedding is "mapping.label_weight".

    Raises:
        Unfit: a variable that no StyleGAN2 has.
    """
    resolution = _resolution(variables)
    kernel = static_kwargs.get("resample_kernel") or (1, 3, 3, 1)
    if not isinstance(kernel, list | tuple) or not 1 <= len(kernel) <= _MOST_TAPS:
        raise Unfit(
            f"its resample_kernel is {plainly(kernel)}, but a list of few numbers is wanted"
        )
    rate = float(static_kwargs.get("mapping_lrmul") or _MAPPING_LR) / _MAPPING_LR
    state: dict[str, Tensor] = {}
    for name, value in variables.items():
        state |= dict(_translated(name, np.asarray(value), resolution, rate))
    # Only the last of the progressive ToRGB layers draws; the others served growing.
    if any("ToRGB_lod" in name for name in variables):
        for r in (2**k for k in range(2, resolution.bit_length() - 1)):
            for key in [k for k in state if k.startswith(f"synthesis.b{r}.torgb.")]:
                del state[key]
    taps = setup_filter([float(tap) for tap in kernel])
    for stem in sorted({_filtered(name) for name in state} - {""}):
        state[f"{stem}.resample_filter"] = taps.clone()
    return state


def _translated(
    name: str, value: np.ndarray, resolution: int, rate: float
) -> list[tuple[str, Tensor]]:
    if name == "lod":
        return []
    if name == "dlatent_avg":
        return [("mapping.w_avg", _tensor(value))]
    if match := re.fullmatch(r"Dense(\d+)/(weight|bias)", name):
        stored = _tensor(value.T if match[2] == "weight" else value)
        return [(f"mapping.fc{match[1]}.{match[2]}", stored if rate == 1 else stored * rate)]
    if match := re.fullmatch(r"LabelEmbed/(weight|bias)", name):
        return [(f"mapping.embed.{match[1]}", _tensor(value.T))]
    if name == "LabelConcat/weight":
        return [("mapping.label_weight", _tensor(value))]
    if match := re.fullmatch(r"noise(\d{1,2})", name):
        index = int(match[1])
        block = 2 ** ((index + 5) // 2)
        conv = "conv0" if index % 2 else "conv1"
        return [(f"synthesis.b{block}.{conv}.noise_const", _tensor(value[0, 0]))]
    if name == "4x4/Const/const":
        return [("synthesis.b4.const", _tensor(value[0]))]
    if match := re.fullmatch(r"ToRGB_lod(\d{1,2})/(\w+)", name):
        side = resolution >> int(match[1])
        return _layer(f"synthesis.b{side}.torgb", "ToRGB", match[2], value, name)
    if match := re.fullmatch(r"(\d{1,4})x\1/Skip/weight", name):
        return [(f"synthesis.b{match[1]}.skip.weight", _tensor(value.transpose(3, 2, 0, 1)))]
    if (match := re.fullmatch(r"(\d{1,4})x\1/(\w+)/(\w+)", name)) and match[2] in _LAYERS:
        path = f"synthesis.b{match[1]}.{_LAYERS[match[2]]}"
        return _layer(path, match[2], match[3], value, name)
    raise Unfit(
        f"its variable '{shown(name)}' belongs to no StyleGAN2 that SMIS knows: the network is "
        "of a variant whose pictures would come out wrong, so it is not opened"
    )


def _layer(
    path: str, kind: str, part: str, value: np.ndarray, name: str
) -> list[tuple[str, Tensor]]:
    if part == "weight" and value.ndim == 4:
        # Upsampling convolutions are stored for a correlation before the transposed one.
        turned = value[::-1, ::-1] if kind == "Conv0_up" else value
        return [(f"{path}.weight", _tensor(turned.transpose(3, 2, 0, 1)))]
    if part == "mod_weight":
        return [(f"{path}.affine.weight", _tensor(value.T))]
    if part == "mod_bias":
        return [(f"{path}.affine.bias", _tensor(value) + 1)]
    if part in ("bias", "noise_strength"):
        return [(f"{path}.{part}", _tensor(value))]
    raise Unfit(
        f"its variable '{shown(name)}' of shape {[*value.shape]} belongs to no StyleGAN2 layer"
    )


def _generator(
    variables: dict[str, np.ndarray], options: Mapping[str, Any], notes: list[str]
) -> nn.Module:
    if any("StyleMod" in name for name in variables):
        return stylegan1_tensorflow.load_generator(variables, options, notes)
    if not any(name.endswith("mod_weight") for name in variables):
        raise Unfit(
            "its generator has neither StyleGAN's nor StyleGAN2's layers (a progressive GAN, "
            "perhaps); SMIS opens generators of StyleGAN 1, 2 and 3"
        )
    for key in ("nonlinearity", "act", "mapping_nonlinearity"):
        if options.get(key) not in (None, "lrelu"):
            raise Unfit(f"its {key} is {plainly(options[key])}, but SMIS knows leaky ReLU here")
    state = stylegan2_state(variables, options)
    base = options.get("fmap_base")
    clamp = options.get("conv_clamp")
    known: dict[str, Any] = {
        "conv_clamp": None if clamp is None else float(clamp),
        "channel_base": 2 * int(base) if isinstance(base, int) else None,
        "w_avg_beta": None,
    }
    if "mapping.label_weight" not in state:
        return load_generator_state(state, **known, notes=notes)
    label = state["mapping.label_weight"]
    config = generator_config(state, **known)
    z_dim = config.z_dim - label.shape[1]
    config = replace(config, z_dim=z_dim, c_dim=label.shape[0])
    has_average = "mapping.w_avg" in state
    state.setdefault("mapping.w_avg", torch.zeros(config.w_dim))
    generator: Generator = assemble(lambda: LabelConcatGenerator(config), state, what=GENERATOR)
    if not has_average:
        fill_average(generator, notes)
    return generator


def _networks(content: object) -> list[TensorFlowNetwork]:
    if isinstance(content, TensorFlowNetwork):
        return [content]
    if isinstance(content, Mapping):
        content = list(content.values())
    if not isinstance(content, Sequence) or isinstance(content, str | bytes):
        return []
    return [entry for entry in content if isinstance(entry, TensorFlowNetwork)]


def _is_generator(network: TensorFlowNetwork) -> bool:
    if "synthesis" in network.components:
        return True
    return any(name.endswith(("4x4/Const/const", "Const/const")) for name in gather(network))


def _resolution(variables: Mapping[str, np.ndarray]) -> int:
    sides = [int(m[1]) for name in variables if (m := re.match(r"(\d{1,4})x\1/", name))]
    if not sides:
        raise Unfit("its generator lacks all layers by resolution; get a whole file")
    return max(sides)


def _filtered(name: str) -> str:
    """The module with a resampling filter to which a name belongs: a block, convolution or skip."""
    match = re.match(r"(synthesis\.b\d+)\.(conv0|conv1|skip)\.weight$", name)
    if match:
        return f"{match[1]}.{match[2]}"
    match = re.match(r"(synthesis\.b\d+)\.conv1\.bias$", name)
    return match[1] if match else ""


def _tensor(value: np.ndarray) -> Tensor:
    if value.dtype.kind != "f":
        raise Unfit(f"weights of the kind {value.dtype} were found where floats are wanted")
    if value.dtype.byteorder == ">":
        value = value.astype(value.dtype.newbyteorder("="))
    value = np.ascontiguousarray(value).reshape(value.shape)
    # Arrays read from a file may be views of it, which torch would rather not be handed.
    return torch.from_numpy(value if value.flags.writeable else value.copy())


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool | list | tuple)
