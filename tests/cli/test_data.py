"""`hebbgraph data`: what is here, fetching with progress, and what to put where offline."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from hebbgraph.cli import main
from hebbgraph.data import images
from hebbgraph.data.downloads import Remote


def idx(values: np.ndarray) -> bytes:
    shape = struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(bytes([0, 0, 8, values.ndim]) + shape + values.tobytes())


#: Two tiny splits in MNIST's format.
FILES = {
    f"tiny/{split}-{part}": idx(values)
    for split, count in (("train", 12), ("test", 4))
    for part, values in (
        ("images", (np.arange(count * 16) * 37 % 256).astype(np.uint8).reshape(count, 4, 4)),
        ("labels", (np.arange(count) % 10).astype(np.uint8)),
    )
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let mnist be a tiny set that a server on this computer sends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = FILES[self.path[1:]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        home = f"http://127.0.0.1:{running.server_port}"
        publish(monkeypatch, home)
        monkeypatch.setenv("HEBBGRAPH_DATA", str(tmp_path / "cache"))
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield tmp_path / "cache"
        running.shutdown()
        thread.join()


def publish(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    def remote(name: str) -> Remote:
        content = FILES[name]
        digest = hashlib.sha256(content).hexdigest()
        return Remote(name, (f"{home}/{name}",), len(content), digest)

    splits: tuple[images.Split, ...] = ("train", "test")
    files = {s: (remote(f"tiny/{s}-images"), remote(f"tiny/{s}-labels")) for s in splits}
    small = images.ImageSet(files, images._read_idx_set, "made")
    monkeypatch.setitem(images.SETS, "mnist", small)


def test_list_says_what_is_here(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    text = capsys.readouterr().out
    for part in ("digits", "needs no file", "to fetch", str(cache)):
        assert part in text
    assert main(["data", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == str(cache)
    assert [file["here"] for file in found["data"]["mnist"]["files"]] == [False] * 4


def test_fetch_shows_progress_and_path_names_the_files(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "fetch", "mnist", "digits"]) == 0
    captured = capsys.readouterr()
    size = len(FILES["tiny/train-images"])
    assert f"fetching tiny/train-images: {size} bytes of {size} bytes" in captured.err
    assert f"mnist: in {cache / 'tiny'}" in captured.out
    assert "digits: here" in captured.out
    assert {p.name for p in (cache / "tiny").glob("t*")} == {n[5:] for n in FILES}
    assert main(["data", "path", "mnist"]) == 0
    assert all(Path(line).is_file() for line in capsys.readouterr().out.split())
    assert main(["data", "path"]) == 0
    assert capsys.readouterr().out.strip() == str(cache)
    assert main(["data", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["mnist"]["state"] == "here"


def test_one_split_can_be_fetched(cache: Path) -> None:
    assert main(["data", "fetch", "mnist", "--split", "test", "--quiet"]) == 0
    assert sorted(p.name for p in (cache / "tiny").glob("t*")) == ["test-images", "test-labels"]


@pytest.mark.parametrize("command", ["run", "survey"])
def test_what_a_run_fetches_is_shown(
    command: str, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["hopfield", "--data", "mnist", "--count", "3", "--seeds", "1", "--no-folder"]
    arguments += ["--backend", "reference", "--domain", "float", "--steps", "3", "--json"]
    assert main([*(["run"] if command == "run" else ["survey", "basin"]), *arguments]) == 0
    assert "fetching tiny/train-images" in capsys.readouterr().err


def test_offline_every_file_and_its_place_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(monkeypatch, "http://127.0.0.1:9")
    assert main(["data", "fetch", "mnist", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert f"put it at {cache / 'tiny' / 'train-images'}" in error
    assert "`hebbgraph data path mnist` names all its files" in error


@pytest.mark.parametrize("action", ["fetch", "path"])
def test_an_unknown_set_is_named(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", action, "minst"]) == 2
    error = capsys.readouterr().err
    assert "'minst'" in error
    assert "mnist, fashion_mnist" in error
