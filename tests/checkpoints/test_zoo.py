"""Bundled weights by name, and the zoo against a server of our own."""

import hashlib
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smis_core.checkpoints import bundled_path, cache_folder, fetch, zoo, zoo_models


def test_names_lead_to_files(tmp_path, monkeypatch) -> None:
    weights = tmp_path / "portraits" / "weights"
    weights.mkdir(parents=True)
    (weights / "generator.safetensors").touch()
    monkeypatch.setattr(zoo, "files", lambda _: tmp_path)
    assert bundled_path("portraits/generator") == weights / "generator.safetensors"
    for name in ("portraits/judge", "generator", "cats/generator", "../portraits/generator"):
        with pytest.raises(FileNotFoundError, match=r"there are: portraits/generator$"):
            bundled_path(name)


def test_the_list_is_whole() -> None:
    models = zoo_models()
    reachable = [model for model in models.values() if model.access == "http"]
    assert len(reachable) >= 25
    for model in models.values():
        assert all((model.draws, model.author, model.licence))
        assert model.address.startswith(("http://", "https://"))
        assert 0 < model.truncation_psi <= 1
        assert model.resolution is None or model.resolution in {2**k for k in range(5, 11)}
        assert (model.licence == "not stated") == (model.commercial is None)
        if "NC" in model.licence or "non-commercial" in model.licence:
            assert model.commercial is False
    hosts = ("mega.nz", "drive.google.com", "yadi.sk")
    assert not [m.name for m in reachable if any(host in m.address for host in hosts)]
    assert models["ffhq-1024"].resolution == 1024


def test_the_cache_folder_is_the_one_of_pooch(monkeypatch, tmp_path) -> None:
    pooch = pytest.importorskip("pooch")
    monkeypatch.delenv("SMIS_CACHE", raising=False)
    assert cache_folder() == pooch.os_cache("smis")
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


class Server:
    """Answers of a local server by path: bytes, or how to answer; and what was asked."""

    def __init__(self):
        self.answers, self.asked = {}, []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                answer = server.answers[self.path]
                answer = answer.pop(0) if isinstance(answer, list) else answer
                status, body, length = answer if isinstance(answer, tuple) else (200, answer, None)
                self.send_response(status)
                self.send_header("Content-Length", str(length or len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


WEIGHTS = b"\x80\x04" + bytes(range(256)) * 40


@pytest.fixture
def entry(monkeypatch, tmp_path, server):
    """A model of the zoo whose address is the local server; called with changes."""
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("time.sleep", lambda _: None)

    def make(**changes):
        model = replace(zoo_models()["ffhq-1024"], address=f"{server.address}/ffhq.pkl", **changes)
        monkeypatch.setattr(zoo, "model_named", lambda name: model)
        return model

    server.answers["/ffhq.pkl"] = WEIGHTS
    return make


def kept(tmp_path):
    folder = tmp_path / "cache"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_model_is_downloaded_once(entry, server, tmp_path) -> None:
    entry(sha256=hashlib.sha256(WEIGHTS).hexdigest())
    path = fetch("ffhq-1024", progress=False)
    assert path == tmp_path / "cache" / "ffhq-1024.pkl"
    assert path.read_bytes() == WEIGHTS
    assert fetch("ffhq-1024", progress=False) == path
    assert server.asked == ["/ffhq.pkl"]


def test_progress_is_shown(entry, capsys) -> None:
    entry()
    fetch("ffhq-1024")
    assert "100%" in capsys.readouterr().err


def test_a_broken_download_is_begun_again(entry, server) -> None:
    entry()
    cut_off = (200, WEIGHTS[:100], len(WEIGHTS))
    server.answers["/ffhq.pkl"] = [cut_off, (503, b"busy", None), WEIGHTS]
    assert fetch("ffhq-1024", progress=False).read_bytes() == WEIGHTS
    assert len(server.asked) == 3


def test_another_file_than_known_is_not_kept(entry, tmp_path) -> None:
    entry(sha256="0" * 64)
    with pytest.raises(ValueError, match="SHA-256 differs"):
        fetch("ffhq-1024", progress=False, retries=0)
    assert kept(tmp_path) == []
    (tmp_path / "cache" / "ffhq-1024.pkl").write_bytes(WEIGHTS)
    with pytest.raises(ValueError, match=r"is not the file that the zoo knows.*delete it"):
        fetch("ffhq-1024", progress=False)


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><title>Quota exceeded</title>", b"try again later\n"]
)
def test_a_page_in_place_of_the_file_is_recognised(entry, server, tmp_path, body) -> None:
    entry()
    server.answers["/ffhq.pkl"] = body
    with pytest.raises(OSError, match=r"not a checkpoint.*with a browser.*save it as"):
        fetch("ffhq-1024", progress=False)
    assert kept(tmp_path) == []
    assert len(server.asked) == 1


def test_offline_it_says_which_file_to_put_where(entry, server, tmp_path) -> None:
    model = entry()
    server.answers["/ffhq.pkl"] = (404, b"gone", None)
    with pytest.raises(OSError, match="could not be downloaded") as caught:
        fetch("ffhq-1024", progress=False, retries=0)
    place = tmp_path / "cache" / "ffhq-1024.pkl"
    assert str(place) in str(caught.value)
    assert model.address in str(caught.value)
    place.write_bytes(WEIGHTS)
    assert fetch("ffhq-1024") == place


def test_without_pooch_it_names_both_cures(entry, monkeypatch, tmp_path) -> None:
    entry()
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(OSError, match=r"pip install 'smis\[zoo\]'.*save it as"):
        fetch("ffhq-1024")
    assert kept(tmp_path) == []


def test_models_that_need_a_person(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SMIS_CACHE", str(tmp_path))
    with pytest.raises(OSError, match=r"mega\.nz.*anime-portraits-512\.pkl"):
        fetch("anime-portraits-512")
    with pytest.raises(ValueError, match=r"no model 'ffhq-1023'; similar are .*ffhq-1024"):
        fetch("ffhq-1023")
