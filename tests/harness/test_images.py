"""The published sets of images, read from small files in their formats."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph import data
from hebbgraph.cli import main
from hebbgraph.data import images as published
from hebbgraph.data.downloads import Remote, cache_folder
from hebbgraph.data.images import binarised
from hebbgraph.errors import Invalid, Unavailable

GREY = np.arange(3 * 28 * 28, dtype=np.int64).reshape(3, 28, 28).astype(np.uint8)
COLOURS = (np.arange(5 * 32 * 32 * 3, dtype=np.int64) * 7 % 251).reshape(5, 32, 32, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HEBBGRAPH_DATA", str(tmp_path))
    yield tmp_path
    published._patterns.cache_clear()


def place(monkeypatch: pytest.MonkeyPatch, name: str, contents: list[bytes]) -> None:
    """Put files in the cache and make them what the train split of a set must be."""
    held = published.SETS[name]
    files = []
    for remote, content in zip(held.files["train"], contents, strict=True):
        target = cache_folder() / remote.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(Remote(remote.path, remote.urls, len(content), digest))
    monkeypatch.setitem(published.SETS, name, replace(held, files={"train": tuple(files)}))


def idx(array: NDArray[Any], code: int = 8) -> bytes:
    head = bytes((0, 0, code, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(f"folder/{name}")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def records(labels: list[tuple[int, ...]]) -> bytes:
    rows = []
    for label, image in zip(labels, COLOURS.astype(np.uint8), strict=False):
        rows.append(bytes(label) + image.transpose(2, 0, 1).tobytes())
    return b"".join(rows)


# --- MNIST and Fashion-MNIST -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_become_images_and_patterns(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, name, [idx(GREY), idx(np.array([3, 0, 9]))])
    found = data.load_images(name)
    assert np.array_equal(found.images, GREY)
    assert found.images.dtype == np.uint8
    assert found.labels.tolist() == [3, 0, 9]
    assert len(found.classes) == 10
    assert found.coarse is None
    with pytest.raises(ValueError, match="read-only"):
        found.images[0, 0, 0] = 1

    patterns = data.load(name)
    assert patterns.name == name
    assert patterns.image_shape == (28, 28)
    assert np.array_equal(patterns.patterns > 0, GREY.reshape(3, -1) >= 128)
    assert patterns.labels is not None
    assert patterns.labels.tolist() == [3, 0, 9]
    assert "train split; +1 where grey >= 128 of 255" in patterns.source
    assert data.load(name) is patterns
    lower = getattr(data, name)(threshold=10)
    assert np.array_equal(lower.patterns > 0, GREY.reshape(3, -1) >= 10)


@pytest.mark.parametrize(
    ("images", "labels", "reason"),
    [
        (idx(GREY)[:-40], idx(np.array([3, 0, 9])), "must be a whole gzip file"),
        (b"no gzip", idx(np.array([3, 0, 9])), "must be a whole gzip file"),
        (idx(GREY, code=13), idx(np.array([3, 0, 9])), "must begin with 00 00 08 03"),
        (idx(GREY[0]), idx(np.array([3, 0, 9])), "must begin with 00 00 08 03"),
        (gzip.compress(b""), idx(np.array([3, 0, 9])), "got nothing"),
        (gzip.compress(gzip.decompress(idx(GREY))[:-1]), idx(np.array([1])), "must hold 2,352"),
        (idx(GREY), idx(np.array([3, 0])), "must be 3 .got 2 labels"),
        (idx(GREY), idx(np.array([3, 0, 10])), "labels must be below 10"),
    ],
)
def test_damaged_idx_files_are_refused(
    images: bytes, labels: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, "mnist", [images, labels])
    with pytest.raises(Invalid, match=reason):
        data.load_images("mnist")


# --- CIFAR -------------------------------------------------------------------------------------


def test_cifar10_is_read_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = {f"data_batch_{i}.bin": records([(i,)]) for i in range(1, 6)}
    names = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\n\n"
    content = archive({"readme.html": b"x", **batches, "batches.meta.txt": names})
    place(monkeypatch, "cifar10", [content])
    found = data.load_images("cifar10")
    assert found.images.shape == (5, 32, 32, 3)
    assert np.array_equal(found.images, np.repeat(COLOURS[:1], 5, axis=0))
    assert found.labels.tolist() == [1, 2, 3, 4, 5]
    assert found.classes == ("airplane", "automobile", "bird", "cat", "deer", "dog")

    grey = COLOURS[0] @ [0.299, 0.587, 0.114]
    patterns = data.load("cifar10")
    assert patterns.patterns.shape == (5, 1024)
    assert np.array_equal(patterns.patterns[0] > 0, grey.ravel() >= grey.mean())
    assert "the image's own mean" in patterns.source
    fixed = data.cifar10(threshold=100)
    assert np.array_equal(fixed.patterns[0] > 0, grey.ravel() >= 100)


def test_cifar100_has_coarse_labels_too(monkeypatch: pytest.MonkeyPatch) -> None:
    members = {
        "coarse_label_names.txt": b"fish\ntrees\n",
        "fine_label_names.txt": b"cod\noak\nray\n",
        "train.bin": records([(0, 2), (1, 1), (0, 0)]),
    }
    place(monkeypatch, "cifar100", [archive(members)])
    found = data.load_images("cifar100")
    assert found.labels.tolist() == [2, 1, 0]
    assert found.classes == ("cod", "oak", "ray")
    assert found.coarse is not None
    assert found.coarse.tolist() == [0, 1, 0]
    assert found.coarse_classes == ("fish", "trees")
    assert np.array_equal(found.images, COLOURS[:3])
    assert len(data.load("cifar100")) == 3


NAMES = {"coarse_label_names.txt": b"a", "fine_label_names.txt": b"b c"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"nothing of the kind", "must be a whole tar.gz file"),
        (archive({**NAMES, "train.bin": records([(0, 0)] * 3)})[:-900], "must be a whole tar.gz"),
        (archive(NAMES), "must hold coarse_label_names.txt, .* .got no train.bin"),
        (archive({**NAMES, "train.bin": b""}), "records of 3074 bytes, at least one"),
        (archive({**NAMES, "train.bin": b"12345"}), "got train.bin of 5 bytes"),
        (archive({**NAMES, "train.bin": records([(0, 2)])}), "labels must be below 1, 2 .got 2"),
    ],
)
def test_damaged_archives_are_refused(
    content: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, "cifar100", [content])
    with pytest.raises(Invalid, match=reason):
        data.load_images("cifar100")


def test_binarised_at_the_mean_is_exact() -> None:
    # Every pixel is the mean itself: no rounding may push any below it.
    assert (binarised(np.full((1, 32, 32, 3), 77, np.uint8), None) == 1).all()
    half = np.zeros((1, 2, 2), np.uint8)
    half[0, 0] = 255
    assert binarised(half, None).tolist() == [[[1, 1], [-1, -1]]]


# --- without the files -------------------------------------------------------------------------


def test_listing_the_sets_fetches_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "data"]) == 0
    assert "fashion_mnist" in capsys.readouterr().out
    assert not list(cache_folder().iterdir())


def test_without_a_network_every_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, held in published.SETS.items():
        first = replace(held.files["train"][0], urls=("http://127.0.0.1:9/x",))
        monkeypatch.setitem(published.SETS, name, replace(held, files={"train": (first,)}))
        with pytest.raises(Unavailable, match=f"put it at {cache_folder() / first.path}"):
            data.load(name)


def test_unknown_names_and_splits() -> None:
    with pytest.raises(Invalid) as error:
        data.load_images("minst", "validation")  # type: ignore[arg-type]
    assert [fault.where for fault in error.value.faults] == ["name", "split"]


def test_what_is_published_is_stated_in_full() -> None:
    for held in published.SETS.values():
        for files in held.files.values():
            for remote in files:
                assert len(remote.sha256) == 64 or len(remote.md5) == 32
                assert remote.size > 1000
                assert all(url.startswith("http") for url in remote.urls)
