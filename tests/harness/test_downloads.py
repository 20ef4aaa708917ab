"""Downloads: a local server sends small files, whole, cut off, changed or not at all."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hebbgraph.data.downloads import Remote, cache_folder, obtain
from hebbgraph.errors import Invalid, Unavailable

CONTENT = bytes(range(256)) * 4000  # about 1 MB: several chunks


@dataclass
class Server:
    """What is served by path, and how."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    #: The next answer ends after so many bytes.
    cut: int | None = None
    ranges: bool = True
    #: (path, first byte asked for) of each request.
    asked: list[tuple[str, int]] = field(default_factory=list)

    def remote(self, name: str = "set/file.bin", content: bytes = CONTENT) -> Remote:
        self.files[f"/{name}"] = content
        digest = hashlib.sha256(content).hexdigest()
        return Remote(name, (f"{self.url}/{name}",), len(content), digest)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            made.asked.append((self.path, first))
            whole = made.files.get(self.path)
            if whole is None or first >= len(whole):
                self.send_error(404 if whole is None else 416)
                return
            partial = bool(first) and made.ranges
            sent = whole[first:] if partial else whole
            self.send_response(206 if partial else 200)
            if partial:
                span = f"bytes {first}-{len(whole) - 1}/{len(whole)}"
                self.send_header("Content-Range", span)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent[: made.cut])
            made.cut = None

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("HEBBGRAPH_DATA", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        made = Server(f"http://127.0.0.1:{running.server_port}")
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield made
        running.shutdown()
        thread.join()


def test_a_file_is_fetched_once_with_progress_and_checked_every_time(server: Server) -> None:
    told: list[tuple[int, int, str]] = []
    remote = server.remote()
    path = obtain(remote, lambda *a: told.append(a))
    assert path == cache_folder() / "set/file.bin"
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT), "fetching set/file.bin, bytes")
    assert len(told) > 1
    assert obtain(remote) == path
    assert len(server.asked) == 1
    assert sorted(p.name for p in path.parent.iterdir()) == [".file.bin.lock", "file.bin"]

    changed = bytearray(CONTENT)
    changed[1000] ^= 1
    path.write_bytes(changed)
    with pytest.raises(Invalid, match=r"file\.bin: must have 1,024,000 bytes with sha256"):
        obtain(remote)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(Invalid, match=r"got 1,023,999 bytes.*remove it to have it fetched again"):
        obtain(remote)
    assert len(server.asked) == 1  # what a user put there is not overwritten


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on_or_begins_again(server: Server, ranges: bool) -> None:
    remote = server.remote()
    server.ranges, server.cut = ranges, 700_000
    with pytest.raises(Unavailable, match="could not be fetched"):
        obtain(remote)
    target = cache_folder() / remote.path
    assert not target.exists()
    held = (target.parent / ".file.bin.partial").stat().st_size
    assert 0 < held <= 700_000
    told: list[int] = []
    assert obtain(remote, lambda done, *_: told.append(done)).read_bytes() == CONTENT
    assert server.asked == [("/set/file.bin", 0), ("/set/file.bin", held)]
    assert (told[0] > held) == ranges


@pytest.mark.parametrize("left", [b"x" * 5000, b"y" * len(CONTENT), b"z" * 2 * len(CONTENT)])
def test_what_another_download_left_does_no_harm(server: Server, left: bytes) -> None:
    remote = server.remote()
    partial = cache_folder() / "set" / ".file.bin.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(left)
    assert obtain(remote).read_bytes() == CONTENT
    assert not partial.exists()


def test_a_range_that_the_server_does_not_have_begins_again(server: Server) -> None:
    remote = server.remote()
    server.files["/set/file.bin"] = b"short"
    partial = cache_folder() / "set" / ".file.bin.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 5000)
    with pytest.raises(Unavailable, match="ended after 5 of 1,024,000 bytes"):
        obtain(remote)
    assert [first for _, first in server.asked] == [5000, 0]


@pytest.mark.parametrize("sent", [CONTENT[:-1] + b"?", CONTENT + b"more"])
def test_another_file_is_refused(server: Server, sent: bytes) -> None:
    remote = server.remote()
    server.files["/set/file.bin"] = sent
    with pytest.raises(Unavailable, match="refused what it sent, "):
        obtain(remote)
    assert [p.name for p in (cache_folder() / "set").iterdir()] == [".file.bin.lock"]


def test_the_second_address_serves_where_the_first_does_not(server: Server) -> None:
    right = server.remote()
    urls = (f"{server.url}/gone", right.urls[0])
    assert obtain(Remote(right.path, urls, right.size, right.sha256)).exists()


def test_offline_the_error_says_which_file_to_put_where(server: Server) -> None:
    remote = Remote("set/file.bin", ("http://127.0.0.1:9/file.bin",), 10, "ab" * 32)
    with pytest.raises(Unavailable) as error:
        obtain(remote)
    text = str(error.value)
    assert "http://127.0.0.1:9/file.bin: [Errno 111]" in text
    assert f"put it at {cache_folder() / 'set/file.bin'}" in text
    assert "(10 bytes with sha256 abab" in text
    assert "set HEBBGRAPH_DATA to a folder that holds set/file.bin" in text


def test_a_cache_folder_that_cannot_be_made_is_named(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEBBGRAPH_DATA", str(tmp_path / "file"))
    with pytest.raises(Unavailable, match=r"file/set: .*"):
        obtain(server.remote())


def test_two_at_once_fetch_it_once(server: Server) -> None:
    remote = server.remote()
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(obtain, [remote] * 4))
    assert len(set(paths)) == 1
    assert len(server.asked) == 1


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEBBGRAPH_DATA", "~/sets")
    assert cache_folder() == Path.home() / "sets"
    monkeypatch.delenv("HEBBGRAPH_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hebbgraph" / "data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "hebbgraph" / "data"
