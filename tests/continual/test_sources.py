"""Streams by name, of sets that a local server sends."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.io import savemat

from hebbgraph import data
from hebbgraph.continual.sources import NORMS, PACKAGED, STREAMS, five_datasets, stream
from hebbgraph.data import images as published
from hebbgraph.data.downloads import Remote, cache_folder
from hebbgraph.errors import Invalid, Unavailable

DRAW = np.random.default_rng(0)
#: Two of each class, in grey and in colour.
LABELS = np.tile(np.arange(10), 2)
GREY = DRAW.integers(0, 256, (20, 28, 28), dtype=np.uint8)
COLOURS = DRAW.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
LETTERS = DRAW.integers(0, 256, (10, 20, 28, 28), dtype=np.uint8)


def idx(array: NDArray[Any]) -> bytes:
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(f"folder/{name}")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def cifar(fine: NDArray[Any], coarse: bool) -> bytes:
    rows = [fine[:, None], COLOURS.transpose(0, 3, 1, 2).reshape(20, -1)]
    records = np.concatenate(([fine[:, None] // 5] if coarse else []) + rows, axis=1)
    content = records.astype(np.uint8).tobytes()
    if coarse:
        names = {
            "coarse_label_names.txt": "\n".join(f"c{i}" for i in range(20)).encode(),
            "fine_label_names.txt": "\n".join(f"f{i}" for i in range(100)).encode(),
        }
        return archive({"train.bin": content, "test.bin": content} | names)
    batches = {f"data_batch_{i}.bin": content for i in range(1, 6)}
    names = {"batches.meta.txt": "\n".join(f"n{i}" for i in range(10)).encode()}
    return archive(batches | {"test_batch.bin": content} | names)


def mat(**arrays: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, arrays)
    return buffer.getvalue()


def svhn() -> bytes:
    return mat(X=COLOURS.transpose(1, 2, 3, 0), y=np.where(LABELS == 0, 10, LABELS)[:, None])


def png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def letters() -> dict[str, bytes]:
    members = {
        f"{letter}/{number:02}.png": png(LETTERS[label, number])
        for label, letter in enumerate("ABCDEFGHIJ")
        for number in range(20)
    }
    return members | {"A/RGVtb2NyYXRpY2FCb2xkT2xkc3R5bGUgQm9sZC50dGY=.png": b""}


@pytest.fixture
def contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Yield what the server sends by path; every set is a tiny one that it publishes."""
    sent: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in sent:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent[self.path])))
            self.end_headers()
            self.wfile.write(sent[self.path])

        def log_message(self, *_: object) -> None:
            pass

    grey = [idx(GREY), idx(LABELS)] * 2
    colour10, colour100 = cifar(LABELS, coarse=False), cifar(np.arange(20) * 5, coarse=True)
    made = {
        "mnist": grey,
        "fashion_mnist": grey,
        "cifar10": [colour10] * 2,
        "cifar100": [colour100] * 2,
        "svhn": [svhn()] * 2,
        "notmnist": [archive(letters())] * 2,
    }
    monkeypatch.setenv("HEBBGRAPH_DATA", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        home = f"http://127.0.0.1:{running.server_port}"
        for name, files in made.items():
            publish(monkeypatch, sent, home, name, files)
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield sent
        running.shutdown()
        thread.join()


def publish(
    monkeypatch: pytest.MonkeyPatch,
    sent: dict[str, bytes],
    home: str,
    name: str,
    files: list[bytes],
) -> None:
    held = published.SETS[name]
    remotes: dict[Any, tuple[Remote, ...]] = {}
    given = iter(files)
    for split, old in held.files.items():
        new = []
        for remote in old:
            content = next(given)
            sent[f"/{remote.path}"] = content
            md5 = "" if remote.sha256 else hashlib.md5(content).hexdigest()
            digest = hashlib.sha256(content).hexdigest() if remote.sha256 else ""
            urls = (f"{home}/{remote.path}",)
            new.append(Remote(remote.path, urls, len(content), digest, md5))
        remotes[split] = tuple(new)
    monkeypatch.setitem(published.SETS, name, replace(held, files=remotes))


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let mnist5k be a set of its shape that is read at once."""
    x, y = DRAW.random((500, 784)), np.arange(500) % 10
    monkeypatch.setitem(PACKAGED, "mnist5k", lambda: (x, y))


def test_every_stream_is_what_its_name_says(contents: dict[str, bytes], packaged: None) -> None:
    for name, source in STREAMS.items():
        if name == "split-cifar100":
            continue  # only 20 of its classes are served, see below
        for scenario in source.scenarios:
            limits = {"train_per_class": 9, "test_per_class": 2}
            made = stream(name, tasks=2, scenario=scenario, **limits)  # type: ignore[arg-type]
            assert len(made) == 2
            assert made.scenario == scenario
            assert made.inputs == np.prod(source.image_shape)
            assert made.name == f"{name}-2"
            for task in made.tasks:
                assert set(task.train.y) == set(task.test.y) == set(task.classes)
                assert np.bincount(task.train.y)[list(task.classes)].max() <= 9
                assert np.bincount(task.test.y)[list(task.classes)].max() <= 2
        assert len(stream(name, **limits)) == source.tasks  # type: ignore[arg-type]


def test_cifar100_must_have_its_classes(contents: dict[str, bytes]) -> None:
    with pytest.raises(Invalid, match="is not in train"):
        stream("split-cifar100")


def test_values_are_normalised_as_published(contents: dict[str, bytes]) -> None:
    made = stream("split-cifar10", tasks=1)
    mean, deviation = (np.array(v).reshape(3, 1, 1) for v in NORMS["cifar10"])
    x = made.tasks[0].test.x[3].reshape(3, 32, 32)
    np.testing.assert_allclose(
        x * deviation + mean, COLOURS[3].transpose(2, 0, 1) / 255, atol=1e-12
    )
    grey = stream("split-mnist", tasks=1).tasks[0].test.x[3]
    np.testing.assert_allclose(grey, GREY[3].ravel() / 255, atol=1e-15)


def test_five_datasets_share_a_shape(contents: dict[str, bytes]) -> None:
    made = five_datasets()
    assert [task.name for task in made.tasks] == [
        "cifar10",
        "mnist",
        "svhn",
        "fashion_mnist",
        "notmnist",
    ]
    assert made.outputs == 50
    assert made.tasks[2].classes == tuple(range(20, 30))
    assert set(made.tasks[2].test.y) == set(range(20, 30))  # SVHN's 10 is the digit 0
    assert made.tasks[2].test.y[0] == 20
    framed = made.tasks[1].test.x[4].reshape(3, 32, 32) * 0.2752 + 0.1
    np.testing.assert_allclose(framed[0, 2:-2, 2:-2], GREY[4] / 255, atol=1e-12)
    assert np.abs(framed[:, :2]).max() < 1e-12
    assert np.array_equal(framed[0], framed[2])
    assert [len(made.tasks[4].train), len(made.tasks[4].test)] == [180, 20]
    letter = made.tasks[4].test.x[0].reshape(3, 32, 32)[0, 2:-2, 2:-2] * 0.4501 + 0.4254
    np.testing.assert_allclose(letter, LETTERS[0, 9] / 255, atol=1e-12)  # each tenth is tested
    assert five_datasets("domain", 3).outputs == 10


def test_limits_are_drawn_for_the_seed(packaged: None) -> None:
    one, two, other = (stream("permuted-mnist5k", tasks=2, seed=s, train_per_class=3)
                       for s in (0, 0, 1))  # fmt: skip
    assert len(one.tasks[0].train) == 30
    assert len(one.tasks[0].test) == 100
    assert np.array_equal(one.tasks[1].train.x, two.tasks[1].train.x)
    assert not np.array_equal(one.tasks[1].train.x, other.tasks[1].train.x)


def test_bad_arguments_are_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        stream("permuted-minst")
    assert all(name in str(caught.value) for name in STREAMS)
    with pytest.raises(Invalid) as caught:
        stream("rotated-digits", tasks=0, scenario="task", seed=-1, train_per_class=0)
    faults = {fault.where for fault in caught.value.faults}
    assert faults == {"tasks", "scenario", "seed", "train_per_class"}
    with pytest.raises(Invalid, match="must divide the 10 classes"):
        stream("split-digits", tasks=3)
    with pytest.raises(Invalid, match="tasks"):
        stream("five-datasets", tasks=6)


@pytest.mark.parametrize("name", ["svhn", "notmnist"])
def test_another_file_is_refused(contents: dict[str, bytes], name: str) -> None:
    path = f"/{published.SETS[name].files['train'][0].path}"
    contents[path] = contents[path][:-1] + b"?"
    with pytest.raises(Unavailable, match=r"refused what it sent, (sha256|md5) [0-9a-f]+"):
        stream("five-datasets")
    del contents[path]
    with pytest.raises(Unavailable, match=f"put it at {cache_folder() / path[1:]}"):
        stream("five-datasets")
    target = cache_folder() / path[1:]
    target.write_bytes(b"short")
    with pytest.raises(Invalid, match="got 5 bytes"):
        data.load_images(name)


DAMAGED = [
    ("svhn", b"no file", "must be a whole MATLAB file"),
    ("svhn", svhn()[:-2000], "must be a whole MATLAB file"),
    ("svhn", mat(X=np.zeros((32, 32, 3, 2), np.uint8)), "no y"),
    ("svhn", mat(X=np.zeros((32, 32, 3, 2), np.uint8), y=np.ones((3, 1))), "of shape"),
    ("svhn", mat(X=np.zeros((32, 32, 3, 1), np.uint8), y=np.array([[11]])), "y from 11 to 11"),
    ("notmnist", b"no file", "must be a whole tar.gz file"),
    ("notmnist", archive(letters())[:-900], "must be a whole tar.gz file"),
    ("notmnist", archive({"A/1.png": png(GREY[0])}), "10 or more images of each letter"),
    ("notmnist", archive(letters() | {"C/00.png": b"x"}), "C/00.png"),
    ("notmnist", archive(letters() | {"C/00.png": png(GREY[0, :5])}), "28x28"),
]


@pytest.mark.parametrize(("name", "content", "text"), DAMAGED)
def test_damaged_files_are_refused(
    contents: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    text: str,
) -> None:
    publish(monkeypatch, contents, "http://127.0.0.1:9", name, [content, content])
    path = cache_folder() / published.SETS[name].files["train"][0].path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(Invalid, match=text):
        data.load_images(name)


def test_patterns_of_the_new_sets(contents: dict[str, bytes]) -> None:
    published._patterns.cache_clear()
    digits, found = data.load("svhn"), data.load("notmnist")
    published._patterns.cache_clear()
    assert digits.units == 1024
    assert found.units == 784
    assert len(found) == 180
    assert digits.labels is not None
    assert digits.labels[0] == 0
