"""Only what a change reaches is computed, and the picture is that of a full pass, bit for bit."""

import threading

import pytest
import torch

from smis_core.networks import (
    Generator,
    GeneratorConfig,
    Overtaken,
    StyleGAN1Config,
    StyleGAN1Generator,
    StyleGAN3Config,
    StyleGAN3Generator,
    SynthesisSession,
    generator_base,
)

SIZES = {"resolution": 16, "z_dim": 6, "w_dim": 8, "channel_base": 128, "channel_max": 8}
FAMILIES = ("skip", "resnet", "orig", "1", "1-dense", "3-t", "3-r")


def make(family):
    if family.startswith("1"):
        dense = {"const_input": family == "1"}
        return StyleGAN1Generator(StyleGAN1Config(**SIZES, mapping_layers=2, **dense))
    if family.startswith("3"):
        radial = {"conv_kernel": 1, "use_radial_filters": True} if family == "3-r" else {}
        config = StyleGAN3Config(**SIZES, num_layers=3, num_critical=1, margin_size=2, **radial)
        return StyleGAN3Generator(config)
    return Generator(GeneratorConfig(**SIZES, mapping_layers=2, architecture=family, conv_clamp=99))


def fresh(family, device):
    torch.manual_seed(0)
    network = make(family)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
    return network.to(device).eval().requires_grad_(False)


@pytest.fixture(params=FAMILIES)
def generator(request, device):
    return fresh(request.param, device)


@pytest.fixture
def skip(device):
    return fresh("skip", device)


@pytest.fixture
def session(generator):
    return SynthesisSession(generator, precision="float32")


def codes(generator, count=1):
    random = torch.Generator().manual_seed(1)
    ws = torch.randn(count, generator.num_ws, 8, generator=random)
    return ws.to(next(generator.parameters()).device)


def moved(ws, row):
    changed = ws.clone()
    changed[:, row] += 1
    return changed


@pytest.mark.parametrize("count", [1, 2])
def test_a_change_of_any_row_gives_the_picture_of_a_full_pass(generator, session, count) -> None:
    ws = codes(generator, count)
    assert torch.equal(session.draw(ws), generator.synthesis(ws))
    everything = session.ran
    assert everything == tuple(stage.name for stage in generator.synthesis.stages)
    for row in range(generator.num_ws):
        ws = moved(ws, row)
        assert torch.equal(session.draw(ws), generator.synthesis(ws)), row
        readers = [s.name for s in generator.synthesis.stages if s.w_row == row]
        assert session.ran[0] == readers[0]
        assert set(session.ran) >= set(readers)
        assert row == 0 or len(session.ran) < len(everything)


@pytest.mark.parametrize("noise", ["const", "none", "maps"])
def test_a_recorded_pass_reads_nothing_but_its_inputs_and_weights(
    generator, noise, monkeypatch
) -> None:
    """What a CUDA graph relies on: the first call's function serves later calls."""
    sides = [layer.resolution for layer in generator.synthesis.layers]
    calls = []
    for each in range(2):
        ws = codes(generator) + each
        maps = [torch.randn(side, side, device=ws.device) for side in sides]
        given = noise if noise != "maps" or not generator.synthesis.takes_noise else maps
        given = "const" if given == "maps" else given
        calls.append((ws, given, generator.synthesis(ws, noise=given)))
    recorded = {}

    def replay(module, function, inputs, *, key=()):
        assert all(type(each) is torch.Tensor for each in inputs)
        return recorded.setdefault(key, function)(*inputs)

    monkeypatch.setattr(generator_base, "run_graphed", replay)
    for ws, given, wanted in calls:
        assert torch.equal(generator.synthesis(ws, noise=given), wanted)
    assert len(recorded) == 1


def test_a_picture_that_was_given_up_goes_on_where_it_stopped(generator, session) -> None:
    ws, other = codes(generator), codes(generator) + 1
    answers = iter([True, True, False])
    with pytest.raises(Overtaken):
        session.draw(ws, wanted=lambda: next(answers))
    names = tuple(stage.name for stage in generator.synthesis.stages)
    assert session.ran == names[:3]
    assert torch.equal(session.draw(ws, wanted=lambda: True), generator.synthesis(ws))
    assert session.ran == names[3:]
    with pytest.raises(Overtaken):
        session.draw(other, wanted=lambda: False)
    assert torch.equal(session.draw(ws), generator.synthesis(ws))


def test_nothing_runs_where_nothing_changed(generator, session) -> None:
    ws = codes(generator)
    first = session.draw(ws)
    second = session.draw(ws.clone())
    assert session.ran == ()
    assert torch.equal(first, second)
    second.zero_()  # a picture belongs to who asked for it
    assert torch.equal(session.draw(ws), first)


def test_the_last_row_runs_nothing_but_what_reads_it(skip) -> None:
    session = SynthesisSession(skip, precision="float32")
    ws = codes(skip)
    session.draw(ws)
    session.draw(moved(ws, skip.num_ws - 1))
    assert session.ran == ("b16.torgb",)
    # This row is shared: ToRGB of a block and the first convolution of the next.
    session.draw(moved(ws, skip.num_ws - 1))
    session.draw(moved(moved(ws, skip.num_ws - 1), 3))
    assert session.ran == ("b8.torgb", "b16.conv0", "b16.conv1", "b16.torgb")


@pytest.mark.parametrize("family", FAMILIES[:5])
def test_a_change_of_any_noise_map_gives_the_picture_of_a_full_pass(family, device) -> None:
    generator = fresh(family, device)
    session = SynthesisSession(generator, precision="float32")
    ws, layers = codes(generator), generator.synthesis.layers
    sides = [layer.resolution for layer in layers]
    maps = [torch.randn(1, 1, side, side, device=device) for side in sides]
    assert torch.equal(session.draw(ws, noise=maps), generator.synthesis(ws, noise=maps))
    for index, layer in enumerate(layers):
        maps[index].add_(1)  # also where the caller writes to the same tensor
        wanted = generator.synthesis(ws, noise=maps)
        assert torch.equal(session.draw(ws, noise=maps), wanted)
        assert session.ran[0] == layer.name
    for noise in ("const", "none", maps):
        wanted = generator.synthesis(ws, noise=noise)
        assert torch.equal(session.draw(ws, noise=noise), wanted)


def test_a_preview_is_the_skip_of_its_block(skip) -> None:
    session = SynthesisSession(skip, precision="float32")
    assert session.previews == (4, 8)
    ws = codes(skip, 2)
    synthesis = skip.synthesis
    names = [synthesis.pictures[side] for side in session.previews]
    rgb = synthesis.run(names, ws, synthesis.noise_maps("const", ws))
    for side, name in zip(session.previews, names, strict=True):
        session.invalidate()
        picture = session.draw(ws, preview=side)
        assert picture.shape == (2, 3, side, side)
        assert torch.equal(picture, rgb[name].float())
        assert session.ran[-1] == name
        assert torch.equal(session.draw(ws), synthesis(ws))
        assert name not in session.ran  # the full picture builds on the preview
    assert torch.equal(session.draw(ws, preview=16), synthesis(ws))


def test_who_has_no_previews_says_so_and_draws_the_full_picture(generator, session) -> None:
    if session.previews:
        with pytest.raises(ValueError, match=r"preview must be one of 4, 8, or None .*but is 5"):
            session.draw(codes(generator), preview=5)
    else:
        ws = codes(generator)
        assert torch.equal(session.draw(ws, preview=8), generator.synthesis(ws))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_memory_is_bounded_and_pictures_stay(generator, share) -> None:
    roomy = SynthesisSession(generator, precision="float32")
    ws = codes(generator)
    roomy.draw(ws)
    assert roomy.held_bytes > ws.nbytes
    limit = int(share * roomy.held_bytes)
    session = SynthesisSession(generator, precision="float32", memory_limit=limit)
    for row in range(generator.num_ws):
        ws = moved(ws, row)
        assert torch.equal(session.draw(ws), generator.synthesis(ws))
        assert session.held_bytes <= max(limit, ws.nbytes)
    if share:
        assert len(session.ran) < len(generator.synthesis.stages)
    session.invalidate()
    assert session.held_bytes == 0


def descend(generator, **options):
    generator.requires_grad_(True)
    optimizer = torch.optim.Adam(generator.synthesis.parameters(), lr=0.1, **options)
    generator.synthesis(codes(generator)).square().sum().backward()
    optimizer.step()
    generator.requires_grad_(False)


def replace(generator):
    other = make("skip").to(next(generator.parameters()).device)
    generator.load_state_dict(other.state_dict(), assign=True)
    generator.requires_grad_(False)


CHANGES = {
    "one weight": lambda g: g.synthesis.b16.conv1.weight.add_(0.1),
    "a stored noise map": lambda g: g.synthesis.b8.conv0.noise_const.normal_(),
    "an optimiser": lambda g: descend(g),
    "a fused optimiser": lambda g: descend(g, fused=True),
    "other tensors": replace,
    "data of its own": lambda g: setattr(
        g.synthesis.b4.conv1.bias, "data", torch.ones_like(g.synthesis.b4.conv1.bias)
    ),
    "another dtype and back": lambda g: g.bfloat16().float(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_tuned_weights_show_no_stale_picture(skip, change) -> None:
    session = SynthesisSession(skip, precision="float32")
    ws = codes(skip)
    before = session.draw(ws)
    CHANGES[change](skip)
    after = session.draw(ws)
    assert torch.equal(after, skip.synthesis(ws))
    assert not torch.equal(after, before)


def test_a_failure_leaves_no_wrong_picture(skip, monkeypatch) -> None:
    session = SynthesisSession(skip, precision="float32")
    ws = codes(skip)
    session.draw(ws)

    def fail(*_, **__):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as broken:
        broken.setattr(skip.synthesis.b16.conv1, "forward", fail)
        with pytest.raises(RuntimeError, match="out of memory"):
            session.draw(moved(ws, 2))
    for wanted in (moved(ws, 2), ws):
        assert torch.equal(session.draw(wanted), skip.synthesis(wanted))


def test_threads_share_a_session(skip) -> None:
    session = SynthesisSession(skip, precision="float32")
    ws = codes(skip)
    wanted = [moved(ws, row) for row in range(skip.num_ws)]
    pictures = [skip.synthesis(each) for each in wanted]
    wrong = []

    def draw(index) -> None:
        for _ in range(5):
            if not torch.equal(session.draw(wanted[index]), pictures[index]):
                wrong.append(index)

    threads = [threading.Thread(target=draw, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_bfloat16_holds_half(skip, device) -> None:
    ws = codes(skip)
    exact, rough = (SynthesisSession(skip, precision=p) for p in ("float32", "bfloat16"))
    picture = rough.draw(ws)
    assert picture.dtype == torch.float32
    assert torch.allclose(picture, exact.draw(ws), atol=0.1)
    assert rough.held_bytes < 0.75 * exact.held_bytes
    for row in range(skip.num_ws):
        ws = moved(ws, row)
        with torch.autocast(device.type, torch.bfloat16), torch.no_grad():
            wanted = skip.synthesis(ws)
        assert torch.equal(rough.draw(ws), wanted)


def test_pictures_carry_no_gradient(skip) -> None:
    skip.requires_grad_(True)
    ws = codes(skip).requires_grad_(True)
    assert not SynthesisSession(skip).draw(ws).requires_grad


def test_bad_input(skip, device) -> None:
    ws = codes(skip)
    nothing = torch.full_like(ws, float("nan"))
    maps = [torch.zeros(layer.resolution, layer.resolution, device=device)
            for layer in skip.synthesis.layers]  # fmt: skip
    session = SynthesisSession(skip, precision="float32")
    before = session.draw(ws)
    broken = moved(ws, 2)
    broken[:, 3] = nothing[:, 3]
    refused = [
        (lambda: session.draw(ws[:, :4]), r"ws must be \[N, 6, 8\].*is \[1, 4, 8\]"),
        (lambda: session.draw(ws[0]), r"ws must be \[N, 6, 8\]"),
        (lambda: session.draw(ws[:0]), "one code or more"),
        (lambda: session.draw(ws.long()), "of floats, but is torch.int64"),
        (lambda: session.draw(broken), r"rows \[3\] hold NaN"),
        (lambda: session.draw(ws, noise="random"), "sample_noise"),
        (lambda: session.draw(ws, noise="fresh"), "but is 'fresh'"),
        (lambda: session.draw(ws, noise=maps[:2]), "a list of 2"),
        (lambda: session.draw(ws, noise=[*maps[:-1], maps[-1] / 0]), r"maps \[4\] hold NaN"),
        (lambda: session.draw(ws, noise=[maps[0].expand(3, 1, 4, 4), *maps[1:]]), "broadcast to"),
        (lambda: session.draw(ws, preview=32), "preview must be one of 4, 8"),
        (lambda: session.draw(ws.to("meta")), "but are on meta"),
        (lambda: SynthesisSession(skip, memory_limit=-1), "0 bytes or more"),
        (lambda: SynthesisSession(skip, precision="half"), "precision must be one of"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()
    assert torch.equal(session.draw(ws), before)
    assert session.ran == ()
