"""The first StyleGAN, from the variables of TensorFlow to our network."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...networks.foreign_configs import StyleGAN1Config
from ...networks.stylegan1 import StyleGAN1Generator
from ...networks.stylegan1_layers import BLUR
from ...ops import setup_filter
from .assemble import Unfit, assemble, fill_average, plainly, pyramid

WHAT = "StyleGAN generator of TensorFlow"

_FUSED_FROM = 128
"""From which side on `fused_scale="auto"` fuses upsampling and convolution."""

_SETTLED: Mapping[str, tuple[Any, ...]] = {
    "use_wscale": (True,),
    "use_styles": (True,),
    "use_noise": (True,),
    "use_pixel_norm": (False,),
    "use_instance_norm": (True,),
    "normalize_latents": (True,),
    "mapping_lrmul": (0.01,),
    "mapping_nonlinearity": ("lrelu",),
    "nonlinearity": ("lrelu",),
    "blur_filter": (list(BLUR), BLUR),
}
"""Settings that all published networks share, and the only values that are read."""

Variables = Mapping[str, np.ndarray]


def load_generator(
    variables: Variables, static_kwargs: Mapping[str, Any], notes: list[str]
) -> StyleGAN1Generator:
    """The generator that variables hold, in eval mode, frozen.

    Args:
        variables: of the network, its mapping and its synthesis, in one namespace.
        static_kwargs: the settings of all three.
        notes: takes a line for what had to be made up.

    Raises:
        Unfit: as `variables_to_state`.
    """
    if lod := _dropped(variables):
        notes.append(
            f"the network was saved while it grew, {lod:g} doublings before its full size; it "
            "draws at the size of the layers that were grown in"
        )
    config, state = variables_to_state(variables, static_kwargs)
    generator = assemble(lambda: StyleGAN1Generator(config), state, what=WHAT)
    if "dlatent_avg" not in variables:
        fill_average(generator, notes)
    return generator


def variables_to_state(
    variables: Variables, static_kwargs: Mapping[str, Any] | None = None
) -> tuple[StyleGAN1Config, dict[str, Tensor]]:
    """StyleGAN's variables in the names and layouts of `StyleGAN1Generator`.

    Args:
        variables: by TensorFlow name, convolutions HWIO and dense layers [in, out].
        static_kwargs: the network's settings. `fused_scale` decides which way round the kernels
            of upsampling layers lie ("auto" where it is not given), `fmap_base` is taken where it
            fits the shapes, and others must have the values that published networks have.

    Returns:
        The configuration, and float32 tensors that share no memory with read-only variables. A
        network without an average gets zeros for it.

    Raises:
        Unfit: a variable is missing, shapes contradict each other, or a setting is unknown.
    """
    options = static_kwargs or {}
    _check_settings(options)
    config = _config(variables, options)
    state = _mapping_state(variables, config)
    for index, resolution in enumerate(config.resolutions):
        state |= _block_state(variables, config, resolution, 2 * index, options)
    lod = math.ceil(_dropped(variables))
    state["synthesis.torgb.weight"] = _convolution(variables, f"ToRGB_lod{lod}/weight")
    state["synthesis.torgb.bias"] = _tensor(variables, f"ToRGB_lod{lod}/bias")
    return config, state


def _check_settings(options: Mapping[str, Any]) -> None:
    for name, settled in _SETTLED.items():
        value = options.get(name, settled[0])
        if value not in settled:
            raise Unfit(
                f"its {name} is {plainly(value)}, but SMIS knows StyleGAN with {settled[0]!r} "
                "alone: the network is of a variant whose pictures would come out wrong"
            )
    if options.get("fused_scale", "auto") not in (True, False, "auto"):
        raise Unfit(
            f"its fused_scale is {plainly(options['fused_scale'])}, not True, False or 'auto'"
        )


def _config(variables: Variables, options: Mapping[str, Any]) -> StyleGAN1Config:
    found = (re.match(r"(\d{1,4})x\1/", name) for name in variables)
    resolution = max((int(match[1]) for match in found if match), default=0)
    dense = sum(bool(re.fullmatch(r"Dense\d+/weight", name)) for name in variables)
    resolution >>= math.ceil(_dropped(variables))
    if resolution < 8 or not dense:
        raise Unfit(
            f"this {WHAT} lacks its {'layers from 8² on' if dense else 'mapping network'}: get a "
            "whole file from where it came from, or one that was saved later in training"
        )
    w_dim = _shape(variables, f"Dense{dense - 1}/weight", 2)[1]
    z_dim = _shape(variables, "Dense0/weight", 2)[0]
    c_dim = 0
    if "LabelConcat/weight" in variables:
        c_dim, label_dim = _shape(variables, "LabelConcat/weight", 2)
        if 2 * label_dim != z_dim:
            raise Unfit(
                f"the shapes in this {WHAT} contradict each other: Dense0 reads {z_dim} numbers, "
                f"but z and the class, of the same length, have {2 * label_dim}"
            )
        z_dim = label_dim
    if any(_shape(variables, f"Dense{i}/weight", 2)[1] != w_dim for i in range(dense)):
        raise Unfit(
            f"the mapping layers of this {WHAT} differ in width (mapping_fmaps), which no "
            "published network does and SMIS does not know"
        )
    sides = [2**k for k in range(2, resolution.bit_length())]
    widths = {side: _shape(variables, _conv_name(side, 1) + "/weight", 4)[3] for side in sides}
    base = options.get("fmap_base")
    channel_base, channel_max = pyramid(
        widths, base=2 * base if isinstance(base, int) else None, what=WHAT
    )
    return StyleGAN1Config(
        resolution=resolution,
        img_channels=_shape(variables, "ToRGB_lod0/weight", 4)[3],
        c_dim=c_dim,
        z_dim=z_dim,
        w_dim=w_dim,
        mapping_layers=dense,
        channel_base=channel_base,
        channel_max=channel_max,
        const_input="4x4/Dense/weight" not in variables,
    )


def _dropped(variables: Variables) -> float:
    """How many of the finest layers were not grown in when the network was saved."""
    lod = float(np.asarray(variables.get("lod", 0.0)).reshape(-1)[0])
    return min(lod, 16.0) if lod > 0 else 0.0  # NaN counts as grown


def _conv_name(resolution: int, index: int) -> str:
    if resolution == 4:
        return "4x4/Conv"
    return f"{resolution}x{resolution}/" + ("Conv1" if index else "Conv0_up")


def _mapping_state(variables: Variables, config: StyleGAN1Config) -> dict[str, Tensor]:
    state = {}
    if config.c_dim:
        state["mapping.label_weight"] = _tensor(variables, "LabelConcat/weight", dimensions=2)
    for index in range(config.mapping_layers):
        state[f"mapping.fc{index}.weight"] = _dense(variables, f"Dense{index}/weight")
        # Our activation is followed by a gain, which theirs has in the scale of the weight alone.
        bias = _tensor(variables, f"Dense{index}/bias")
        state[f"mapping.fc{index}.bias"] = bias * 0.5**0.5
    average = "dlatent_avg"
    state["mapping.w_avg"] = (
        _tensor(variables, average) if average in variables else torch.zeros(config.w_dim)
    )
    return state


def _block_state(
    variables: Variables,
    config: StyleGAN1Config,
    resolution: int,
    noise_index: int,
    options: Mapping[str, Any],
) -> dict[str, Tensor]:
    state = {}
    ours = f"synthesis.b{resolution}"
    if resolution > 4:
        first, name = "conv0", _conv_name(resolution, 0)
        fused = options.get("fused_scale", "auto")
        fused = resolution >= _FUSED_FROM if fused == "auto" else fused
        state[f"{ours}.conv0.weight"] = _convolution(variables, f"{name}/weight", flip=not fused)
        state[f"{ours}.conv0.blur_filter"] = setup_filter(BLUR)
    elif config.const_input:
        first, name = "const", "4x4/Const"
        state[f"{ours}.const.const"] = _tensor(
            variables, "4x4/Const/const", lambda a: a.reshape(a.shape[-3:]), dimensions=4
        )
    else:
        first, name = "const", "4x4/Dense"
        state[f"{ours}.const.weight"] = _dense(variables, "4x4/Dense/weight")
    second = _conv_name(resolution, 1)
    state[f"{ours}.conv1.weight"] = _convolution(variables, f"{second}/weight")
    for index, (layer, theirs) in enumerate(((first, name), ("conv1", second))):
        path = f"{ours}.{layer}"
        state[f"{path}.bias"] = _tensor(variables, f"{theirs}/bias")
        state[f"{path}.noise_strength"] = _tensor(variables, f"{theirs}/Noise/weight")
        state[f"{path}.noise_const"] = _tensor(
            variables, f"noise{noise_index + index}", lambda a: a[0, 0], dimensions=4
        )
        state[f"{path}.affine.weight"] = _dense(variables, f"{theirs}/StyleMod/weight")
        state[f"{path}.affine.bias"] = _tensor(variables, f"{theirs}/StyleMod/bias")
    return state


def _shape(variables: Variables, name: str, dimensions: int) -> tuple[int, ...]:
    if name not in variables:
        raise Unfit(
            f"this {WHAT} lacks {name}: the file was cut down; get a whole one from where it came "
            "from"
        )
    shape = tuple(np.asarray(variables[name]).shape)
    if len(shape) != dimensions:
        raise Unfit(f"{name} of this {WHAT} is {[*shape]}, but {dimensions} dimensions are wanted")
    return shape


def _dense(variables: Variables, name: str) -> Tensor:
    return _tensor(variables, name, lambda a: a.T, dimensions=2)


def _convolution(variables: Variables, name: str, *, flip: bool = False) -> Tensor:
    def turn(array: np.ndarray) -> np.ndarray:
        array = array[::-1, ::-1] if flip else array
        return array.transpose(3, 2, 0, 1)

    return _tensor(variables, name, turn, dimensions=4)


def _tensor(
    variables: Variables,
    name: str,
    turn: Callable[[np.ndarray], np.ndarray] = lambda a: a,
    *,
    dimensions: int = 1,
) -> Tensor:
    _shape(variables, name, dimensions)
    array = np.asarray(variables[name])
    if array.dtype.kind != "f":
        raise Unfit(f"{name} of this {WHAT} holds {array.dtype}, but floats are wanted")
    # Copied where a layout has to change, and where a view of the file must not be written to.
    return torch.from_numpy(np.require(turn(array), np.float32, ["C", "W"]))
