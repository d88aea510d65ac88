"""Files that pass the reader and aim at what is built from them: whole checkpoints with one lie."""

import io
import json
import pickle
import struct

import numpy as np
import safetensors.torch
import torch
from checkpoints.foreign_files import (
    foreign_modules,
    record,
    stylegan2_attributes,
    tensorflow_network,
)
from golden_files import load_golden, state_of
from security.attack import refused
from security.attacks_by_container import safetensors as raw_safetensors

from smis_core.networks.configs import GeneratorConfig
from smis_core.networks.stylegan2 import Generator

TINY = GeneratorConfig(
    resolution=8, z_dim=8, w_dim=8, mapping_layers=2, channel_base=64, channel_max=8
)
STYLEGAN3 = {
    "resolution": 16, "z_dim": 8, "w_dim": 8, "mapping_layers": 2, "num_layers": 4,
    "num_critical": 1, "channel_base": 64, "channel_max": 8,
}  # fmt: skip
DEEP = "[" * 100_000
CONV = "synthesis.b4.conv1"


def attacks():
    """All of them by name."""
    return {
        f"{family}: {title}": attack
        for family, found in {
            "port": _port(),
            "nvidia": _stylegan2(),
            "stylegan3": _stylegan3(),
            "tensorflow": _tensorflow(),
            "ours": _ours(),
        }.items()
        for title, attack in found.items()
    }


def harmless():
    """What the attacks are made of, without a lie."""
    return {
        "port": saved({"g_ema": _port_state(), "latent_avg": torch.zeros(1)}),
        "nvidia": stylegan2(),
        "nvidia with labels": stylegan2("cond"),
        "stylegan3-t": stylegan3("t"),
        "stylegan3-r": stylegan3("r"),
        "tensorflow": tensorflow(),
        "ours": ours(),
    }


def saved(content):
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def stylegan2(golden="uncond", *, path="", state=(), **attributes):
    """NVIDIA's pickle of a generator; some tensors, and attributes of one module, replaced."""
    tensors = state_of(load_golden(f"stylegan2_ada_generator_{golden}")[0])
    every = stylegan2_attributes(tensors)
    every.setdefault(path, {}).update(attributes)
    return _pickled({"G_ema": record("Generator", tensors | dict(state), every)})


def stylegan3(kind, *, state=(), **stated):
    """NVIDIA's pickle of a StyleGAN3; some tensors and stated settings replaced."""
    golden, texts = load_golden(f"stylegan3_{kind}_generator")
    public = texts["config"]
    own = {name: public[name] for name in ("num_critical", "margin_size")}
    attributes = {
        "": {"_init_kwargs": public},
        "synthesis": {"output_scale": 0.25, **own, **stated, "_init_kwargs": stated},
    }
    return _pickled({"G_ema": record("Generator", state_of(golden) | dict(state), attributes)})


def tensorflow(**static):
    """NVIDIA's triple of TensorFlow networks."""
    golden, texts = load_golden("stylegan2_tensorflow_generator")
    variables = {}
    for name, value in golden.items():
        family, _, rest = name.partition("/")
        if family == "variables":
            for part in ("mapping", "synthesis"):
                rest = rest.replace(f"components/{part}/", "")
            variables[rest] = np.asarray(value)
    last = tensorflow_network("Gs", variables, {**texts["static_kwargs"], **static})
    return _pickled((tensorflow_network("G", {}, {}), tensorflow_network("D", {}, {}), last))


def ours(*, without="", state=(), **changes):
    """A file of save_network; some metadata and tensors replaced, or one entry left out."""
    metadata = {
        "format": "smis-1", "kind": "stylegan2-generator", "card": "{}",
        "config": json.dumps(TINY.to_dict()), **changes,
    }  # fmt: skip
    metadata.pop(without, None)
    tensors = {k: torch.zeros_like(v) for k, v in Generator(TINY).state_dict().items()}
    return safetensors.torch.save(tensors | dict(state), metadata)


def _pickled(content):
    with foreign_modules():
        return pickle.dumps(content, protocol=4)


def _port_state():
    sides = {f"noises.noise_{i}": 2 ** ((i + 5) // 2) for i in range(3)}
    return _thin_port(3) | {name: torch.zeros(1, 1, side, side) for name, side in sides.items()}


def _port():
    whole = _port_state()
    cases = {
        "a noise map of the index 2*10^10": {"noises.noise_20000000000": torch.zeros(1, 1, 4, 4)},
        "a convolution of the index 10^12": {f"convs.{10**12}.conv.weight": torch.zeros(1)},
        "a picture layer of the index 10^12": {f"to_rgbs.{10**12}.bias": torch.zeros(1, 3, 1, 1)},
        "a kernel of the index 10^12": {f"to_rgbs.{10**12}.upsample.kernel": torch.zeros(4, 4)},
        "an index of 5,000 digits": {f"noises.noise_{'9' * 5000}": torch.zeros(1, 1, 4, 4)},
        "an input of one dimension": {"input.input": torch.zeros(4)},
        "a noise map of one dimension": {"noises.noise_0": torch.zeros(4)},
        "a convolution of one dimension": {"conv1.conv.weight": torch.zeros(4)},
        "a style of one dimension": {"style.1.weight": torch.zeros(4)},
        "weights of whole numbers": {
            "conv1.conv.weight": whole["conv1.conv.weight"].to(torch.int64)
        },
    }
    average = torch.zeros(1)
    found = {
        title: refused(saved({"g_ema": whole | more, "latent_avg": average}))
        for title, more in cases.items()
    }
    for title, average in {
        "an average of no rows": torch.zeros(0, 1),
        "an average of nothing": torch.zeros(0),
        "an average of whole numbers": torch.zeros(4, 1, dtype=torch.int64),
        "an average of text": "x",
    }.items():
        found[title] = refused(saved({"g_ema": whole, "latent_avg": average}))
    for level in (14, 20):
        content = saved({"g_ema": _thin_port(level), "latent_avg": torch.zeros(1)})
        found[f"noise maps to be made up, to 2^{level}"] = refused(content)
    half = torch.zeros(1024, 1024).half()
    for count in (60, 400):
        shared = _thin_state(1024)
        shared |= {f"mapping.fc{i}.weight": half for i in range(count)}
        shared |= {f"mapping.fc{i}.bias": torch.zeros(1024) for i in range(count)}
        found[f"{count} layers of one storage"] = refused(saved(shared))
    return found


def _thin_port(level):
    """The port's generator of one channel and pictures of 2^level, without its noise maps."""
    state = {"style.1.weight": torch.zeros(1, 1), "style.1.bias": torch.zeros(1)}
    state["input.input"] = torch.zeros(1, 1, 4, 4)

    def layer(path):
        picture = path.startswith("to_rgb")
        side = 1 if picture else 3
        state[f"{path}.conv.weight"] = torch.zeros(1, 3 if picture else 1, 1, side, side)
        state[f"{path}.conv.modulation.weight"] = torch.zeros(1, 1)
        state[f"{path}.conv.modulation.bias"] = torch.zeros(1)
        if picture:
            state[f"{path}.bias"] = torch.zeros(1, 3, 1, 1)
        else:
            state[f"{path}.noise.weight"] = torch.zeros(1)
            state[f"{path}.activate.bias"] = torch.zeros(1)

    layer("conv1")
    layer("to_rgb1")
    for index in range(level - 2):
        for path in (f"convs.{2 * index}", f"convs.{2 * index + 1}", f"to_rgbs.{index}"):
            layer(path)
        state[f"convs.{2 * index}.conv.blur.kernel"] = torch.zeros(4, 4)
        state[f"to_rgbs.{index}.upsample.kernel"] = torch.zeros(4, 4)
    return state


def _thin_state(w_dim):
    """The state of an 8² generator of one channel under the published names."""
    config = GeneratorConfig(
        resolution=8, z_dim=w_dim, w_dim=w_dim, mapping_layers=1, channel_base=8, channel_max=1
    )
    return {k: torch.zeros_like(v) for k, v in Generator(config).state_dict().items()}


def _stylegan2():
    doubled = "a" * 4000
    for _ in range(20):
        doubled = [doubled, doubled]
    whole = state_of(load_golden("stylegan2_ada_generator_uncond")[0])[f"{CONV}.weight"]
    cases = {
        "an activation of a billion letters": stylegan2(path=CONV, activation=doubled),
        "an activation that is a list": stylegan2(path=CONV, activation=["relu"]),
        "a clamp that is a list": stylegan2(path=CONV, conv_clamp=[1]),
        "a clamp that is text": stylegan2(path=CONV, conv_clamp="x"),
        "a clamp of a million letters": stylegan2(path=CONV, conv_clamp="9" * 10**6),
        "a clamp that is no number": stylegan2(path=CONV, conv_clamp=float("nan")),
        "a clamp beyond floats": stylegan2(path=CONV, conv_clamp=10**400),
        "weights of whole numbers": stylegan2(state={f"{CONV}.weight": whole.to(torch.int64)}),
        "400 rescaled layers of one storage": _aliased(),
    }
    tensors = {
        "uncond": (f"{CONV}.weight", "mapping.fc0.weight", "synthesis.b4.const"),
        "cond": ("mapping.embed.weight",),
    }
    for golden, names in tensors.items():
        for name in names:
            content = stylegan2(golden, state={name: torch.zeros(4)})
            cases[f"{name} of one dimension"] = content
    return {title: refused(content) for title, content in cases.items()}


def _aliased():
    """Hundreds of layers that are one tensor, with a rate that rescales each of them."""
    state = _thin_state(1024)
    inside = {"_parameters": {"weight": torch.zeros(1024, 1024), "bias": torch.zeros(1024)}}
    layer = record("Part", {}, {"": {**inside, "bias_gain": 0.5}})
    network = record("Generator", state, stylegan2_attributes(state))
    network.state["_modules"]["mapping"].state["_modules"] |= {f"fc{i}": layer for i in range(400)}
    return _pickled({"G_ema": network})


def _stylegan3():
    cases = {
        "filters of 10^7 taps": stylegan3("t", filter_size=10**7),
        "filters of text": stylegan3("t", filter_size="x"),
        "upsampling by 10^8": stylegan3("t", lrelu_upsampling=10**8),
        "upsampling by 2.5": stylegan3("t", lrelu_upsampling=2.5),
        "radial filters of 6,000 taps": stylegan3("r", filter_size=6000),
        "an output scale of text": stylegan3("t", output_scale="x"),
        "an output scale of nothing": stylegan3("t", output_scale=None),
        "a cutoff next to nothing": stylegan3("t", first_cutoff=1e-320),
        "a cutoff that is no number": stylegan3("t", first_cutoff=float("nan")),
        "a stopband next to infinity": stylegan3("t", last_stopband_rel=1e308),
        "a margin of 10^9": stylegan3("t", margin_size=10**9),
        "a margin of nothing": stylegan3("t", margin_size=None),
        "a clamp of text": stylegan3("t", conv_clamp="x"),
    }
    for name in ("mapping.fc0.weight", "synthesis.input.affine.weight", "synthesis.input.freqs"):
        cases[f"{name} of no dimension"] = stylegan3("t", state={name: torch.zeros(())})
    tensors = {f"a{i}": torch.zeros(1) for i in range(10)}
    for title, more in {
        "ours with radial filters of 5,000 taps": {"use_radial_filters": True, "filter_size": 5000},
        "ours with filters of 10^8 taps": {"filter_size": 10**8},
        "ours with upsampling by 10^8": {"lrelu_upsampling": 10**8},
    }.items():
        metadata = {
            "format": "smis-1", "kind": "stylegan3-generator", "card": "{}",
            "config": json.dumps(STYLEGAN3 | more),
        }  # fmt: skip
        cases[title] = safetensors.torch.save(tensors, metadata)
    return {title: refused(content) for title, content in cases.items()}


def _tensorflow():
    cases = {
        "a kernel of 16,000 taps": tensorflow(resample_kernel=[1] * 16_000),
        "a kernel that is a number": tensorflow(resample_kernel=5),
        "a learning rate of text": tensorflow(mapping_lrmul="x"),
        "a clamp that is a list": tensorflow(conv_clamp=[1]),
    }
    return {title: refused(content) for title, content in cases.items()}


def _ours():
    lists = b"[" * 200_000 + b"]" * 200_000
    weight = f"{CONV}.weight"
    shape = Generator(TINY).state_dict()[weight].shape
    cases = {
        "a deep header": raw_safetensors(b'{"a":' + lists + b"}"),
        "a card that is a list": ours(card="[1]"),
        "a card that is text": ours(card='"x"'),
        "a card that is no JSON": ours(card="{"),
        "a deep card": ours(card=DEEP),
        "a configuration that is a list": ours(config="[]"),
        "a deep configuration": ours(config=DEEP),
        "weights of whole numbers": ours(state={weight: torch.zeros(shape, dtype=torch.int64)}),
        "weights of one dimension": ours(state={weight: torch.zeros(4)}),
    }
    for entry in ("card", "kind", "config"):
        cases[f"no {entry}"] = ours(without=entry)
    for title, more in {
        "a clamp of text": {"conv_clamp": "x"},
        "channels of 2^28": {"channel_base": 2**40, "channel_max": 2**28},
        "styles of 2^62": {"z_dim": 2**62, "w_dim": 2**62},
        "styles of 2^70": {"w_dim": 2**70},
        "pictures of a fractional size": {"resolution": 8.5},
        "a number of layers of text": {"mapping_layers": "x"},
    }.items():
        cases[title] = ours(config=json.dumps(TINY.to_dict() | more))
    found = {title: refused(content) for title, content in cases.items()}
    found["a directory of 60,000 members"] = refused(_directory(60_000))
    found["a torch file's directory of 60,000 members"] = refused(
        _directory(60_000, b"a/data.pkl"), "60,000 members"
    )
    return found


def _directory(count, first=b""):
    """A zip container that is nothing but its directory: every entry names the same place."""
    head = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, *(0,) * 7, 12, *(0,) * 6)
    entries = b"".join(head + b"a/data/%05d" % index for index in range(count))
    start = b"PK\x03\x04" + bytes(26) + first
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entries), len(start), 0)
    return start + entries + end
