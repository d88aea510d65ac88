"""`smis synthesize`: portraits and sheets from masks, and refusals before any work."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import smis_core.fewshot
from smis_core.checkpoints import fingerprint
from smis_core.cli import app
from smis_core.fewshot import FewshotConfig, FewshotNetwork, Synthesizer
from smis_core.images import read_image
from smis_core.inversion import HybridOptions, hybrid, save_latent
from smis_core.labelling import LabellerConfig
from smis_core.labels import PORTRAITS, LabelClass, LabelMap, Palette
from smis_core.latents import WPlus, Z
from smis_core.networks import Generator, GeneratorConfig
from smis_core.networks.encoders import MaskEncoderConfig
from smis_core.recipes import synthesize

SIZE = 32
EXTRAS = {"contact_sheet.png", "figures.json"}


@pytest.fixture(scope="module")
def synthesizer():
    """Untrained: what it draws is nothing, but it draws something else for every mask."""
    torch.manual_seed(0)
    generator = Generator(
        GeneratorConfig(
            resolution=SIZE, channel_base=256, channel_max=16, z_dim=8, w_dim=8, mapping_layers=2
        )
    )
    layer = generator.synthesis.layers[3]
    reads = LabellerConfig(
        "probe", PORTRAITS.num_classes, (0, 1, 13), (layer.name,), (layer.channels,)
    )
    shape = MaskEncoderConfig(PORTRAITS.num_classes, SIZE, generator.num_ws, 8)
    network = FewshotNetwork(FewshotConfig(shape, reads, PORTRAITS, ()))
    for parameter in (*network.labeller.parameters(), network.encoder.base.weight):
        torch.nn.init.normal_(parameter, std=0.3)
    generator.eval().requires_grad_(False)
    return Synthesizer(generator, network.eval().requires_grad_(False))


@pytest.fixture(autouse=True)
def loaded(monkeypatch, synthesizer):
    """What the command asked for."""
    asked = []

    def load(**options):
        asked.append(options)
        return synthesizer

    monkeypatch.setattr(smis_core.fewshot, "load_synthesizer", load)
    return asked


def smis(*arguments):
    return CliRunner().invoke(app, ["synthesize", *map(str, arguments)])


@pytest.fixture
def mask(tmp_path):
    indices = np.zeros((32, 32), dtype=np.uint8)
    indices[8:24, 8:24] = 13
    path = tmp_path / "face.png"
    LabelMap(indices).save(path)
    return path


def test_one_mask_in_six_styles(mask, tmp_path, loaded, synthesizer):
    result = smis(mask, "-o", tmp_path / "out", "--seed", 3, "--shots", 5, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert loaded == [{"shots": 5, "device": "cpu"}]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"face_style{seed}.png" for seed in range(3, 9)} | EXTRAS
    with Image.open(tmp_path / "out" / "face_style4.png") as portrait:
        assert portrait.size == (SIZE, SIZE)
        assert portrait.text["smis:mask"] == "face"
        assert portrait.text["smis:style_seed"] == "4"
        assert portrait.text["smis:mix_from"] == str(synthesizer.default_mix_from)


def test_the_sheet_shows_the_mask_and_then_its_styles(mask, tmp_path):
    smis(mask, "-o", tmp_path / "out", "--styles", 2)
    sheet = read_image(tmp_path / "out" / "contact_sheet.png")[0]
    assert sheet.shape == (3, 256, 3 * 256 + 2 * 6)
    colour = torch.tensor(PORTRAITS.by_name("hair").colour) / 127.5 - 1
    torch.testing.assert_close(sheet[:, 128, 128], colour, atol=1e-6, rtol=0)
    for place, style in enumerate((262, 524)):
        portrait = read_image(tmp_path / "out" / f"face_style{place}.png", size=256)[0]
        assert (sheet[:, :, style : style + 256] - portrait).abs().mean() < 0.02


def test_a_folder_is_read_with_its_sub_folders(mask, tmp_path):
    masks = tmp_path / "masks"
    for number in range(17):
        path = masks / f"part{number % 2}" / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mask.read_bytes())
    (masks / "part0" / "photograph.jpg").write_bytes(b"left alone")
    result = smis("--masks", masks, "-o", tmp_path / "out", "--styles", 1)
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "part1-03_style0.png" in names
    assert {"contact_sheet.png", "contact_sheet_2.png"} <= names
    assert len(names) == 17 + 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{mask}", "--masks", "{folder}", "-o", "{out}"], "exactly one"),
        (["-o", "{out}"], "exactly one"),
        (["{folder}", "-o", "{out}"], "use --masks"),
        (["--masks", "{mask}", "-o", "{out}"], "takes a folder"),
        (["{folder}/none.png", "-o", "{out}"], "no such file"),
        (["--masks", "{folder}/none", "-o", "{out}"], "takes a folder"),
        (["{mask}", "-o", "{folder}"], "among the masks"),
        (["{mask}", "-o", "{mask}"], "this is a file"),
        (["{mask}", "-o", "{mask}/deep"], "not a folder"),
        (["{mask}", "-o", "{out}", "--styles", "0"], "styles: wanted at least 1"),
        (["{mask}", "-o", "{out}", "--seed", "-1"], "seed: wanted 0 or more"),
        (["--masks", "{empty}", "-o", "{out}"], "holds none"),
        (["{mask}", "-o", "{out}", "--style-from", "{folder}/none.png"], "no such file"),
        (["{mask}", "-o", "{out}", "--style-from", "{mask}", "--style-from", "{mask}"], "names"),
        (["{mask}", "-o", "{out}", "--style-layer", "99"], "a row from 0 to 8"),
        (["{mask}", "-o", "{out}", "--style-layer", "0", "--refine", "1"], "a row from 1 to 8"),
        (["{mask}", "-o", "{out}", "--refine", "0"], "positive number of seconds"),
        (["{mask}", "-o", "{out}", "--refine", "nan"], "positive number of seconds"),
        (["{mask}", "-o", "{out}", "--change-only", "{mask}"], "--of"),
        (["{mask}", "-o", "{out}", "--of", "{folder}/none.png"], "no such file"),
        (["{mask}", "-o", "{out}", "--of", "{mask}", "--change-only", "{black}"], "is black"),
        (["{mask}", "-o", "{out}", "--of", "{mask}", "--change-only", "{wide}"], "square region"),
        (["{mask}", "-o", "{out}", "--of", "{black}"], "the mask is empty"),
    ],
)
def test_refusals_come_before_any_work(arguments, words, mask, tmp_path):
    places = {"mask": mask, "folder": tmp_path, "out": tmp_path / "out", "empty": tmp_path / "none",
              "black": tmp_path / "black.png", "wide": tmp_path / "wide.png"}  # fmt: skip
    Image.new("L", (32, 32)).save(places["black"])
    Image.new("L", (32, 16), 255).save(places["wide"])
    if "{empty}" in arguments:
        places["empty"].mkdir()
    before = mask.read_bytes()
    result = smis(*(argument.format(**places) for argument in arguments))
    assert result.exit_code == 1
    assert words in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert mask.read_bytes() == before
    assert not (tmp_path / "out").exists()


def in_another_palette(path, other):
    """The mask's square as class 1 of a palette, under a name."""
    theirs = Palette("t", (LabelClass(0, "Background", (9, 9, 9), ""),
                           LabelClass(1, other, (1, 2, 3), "")))  # fmt: skip
    indices = np.zeros((32, 32), dtype=np.uint8)
    indices[8:24, 8:24] = 1
    LabelMap(indices, theirs).save(path)
    return path


def test_a_mask_in_another_palette_is_read_by_its_names(mask, tmp_path):
    theirs = in_another_palette(tmp_path / "theirs.png", "HAIR")
    for each, out in ((mask, tmp_path / "a"), (theirs, tmp_path / "b")):
        result = smis(each, "-o", out, "--styles", 1, "--of", each)
        assert result.exit_code == 0, result.output
    mine = pixels(tmp_path / "a" / "face_style0.png")
    assert np.array_equal(pixels(tmp_path / "b" / "theirs_style0.png"), mine)


@pytest.mark.parametrize("arguments", [["{sky}"], ["{mask}", "--of", "{sky}"]])
def test_classes_that_nobody_knows_are_named(mask, tmp_path, arguments):
    sky = in_another_palette(tmp_path / "sky.png", "sky")
    LabelMap.load(sky, None).save(sky, colours=True)
    places = [each.format(mask=mask, sky=sky) for each in arguments]
    result = smis(*places, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "no class for 'sky'" in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()


def test_one_bad_mask_in_a_folder_stops_before_the_first_picture(mask, tmp_path, loaded):
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / "a.png").write_bytes(mask.read_bytes())
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(masks / "b.png")
    result = smis("--masks", masks, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "b.png" in result.output
    assert not loaded
    assert not (tmp_path / "out").exists()


def test_two_masks_of_one_name_are_refused(mask, tmp_path):
    masks = tmp_path / "masks"
    (masks / "a").mkdir(parents=True)
    for name in ("a-b.png", "a/b.png"):
        (masks / name).write_bytes(mask.read_bytes())
    result = smis("--masks", masks, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "rename one" in " ".join(result.output.split())


def test_nothing_is_overwritten_that_stands_in_the_way(mask, tmp_path):
    blocked = tmp_path / "out" / "contact_sheet.png"
    blocked.mkdir(parents=True)
    result = smis(mask, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "this is a folder" in " ".join(result.output.split())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["contact_sheet.png"]


def test_shots_that_do_not_ship_are_refused(mask, tmp_path, monkeypatch):
    monkeypatch.undo()
    result = smis(mask, "-o", tmp_path / "out", "--shots", 0)
    assert result.exit_code == 1
    assert "shots" in result.output
    assert not (tmp_path / "out").exists()


def figures_of(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def pixels(path):
    return np.array(Image.open(path)).astype(int)


def test_figures_tell_the_fidelity_by_class(mask, tmp_path):
    out = tmp_path / "out"
    figures = figures_of(smis(mask, "-o", out, "--styles", 2, "--json"))
    assert json.loads((out / "figures.json").read_text()) == figures
    first, second = figures["masks"]["face"]
    assert (first["file"], second["style"]) == ("face_style0.png", "style1")
    assert {"background", "hair"} <= set(first["by_class"])
    assert first["fidelity"] == pytest.approx(
        sum(first["by_class"].values()) / len(first["by_class"]), abs=1e-3
    )
    told = smis(mask, "-o", tmp_path / "again", "--styles", 2).output
    assert "fidelity" in told
    assert "hair" in told


def test_a_saved_portrait_lends_its_colours_without_an_inversion(mask, tmp_path, monkeypatch):
    smis(mask, "-o", tmp_path / "first", "--seed", 4, "--styles", 1)
    monkeypatch.setattr(synthesize, "hybrid", None)
    lender = tmp_path / "first" / "face_style4.png"
    figures = figures_of(smis(mask, "-o", tmp_path / "out", "--style-from", lender, "--json"))
    (answer,) = figures["masks"]["face"]
    assert answer["style"] == "face_style4"
    assert (pixels(tmp_path / "out" / answer["file"]) == pixels(lender)).all()


def test_any_other_picture_is_inverted_first(mask, tmp_path, monkeypatch, synthesizer):
    asked = []

    def shortly(generator, target, **options):
        asked.append(target)
        return hybrid(generator, target, **options, options=HybridOptions(steps=3))

    monkeypatch.setattr(synthesize, "hybrid", shortly)
    noise = np.random.default_rng(0).integers(0, 256, (48, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.jpg")
    result = smis(mask, "-o", tmp_path / "out", "--style-from", tmp_path / "photo.jpg",
                  "--styles", 1, "--json")  # fmt: skip
    styles = [each["style"] for each in figures_of(result)["masks"]["face"]]
    assert styles == ["photo", "style0"]
    assert len(asked) == 1
    assert "invert photo" in result.stderr
    drawn = [pixels(tmp_path / "out" / f"face_{style}.png") for style in styles]
    assert (drawn[0] != drawn[1]).any()


def test_codes_of_smis_invert_are_taken_and_those_of_others_refused(mask, tmp_path, synthesizer):
    code = synthesizer.sample(3).wplus
    save_latent(tmp_path / "code.safetensors", code, generator=fingerprint(synthesizer.generator))
    save_latent(tmp_path / "other.safetensors", code, generator="another")
    save_latent(tmp_path / "z.safetensors", Z(torch.zeros(1, 8)))
    save_latent(tmp_path / "short.safetensors", WPlus(code.tensor[:, 1:]))
    good = smis(mask, "-o", tmp_path / "out", "--style-from", tmp_path / "code.safetensors")
    assert good.exit_code == 0, good.output
    for name, word in (("other", "of another"), ("z", "in W or W+"), ("short", "one finite")):
        bad = smis(mask, "-o", tmp_path / "bad", "--style-from", tmp_path / f"{name}.safetensors")
        assert bad.exit_code == 1
        assert word in " ".join(bad.output.split())
        assert not (tmp_path / "bad").exists()


def test_a_damaged_or_foreign_latent_in_a_picture_is_refused(mask, tmp_path):
    from PIL import PngImagePlugin

    for number, (shape, rows, by) in enumerate([("8x8", "????", ""), ("8x8", "AAAA", ""),
                                                ("1x1", "AAAAAA==", "another")]):  # fmt: skip
        texts = PngImagePlugin.PngInfo()
        texts.add_text("smis:wplus_shape", shape)
        texts.add_text("smis:wplus", rows)
        if by:
            texts.add_text("smis:generator", by)
        Image.new("RGB", (8, 8)).save(tmp_path / f"{number}.png", pnginfo=texts)
        result = smis(mask, "-o", tmp_path / "out", "--style-from", tmp_path / f"{number}.png")
        assert result.exit_code == 1
        assert ("another generator" if by else "damaged") in " ".join(result.output.split())


def test_the_layer_decides_how_much_is_style(mask, tmp_path, synthesizer):
    own = str(synthesizer.num_ws)
    smis(mask, "-o", tmp_path / "own", "--styles", 2, "--style-layer", own)
    smis(mask, "-o", tmp_path / "all", "--styles", 2, "--style-layer", 0)
    first, second = (pixels(tmp_path / "own" / f"face_style{seed}.png") for seed in (0, 1))
    assert (first == second).all()
    first, second = (pixels(tmp_path / "all" / f"face_style{seed}.png") for seed in (0, 1))
    assert (first != second).any()


def test_refining_is_told_beside_what_it_began_with(mask, tmp_path):
    result = smis(mask, "-o", tmp_path / "out", "--styles", 1, "--refine", 0.2, "--json")
    (answer,) = figures_of(result)["masks"]["face"]
    plain = figures_of(smis(mask, "-o", tmp_path / "plain", "--styles", 1, "--json"))
    assert answer["unrefined"] == plain["masks"]["face"][0]["fidelity"]
    different = pixels(tmp_path / "out" / "face_style0.png") != pixels(
        tmp_path / "plain" / "face_style0.png"
    )
    assert different.any()
    assert "before refining" in smis(mask, "-o", tmp_path / "o", "--styles", 1,
                                     "--refine", 0.1).output  # fmt: skip


@pytest.fixture
def edited(mask, tmp_path):
    indices = LabelMap.load(mask).indices.copy()
    indices[:6, :6] = 1
    LabelMap(indices).save(tmp_path / "edited.png")
    return tmp_path / "edited.png"


@pytest.mark.parametrize("kind", ["mask", "portrait"])
def test_only_a_region_changes(kind, mask, edited, tmp_path):
    """The rest is the kept portrait bit by bit: a saved one, or a mask's in each style."""
    smis(mask, "-o", tmp_path / "kept", "--styles", 2)
    region = np.zeros((SIZE, SIZE), np.uint8)
    region[:10, :10] = 255
    Image.fromarray(region).save(tmp_path / "region.png")
    of = mask if kind == "mask" else tmp_path / "kept" / "face_style1.png"
    asked = ["--of", of, "--change-only", tmp_path / "region.png", "--json"]
    if kind == "mask":
        asked += ["--styles", 2]
    answers = figures_of(smis(edited, "-o", tmp_path / "out", *asked))["masks"]["edited"]
    assert [each["style"] for each in answers] == (
        ["style0", "style1"] if kind == "mask" else ["own"]
    )
    changed = pixels(tmp_path / "out" / answers[-1]["file"])
    differs = (changed != pixels(tmp_path / "kept" / "face_style1.png")).any(axis=2)
    assert differs[:10, :10].any()
    assert not differs[10:].any()
    assert not differs[:, 10:].any()
    assert "smis:wplus" not in Image.open(tmp_path / "out" / answers[-1]["file"]).text


def test_without_a_region_it_is_where_the_masks_differ(mask, edited, tmp_path):
    smis(mask, "-o", tmp_path / "kept", "--styles", 1)
    smis(edited, "-o", tmp_path / "out", "--of", mask, "--styles", 1)
    differs = pixels(tmp_path / "out" / "edited_style0.png") != pixels(
        tmp_path / "kept" / "face_style0.png"
    )
    assert differs[:6, :6].any()
    assert not differs[10:, 10:].any()


def test_the_studios_portrait_brings_its_mask(mask, edited, tmp_path, synthesizer):
    """Beside it, so that what differs from the edit is found."""
    smis(mask, "-o", tmp_path / "kept", "--styles", 1)
    portrait = tmp_path / "kept" / "face_style0.png"
    portrait.with_name("face_style0-mask.png").write_bytes(mask.read_bytes())
    smis(edited, "-o", tmp_path / "out", "--of", portrait)
    differs = pixels(tmp_path / "out" / "edited_own.png") != pixels(portrait)
    assert differs[:6, :6].any()
    assert not differs[10:, 10:].any()


def test_a_painted_label_map_is_a_region(mask, edited, tmp_path):
    indices = np.full((16, 16), 255, np.uint8)
    indices[:5, :5] = 0
    LabelMap(indices).save(tmp_path / "region.png")
    result = smis(edited, "-o", tmp_path / "out", "--of", mask, "--styles", 1,
                  "--change-only", tmp_path / "region.png")  # fmt: skip
    assert result.exit_code == 0, result.output
    smis(mask, "-o", tmp_path / "kept", "--styles", 1)
    differs = pixels(tmp_path / "out" / "edited_style0.png") != pixels(
        tmp_path / "kept" / "face_style0.png"
    )
    assert differs[:10, :10].any()
    assert not differs[10:, 10:].any()
