"""The binary version of CIFAR-10 and CIFAR-100: records of labels and pixels in a tar.gz file.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009. A record is one byte
per label, then 32x32 bytes of red, of green and of blue, row by row. Nothing is unpacked to disk
and no pickle is read.
"""

from __future__ import annotations

import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid

SIDE = 32
PIXELS = 3 * SIDE * SIDE


@dataclass(frozen=True)
class Layout:
    """Which members of an archive hold what."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    #: One name file per label of a record, in their order.
    names: tuple[str, ...]


CIFAR10 = Layout(
    tuple(f"data_batch_{i}.bin" for i in range(1, 6)), ("test_batch.bin",), ("batches.meta.txt",)
)
#: The coarse label stands before the fine one.
CIFAR100 = Layout(("train.bin",), ("test.bin",), ("coarse_label_names.txt", "fine_label_names.txt"))


def read_cifar(
    path: Path, layout: Layout, split: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[tuple[str, ...]]]:
    """Return images (n, 32, 32, 3), labels (n, kinds of labels) and the names of each kind.

    Raises `Invalid` if the archive is damaged or lacks a member.
    """
    batches = layout.train if split == "train" else layout.test
    members = _members(path, {*batches, *layout.names})
    names = [tuple(members[name].decode().split()) for name in layout.names]
    kinds = len(names)
    rows = []
    for batch in batches:
        content = members[batch]
        if not content or len(content) % (kinds + PIXELS):
            need = f"must be records of {kinds + PIXELS} bytes, at least one"
            raise _refused(path, f"{batch} of {len(content):,} bytes", need)
        rows.append(np.frombuffer(content, np.uint8).reshape(-1, kinds + PIXELS))
    records = np.concatenate(rows)
    labels = records[:, :kinds].astype(np.int64)
    over = labels >= [len(one) for one in names]
    if over.any():
        need = f"labels must be below {', '.join(str(len(one)) for one in names)}"
        raise _refused(path, f"{labels[over][0]}", need)
    images = records[:, kinds:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels, names


def _members(path: Path, wanted: set[str]) -> dict[str, bytes]:
    """Return the content of the files of these names, read in one pass."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                file = archive.extractfile(member) if name in wanted and member.isfile() else None
                if file:
                    found[name] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _refused(path, str(error), "must be a whole tar.gz file") from error
    missing = sorted(wanted - set(found))
    if missing:
        raise _refused(path, f"no {', '.join(missing)}", f"must hold {', '.join(sorted(wanted))}")
    return found


def _refused(path: Path, got: str, need: str) -> Invalid:
    remedy = "remove it to have it fetched again"
    return Invalid("CIFAR archive", [Fault(str(path), got, need, remedy)])
