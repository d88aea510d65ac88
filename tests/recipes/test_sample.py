"""Seeds to pictures: the same whatever the batch, in folders and on sheets."""

import numpy as np
import pytest
import torch
from PIL import Image

from smis_core.checkpoints import fingerprint
from smis_core.images import to_uint8
from smis_core.networks import (
    Generator,
    GeneratorConfig,
    StyleGAN1Config,
    StyleGAN1Generator,
    StyleGAN3Config,
    StyleGAN3Generator,
)
from smis_core.recipes.drawing import DrawOptions, SampleNote, batch_size, picture_bytes
from smis_core.recipes.sample import sample, sample_folder, sample_grid

SIZES = {"resolution": 16, "z_dim": 6, "w_dim": 8, "channel_base": 128, "channel_max": 8}
ROUNDING = 1e-4


def ready(network, device):
    with torch.no_grad():
        network.mapping.w_avg.normal_()
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return network.to(device).eval().requires_grad_(False)


@pytest.fixture
def generator(device):
    torch.manual_seed(0)
    return ready(Generator(GeneratorConfig(**SIZES, mapping_layers=2)), device)


@pytest.fixture
def conditional(device):
    torch.manual_seed(0)
    return ready(Generator(GeneratorConfig(**SIZES, mapping_layers=2, c_dim=3)), device)


def pictures(generator, seeds, **options):
    steps = list(sample(generator, seeds=seeds, options=DrawOptions(**options)))
    assert [step.seed for step in steps] == [*seeds]
    assert [step.index for step in steps] == [*range(1, len(steps) + 1)]
    assert all(step.total == len(steps) for step in steps)
    return torch.cat([step.image for step in steps]), torch.cat(
        [step.wplus.tensor for step in steps]
    )


@pytest.mark.parametrize("noise", ["const", "random", "none"])
def test_a_seed_is_the_same_whatever_the_batch(generator, noise) -> None:
    together, codes = pictures(generator, range(7), noise=noise, batch=7)
    for batch in (1, 3):
        images, others = pictures(generator, range(7), noise=noise, batch=batch)
        assert (images - together).abs().max() < ROUNDING
        assert (others - codes).abs().max() < ROUNDING
    images, _ = pictures(generator, [5, 2], noise=noise)
    assert (images - together[[5, 2]]).abs().max() < ROUNDING
    assert len({image.numpy().tobytes() for image in to_uint8_each(together)}) == 7


def to_uint8_each(images):
    return [torch.from_numpy(each) for each in to_uint8(images)]


def test_noise_is_drawn_from_each_seed(generator) -> None:
    first, codes = pictures(generator, [1, 2], noise="random")
    again, _ = pictures(generator, [1, 2], noise="random")
    const, same_codes = pictures(generator, [1, 2])
    assert torch.equal(first, again)
    assert torch.equal(codes, same_codes)
    assert not torch.allclose(first, const, atol=1e-2)


def test_truncation_is_that_of_the_mapping_network(generator) -> None:
    _, none = pictures(generator, [3], truncation_psi=1.0)
    _, half = pictures(generator, [3], truncation_psi=0.5)
    _, part = pictures(generator, [3], truncation_psi=0.5, truncation_cutoff=2)
    average = generator.mapping.w_avg.cpu()
    assert torch.allclose(half, average.lerp(none, 0.5), atol=1e-5)
    assert torch.equal(part[:, :2], half[:, :2])
    assert torch.equal(part[:, 2:], none[:, 2:])
    # The picture is what the generator draws of the code that is handed out.
    image, code = pictures(generator, [3], truncation_psi=0.5)
    device = generator.mapping.w_avg.device
    assert torch.equal(image, generator.synthesis(code.to(device)).cpu())


def test_classes(conditional) -> None:
    first, _ = pictures(conditional, [0, 1], label=0)
    other, _ = pictures(conditional, [0, 1], label=2)
    assert not torch.allclose(first, other, atol=1e-3)


@pytest.mark.parametrize("family", ["1", "3"])
def test_every_family(family, device) -> None:
    torch.manual_seed(0)
    if family == "1":
        network = StyleGAN1Generator(StyleGAN1Config(**SIZES, mapping_layers=2))
    else:
        network = StyleGAN3Generator(
            StyleGAN3Config(**SIZES, num_layers=3, num_critical=1, margin_size=2)
        )
    network = ready(network, device)
    together, _ = pictures(network, range(3), noise="random", batch=3)
    alone, _ = pictures(network, range(3), noise="random", batch=1)
    assert (together - alone).abs().max() < ROUNDING


def test_batches_follow_memory(generator, monkeypatch) -> None:
    from smis_core.recipes import drawing

    assert batch_size(generator) >= 1
    monkeypatch.setattr(drawing, "_CPU_BUDGET", 3 * picture_bytes(generator))
    if next(generator.parameters()).device.type == "cpu":
        assert batch_size(generator) == 3
        monkeypatch.setattr(drawing, "_CPU_BUDGET", 0)
        assert batch_size(generator) == 1


def cramped(generator, monkeypatch, most, error):
    """A generator whose device holds so many pictures."""
    whole, sizes = generator.synthesis.forward, []

    def forward(ws, **options):
        if len(ws) > most:
            raise error
        sizes.append(len(ws))
        return whole(ws, **options)

    monkeypatch.setattr(generator.synthesis, "forward", forward)
    return sizes


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_where_memory_runs_out_the_batch_is_halved_and_told(generator, monkeypatch, error) -> None:
    wanted, _ = pictures(generator, range(7))
    sizes = cramped(generator, monkeypatch, 2, error)
    with pytest.warns(SampleNote, match="going on with"):
        images, _ = pictures(generator, range(7), batch=5)
    assert sizes == [2, 2, 2, 1]
    assert (images - wanted).abs().max() < ROUNDING
    cramped(generator, monkeypatch, 0, error)
    with pytest.raises(MemoryError, match=r"a picture of 16² takes about .* MiB"):
        pictures(generator, [1])


def test_another_failure_is_not_taken_for_want_of_memory(generator, monkeypatch) -> None:
    cramped(generator, monkeypatch, 0, RuntimeError("no such kernel"))
    with pytest.raises(RuntimeError, match="no such kernel"):
        pictures(generator, range(2))


def test_a_folder_holds_every_picture_and_what_it_came_from(generator, tmp_path) -> None:
    out = tmp_path / "new" / "faces"
    options = DrawOptions(truncation_psi=0.5)
    steps = list(sample_folder(generator, out, seeds=[3, 12345, 3], options=options))
    assert [step.path.name for step in steps] == ["seed0003.png", "seed12345.png"]
    assert all(step.drawn for step in steps)
    assert sorted(path.name for path in out.iterdir()) == ["seed0003.png", "seed12345.png"]
    (drawn,) = sample(generator, seeds=[3], options=options)
    with Image.open(steps[0].path) as picture:
        difference = np.array(picture).astype(int) - to_uint8(drawn.image)[0]
        facts = picture.info
    assert abs(difference).max() <= 1
    assert facts["smis:seed"] == "3"
    assert facts["smis:truncation_psi"] == "0.5"
    assert facts["smis:generator"] == fingerprint(generator)


def test_an_interrupted_folder_goes_on(generator, tmp_path) -> None:
    for step in sample_folder(generator, tmp_path, seeds=range(5)):
        if step.index == 2:
            break
    assert len([*tmp_path.iterdir()]) == 2
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    steps = list(sample_folder(generator, tmp_path, seeds=range(5)))
    assert [step.drawn for step in steps] == [False, False, True, True, True]
    assert [step.seed for step in steps] == [*range(5)]
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert all(not step.drawn for step in sample_folder(generator, tmp_path, seeds=range(5)))


def test_pictures_of_others_are_left_alone(generator, tmp_path) -> None:
    list(sample_folder(generator, tmp_path, seeds=[1]))
    (tmp_path / "seed0002.png").write_bytes(b"mine")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    other = DrawOptions(truncation_psi=0.5)
    for seeds, options, reason in (([1], other, "truncation_psi '0.7'"), ([2], None, "unknown")):
        with pytest.raises(ValueError, match=f"holds another picture.*{reason}.*overwrite"):
            sample_folder(generator, tmp_path, seeds=seeds, options=options)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    list(sample_folder(generator, tmp_path, seeds=[1, 2], options=other, overwrite=True))
    assert all(path.read_bytes() != content for path, content in before.items())


def test_a_sheet(generator, tmp_path) -> None:
    path = tmp_path / "sheet.png"
    *_, last = sample_grid(generator, path, seeds=range(5), columns=3)
    assert last.path == path
    assert (last.index, last.total) == (5, 5)
    with Image.open(path) as picture:
        sheet = np.array(picture)
        assert picture.info["smis:seed"] == "0,1,2,3,4"
    assert sheet.shape == (2 * 18 - 2, 3 * 18 - 2, 3)
    drawn = list(sample(generator, seeds=range(5)))
    tile = sheet[18:34, 18:34].astype(int)
    assert abs(tile - to_uint8(drawn[4].image)[0]).max() <= 1
    assert (sheet[18:, 36:] == 255).all()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is there already"):
        sample_grid(generator, path, seeds=[1])
    assert path.read_bytes() == before
    list(sample_grid(generator, path, seeds=[1], overwrite=True))
    with Image.open(path) as picture:
        assert picture.size == (16, 16)


def test_a_sheet_of_many_is_made_smaller(generator, tmp_path, monkeypatch) -> None:
    from smis_core.recipes import sample as module

    monkeypatch.setattr(module, "MAX_SIDE", 40)
    list(sample_grid(generator, tmp_path / "small.png", seeds=range(9)))
    with Image.open(tmp_path / "small.png") as picture:
        assert picture.size == (40, 40)
    with pytest.raises(ValueError, match="do not fit a sheet"):
        sample_grid(generator, tmp_path / "never.png", seeds=range(400))


def test_bad_input_before_any_work(generator, conditional, tmp_path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    options = DrawOptions
    refused = [
        (lambda: sample(generator, seeds=[]), "got none"),
        (lambda: sample(generator, seeds=[-1]), "got -1"),
        (lambda: sample(generator, seeds=[2**63]), "below 2\\^63; got 9223372036854775808"),
        (lambda: sample(generator, seeds=[1.5]), "got 1.5"),
        (lambda: sample(generator, seeds=[1], options=options(batch=0)), "batch: at least 1"),
        (lambda: sample(generator, seeds=[1], options=options(label=1)), "has no classes, got 1"),
        (lambda: sample(conditional, seeds=[1]), "3 classes, 0 to 2; name one"),
        (lambda: sample(conditional, seeds=[1], options=options(label=3)), "classes 0 to 2, got 3"),
        (lambda: sample(generator, seeds=[1], options=options(noise="new")), "noise: one of"),
        (lambda: sample(generator, seeds=[1], options=options(precision="x")), "precision must"),
        (lambda: sample(generator, seeds=[1], options=options(truncation_cutoff=7)), "0 to 6 rows"),
        (lambda: sample(generator, seeds=[1], options=options(truncation_psi=float("nan"))), "psi"),
        (lambda: sample_folder(generator, file, seeds=[1]), "this is a file"),
        (lambda: sample_folder(generator, file / "in", seeds=[1]), "cannot be written"),
        (lambda: sample_grid(generator, tmp_path / "a.jpg", seeds=[1]), "ends in .png"),
        (lambda: sample_grid(generator, tmp_path / "a.png", seeds=[1], columns=0), "columns"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()
    assert [*tmp_path.iterdir()] == [file]
