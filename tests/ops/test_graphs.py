"""When a network is replayed and when not. What records is played here by a stand-in, which
remembers a function as a graph does: by the weights that it read. On a GPU the graphs are real."""

import gc
import threading

import pytest
import torch
from torch import Tensor, nn

from smis_core.ops import graphs
from smis_core.ops.graphs import CAPACITY, forget_graphs, run_graphed, without_graphs


class StandIn:
    """Calls what a graph would replay."""

    recorded = 0
    replayed = 0
    failure: RuntimeError | None = None

    def __init__(self, function, inputs) -> None:
        if StandIn.failure:
            raise StandIn.failure
        function(*inputs)
        StandIn.recorded += 1
        self.function, self.shapes = function, [t.shape for t in inputs]

    def replay(self, inputs) -> Tensor:
        assert [t.shape for t in inputs] == self.shapes
        StandIn.replayed += 1
        return self.function(*inputs)


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(graphs, "_DEVICE", "cpu")
    monkeypatch.setattr(graphs, "_Graph", StandIn)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(StandIn, "recorded", 0)
    monkeypatch.setattr(StandIn, "replayed", 0)
    monkeypatch.setattr(StandIn, "failure", None)
    return StandIn


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()


@torch.no_grad()
def draw(network: nn.Module, rows: int = 2, *, key: object = ()) -> Tensor:
    return run_graphed(network, network, [torch.ones(rows, 3)], key=key)


def test_the_third_call_of_a_kind_is_replayed(on_cpu, network) -> None:
    expected = network(torch.ones(2, 3))
    for recorded, replayed in [(0, 0), (1, 1), (1, 2)]:
        assert torch.equal(draw(network), expected)
        assert (on_cpu.recorded, on_cpu.replayed) == (recorded, replayed)


def test_other_kinds_have_graphs_of_their_own(on_cpu, network) -> None:
    for rows, key in [(2, ()), (3, ()), (2, "other")]:
        for _ in range(3):
            assert len(draw(network, rows, key=key)) == rows
    assert on_cpu.recorded == 3
    with torch.autocast("cpu", torch.bfloat16):
        draw(network)
        draw(network)
    assert on_cpu.recorded == 4


def test_few_graphs_are_kept(on_cpu, network) -> None:
    for rows in range(2, CAPACITY + 3):
        draw(network, rows), draw(network, rows)
    assert on_cpu.recorded == CAPACITY + 1
    held = graphs._graphs[network].by_kind
    assert sum(graph is not None for graph in held.values()) == CAPACITY
    draw(network, CAPACITY + 2)
    assert on_cpu.recorded == CAPACITY + 1
    draw(network, 2), draw(network, 2)
    assert on_cpu.recorded == CAPACITY + 2


@pytest.mark.parametrize("change", ["replaced", "buffer", "moved"])
def test_changed_weights_are_recorded_anew(on_cpu, network, change: str) -> None:
    draw(network), draw(network)
    if change == "replaced":
        network[0].weight = nn.Parameter(torch.zeros(4, 3))
    elif change == "buffer":
        network[1].running_mean.add_(1)
    else:
        network.double().float()
    expected = network(torch.ones(2, 3))
    before = on_cpu.replayed
    assert torch.equal(draw(network), expected)
    assert on_cpu.replayed == before
    draw(network)
    assert on_cpu.recorded == 2


def test_weights_changed_in_place_need_no_new_graph(on_cpu, network) -> None:
    draw(network), draw(network)
    with torch.no_grad():
        network[0].weight.mul_(2)
    assert torch.equal(draw(network), network(torch.ones(2, 3)))
    assert on_cpu.recorded == 1


def test_gradients_hooks_and_measurements_see_the_function(on_cpu, network) -> None:
    for _ in range(3):
        assert run_graphed(network, network, [torch.ones(2, 3)]).requires_grad
    seen = []
    handle = network[0].register_forward_hook(lambda *_: seen.append(1))
    for _ in range(3):
        draw(network)
    handle.remove()
    assert len(seen) == 3
    with without_graphs():
        for _ in range(3):
            draw(network)
    with torch.no_grad():
        for _ in range(3):
            run_graphed(network, lambda x: network(x.float()), [torch.ones(2, 3, device="cpu")[:0]])
    assert on_cpu.recorded == 0


def test_elsewhere_nothing_is_recorded(network, monkeypatch) -> None:
    monkeypatch.setattr(graphs, "_Graph", None)
    for _ in range(3):
        assert draw(network).shape == (2, 4)


def test_what_cannot_be_recorded_is_said_once(on_cpu, network, monkeypatch, caplog) -> None:
    monkeypatch.setattr(on_cpu, "failure", RuntimeError("operation not permitted when capturing"))
    expected = network(torch.ones(2, 3))
    for _ in range(4):
        assert torch.equal(draw(network), expected)
    assert caplog.text.count("not permitted") == 1


def test_memory_of_graphs_is_given_back_when_it_is_needed(on_cpu, network) -> None:
    draw(network), draw(network)
    calls = []

    def hungry(x: Tensor) -> Tensor:
        calls.append(1)
        if any(graphs._graphs[network].by_kind.values()):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return network(x)

    with torch.no_grad():
        assert run_graphed(network, hungry, [torch.ones(5, 3)]).shape == (5, 4)
    assert len(calls) == 2
    draw(network), draw(network)
    assert on_cpu.recorded == 2
    forget_graphs(network)
    assert not graphs._graphs[network].by_kind


def test_graphs_end_with_their_network(on_cpu) -> None:
    network = nn.Linear(3, 4)
    function = nn.functional.relu
    with torch.no_grad():
        for _ in range(3):
            run_graphed(network, function, [torch.ones(1, 3)])
    before = len(graphs._graphs)
    del network
    gc.collect()
    assert len(graphs._graphs) == before - 1


def test_threads_take_turns(on_cpu, network) -> None:
    expected = network(torch.ones(2, 3))
    results: list[bool] = []

    def work() -> None:
        results.extend(torch.equal(draw(network), expected) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 80
    assert all(results)
    assert on_cpu.recorded == 1


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [None, torch.float16, torch.bfloat16])
def test_real_graphs_draw_the_same_pictures(device: torch.device, dtype) -> None:
    from smis_core.networks import Generator, GeneratorConfig

    torch.manual_seed(0)
    config = GeneratorConfig(resolution=64, channel_base=1024, channel_max=32, w_dim=32, z_dim=32)
    synthesis = Generator(config).to(device).eval().requires_grad_(False).synthesis
    codes = torch.randn(5, 2, config.num_ws, 32, device=device)

    def draw(ws: Tensor) -> Tensor:
        return synthesis(ws)

    with torch.no_grad(), torch.autocast("cuda", dtype, enabled=dtype is not None):
        with without_graphs():
            expected = [draw(ws) for ws in codes]
        drawn = [run_graphed(synthesis, draw, [ws], key="test") for ws in codes]
        for ours, picture in zip(drawn, expected, strict=True):
            torch.testing.assert_close(ours, picture)
        assert any(graphs._graphs[synthesis].by_kind.values())
        synthesis.b64.conv1.bias.add_(1)
        with without_graphs():
            changed = draw(codes[0])
        torch.testing.assert_close(run_graphed(synthesis, draw, [codes[0]], key="test"), changed)
        assert not torch.allclose(changed, expected[0])
