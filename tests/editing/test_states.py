"""Whole states: drawn, kept in a PNG, written as code."""

import io
import struct
import zlib

import pytest
import torch
from PIL import Image

from smis_core.checkpoints import save_network
from smis_core.editing import (
    Edit,
    EditState,
    Found,
    Placement,
    Seeded,
    as_python,
    draw,
    embed,
    extract,
    identify,
    latent_of,
    pca,
    resolve,
    save_directions,
    sefa,
)
from smis_core.images import save_image
from smis_core.latents import Noise, WPlus

from .conftest import a_class, stylegan2, stylegan3


def edited(generator, *, a=None, placement=None):
    label = a_class(generator)
    directions = sefa(generator, rows=[0, 1], count=3, label=label)
    edit = (
        Edit.neutral(generator.num_ws)
        .changed([0, 1], strengths={"sefa 2": 2.5})
        .changed([2], psi=0.5, noise=0.3)
        .changed([4], blend=0.75)
    )
    return EditState(
        generator=identify(generator),
        a=a or Seeded(12, 0.25, label),
        b=Seeded(2**63 - 1, 0.0, label),
        edit=edit,
        directions=directions,
        placement=placement or Placement(),
    )


def test_a_dropped_picture_restores_everything(anyone):
    state = edited(anyone)
    image = draw(anyone, state)
    again = extract(embed(image.clamp(-1, 1), state), anyone)
    assert again.edit == state.edit
    assert (again.a, again.b) == (state.a, state.b)
    assert again.directions.names == ("sefa 2",)
    assert torch.equal(draw(anyone, again), image)


def test_an_inverted_picture_comes_back_with_its_noise(generator, tmp_path):
    noise = Noise(tuple(torch.randn(1, 1, layer.resolution, layer.resolution)
                        for layer in generator.synthesis.layers))  # fmt: skip
    code = WPlus(torch.randn(1, generator.num_ws, generator.config.w_dim))
    state = edited(generator, a=Found(code, noise, "Ada"))
    image = draw(generator, state)
    path = tmp_path / "ada.png"
    path.write_bytes(embed(image.clamp(-1, 1), state))
    again = extract(path, generator)
    assert again.a.name == "Ada"
    assert torch.equal(draw(generator, again), image)
    assert Image.open(path).size == (32, 32)


def test_a_state_without_edits_is_its_source(anyone):
    state = EditState(
        generator=identify(anyone),
        a=Seeded(3, 0.0, a_class(anyone)),
        edit=Edit.neutral(anyone.num_ws),
    )
    code = latent_of(anyone, state.a)
    assert torch.equal(resolve(anyone, state).wplus.tensor, code.tensor)
    assert torch.equal(draw(anyone, state), anyone.synthesis(code.tensor))


def test_stylegan3_moves_and_turns_its_picture_and_forgets_it():
    generator = stylegan3(use_radial_filters=True, conv_kernel=1)
    plain = draw(generator, edited(generator))
    before = generator.synthesis.input.transform.clone()

    def drawn(**placement):
        return draw(generator, edited(generator, placement=Placement(**placement)))

    right = drawn(x=0.25)
    assert torch.equal(generator.synthesis.input.transform, before)
    inner = slice(10, 22)
    matched, other, still = (
        (right[..., inner, inner] - plain[..., inner, begin : begin + 12]).abs().mean()
        for begin in (2, 18, 10)
    )
    assert matched < 0.1 * min(still, other)
    assert torch.allclose(drawn(turn=1.0), plain, atol=1e-3)
    quarter = torch.rot90(plain, -1, (2, 3))  # clockwise
    turned = drawn(turn=0.25)
    centre = slice(10, 22)
    apart = [(turned - each)[..., centre, centre].abs().mean() for each in
             (quarter, torch.rot90(plain, 1, (2, 3)))]  # fmt: skip
    assert apart[0] < 0.1 * apart[1]
    with pytest.raises(ValueError, match="only StyleGAN3 moves"):
        draw(stylegan2(), edited(stylegan2(), placement=Placement(x=0.1)))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(
        ">I", zlib.crc32(kind + content)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("jpeg", "this is no PNG"),
        ("plain", "this PNG has no latent"),
        ("saved again", "this PNG has no latent"),
        ("bit", "checksum is wrong"),
        ("cut", "cut short or damaged"),
        ("length", "says that it has"),
        ("twice", "this PNG has 2"),
        ("garbage", "saved state is damaged"),
        ("newer", "is wanted: it was saved by a newer SMIS"),
        ("nan", "NaN"),
        ("rows", "wanted 8 rows, got 3"),
        ("empty", "no PNG"),
    ],
)
def test_a_harmed_picture_is_refused_in_words(generator, harm, reason):
    state = edited(generator)
    data = embed(draw(generator, state).clamp(-1, 1), state)
    payload = state.to_bytes()
    begin = data.index(b"smLt") - 4
    rest = data[begin + len(payload) + 12 :]

    def replaced(content):
        return data[:begin] + chunk(b"smLt", content) + rest

    buffer = io.BytesIO()
    if harm == "jpeg":
        Image.open(io.BytesIO(data)).save(buffer, "JPEG")
        data = buffer.getvalue()
    elif harm in ("plain", "saved again"):
        Image.open(io.BytesIO(data)).save(buffer, "PNG")
        data = buffer.getvalue()
    elif harm == "bit":
        place = begin + 60
        data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    elif harm == "cut":
        data = data[: begin + 100]
    elif harm == "length":
        data = data[:begin] + struct.pack(">I", 2**32 - 1) + data[begin + 4 :]
    elif harm == "twice":
        data = data[:begin] + chunk(b"smLt", payload) + data[begin:]
    elif harm == "garbage":
        data = replaced(b"\x00" * 40)
    elif harm == "newer":
        data = replaced(payload.replace(b"smis-state-1", b"smis-state-9"))
    elif harm == "nan":
        spoilt = bytearray(payload)
        spoilt[-4:] = struct.pack("<f", float("nan"))
        data = replaced(bytes(spoilt))
    elif harm == "rows":
        data = replaced(hand_packed(state, rows=3))
    else:
        data = b""
    with pytest.raises(ValueError, match=reason):
        extract(data, generator)


def hand_packed(state, rows):
    """A state whose edit has another number of rows."""
    from safetensors.torch import load, save

    payload = state.to_bytes()
    import json

    length = int.from_bytes(payload[:8], "little")
    metadata = json.loads(payload[8 : 8 + length])["__metadata__"]
    content = json.loads(metadata["state"])
    content["edit"]["rows"] = content["edit"]["rows"][:rows]
    metadata["state"] = json.dumps(content)
    return save(load(payload), metadata=metadata)


def test_another_generator_is_refused(generator, tmp_path):
    state = edited(generator)
    data = embed(draw(generator, state).clamp(-1, 1), state)
    with pytest.raises(ValueError, match="open the generator that it was made by"):
        extract(data, stylegan2(seed=1))
    generator.synthesis.b8.conv0.weight += 0.1
    with pytest.raises(ValueError, match="another tuning of the same one"):
        extract(data, generator)
    assert extract(data).generator == state.generator
    with pytest.raises(FileNotFoundError, match="no such file"):
        extract(tmp_path / "nothing.png")


def test_states_that_do_not_fit_are_refused(generator):
    mine = identify(generator)
    neutral = Edit.neutral(generator.num_ws)
    with pytest.raises(ValueError, match="edit: wanted 8 rows, got 7"):
        EditState(generator=mine, a=Seeded(1), edit=Edit.neutral(7))
    with pytest.raises(ValueError, match="there is none"):
        EditState(generator=mine, a=Seeded(1), edit=neutral.changed(blend=1))
    with pytest.raises(ValueError, match="directions: wanted up, got none"):
        EditState(generator=mine, a=Seeded(1), edit=neutral.changed(strengths={"up": 1}))
    other = pca(stylegan2(seed=1), count=1)
    with pytest.raises(ValueError, match="mapping network is another"):
        EditState(generator=mine, a=Seeded(1), edit=neutral, directions=other)
    with pytest.raises(ValueError, match="a latent of 8 rows"):
        EditState(generator=mine, a=Found(WPlus(torch.zeros(1, 7, 8))), edit=neutral)
    with pytest.raises(ValueError, match="NaN"):
        Found(WPlus(torch.full((1, 8, 8), torch.nan)))
    with pytest.raises(ValueError, match="seed"):
        Seeded(2**63)
    with pytest.raises(ValueError, match="x: wanted"):
        Placement(x=float("inf"))


@pytest.mark.parametrize("way", ["files", "picture", "plain"])
def test_the_code_draws_the_same_picture(generator, tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    save_network("generator.safetensors", generator)
    state = edited(generator)
    named = {"generator": "generator.safetensors"}
    if way == "files":
        save_directions("mine.safetensors", sefa(generator, rows=[0, 1], count=3))
        named["directions"] = "mine.safetensors"
    elif way == "picture":
        state = edited(generator, a=Found(latent_of(generator, Seeded(4))))
        (tmp_path / "it.png").write_bytes(embed(draw(generator, state).clamp(-1, 1), state))
        named["picture"] = "it.png"
    else:
        state = EditState(generator=state.generator, a=state.a, edit=state.edit.only([2]))
    code = as_python(state, **named)
    made = {}
    exec(code, made)
    assert torch.equal(made["image"], draw(generator, state))
    assert max(map(len, code.splitlines())) <= 100


def test_code_that_could_not_run_is_not_written(generator):
    with pytest.raises(ValueError, match="name the file of these directions"):
        as_python(edited(generator))
    with pytest.raises(ValueError, match="no seed that a line of code could name"):
        as_python(edited(generator, a=Found(latent_of(generator, Seeded(4)))))


def test_a_saved_picture_is_still_a_picture_of_ours(generator, tmp_path):
    image = draw(generator, edited(generator)).clamp(-1, 1)
    save_image(image, tmp_path / "plain.png")
    data = embed(image, edited(generator))
    pixels = [Image.open(each).tobytes() for each in (io.BytesIO(data), tmp_path / "plain.png")]
    assert pixels[0] == pixels[1]
