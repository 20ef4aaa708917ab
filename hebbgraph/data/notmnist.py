"""notMNIST, the small set: letters A to J of many fonts as PNG images of 28x28 pixels in a tar.gz.

Y. Bulatov, "notMNIST dataset", 2011, yaroslavvb.blogspot.com/2011/09/notmnist-dataset.html. No
split is published: of every letter each tenth image, in the order of their names, is for testing.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid, Unavailable

LETTERS = "ABCDEFGHIJ"
SIDE = 28
TEST_EVERY = 10
#: Two members of the published archive that are no images.
BROKEN = (
    "A/RGVtb2NyYXRpY2FCb2xkT2xkc3R5bGUgQm9sZC50dGY=.png",
    "F/Q3Jvc3NvdmVyIEJvbGRPYmxpcXVlLnR0Zg==.png",
)


def read_notmnist(path: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (n, 28, 28) and letters (n,), 0 for A.

    Raises `Invalid` if the archive is damaged, lacks a letter or holds an image of another kind,
    `Unavailable` without Pillow.
    """
    members = _members(path)
    images, labels = [], []
    for label, letter in enumerate(LETTERS):
        names = sorted(name for name in members if name[0] == letter)
        if len(names) < TEST_EVERY:
            need = f"must hold {TEST_EVERY} or more images of each letter"
            raise _refused(path, f"{len(names)} of {letter}", need)
        for number, name in enumerate(names):
            if (number % TEST_EVERY == TEST_EVERY - 1) == (split == "test"):
                images.append(_pixels(path, name, members[name]))
                labels.append(label)
    return np.stack(images), np.array(labels, dtype=np.int64)


def _members(path: Path) -> dict[str, bytes]:
    """Return the content of the images by letter and name, read in one pass."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                parts = PurePosixPath(member.name).parts[-2:]
                name = "/".join(parts)
                if not member.isfile() or len(parts) < 2 or name in BROKEN:
                    continue
                if parts[0] in set(LETTERS) and parts[1].endswith(".png"):
                    file = archive.extractfile(member)
                    found[name] = file.read() if file else b""
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _refused(path, str(error), "must be a whole tar.gz file") from error
    return found


def _pixels(path: Path, name: str, content: bytes) -> NDArray[np.uint8]:
    try:
        from PIL import Image
    except ImportError as error:
        text = "data set notmnist: Pillow, which reads PNG, is not installed; pip install pillow"
        raise Unavailable(text) from error
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("L"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        need = f"must be a PNG image of {SIDE}x{SIDE} pixels"
        raise _refused(path, f"{name}: {error}", need) from error
    if pixels.shape != (SIDE, SIDE):
        need = f"must be a PNG image of {SIDE}x{SIDE} pixels"
        raise _refused(path, f"{name} {pixels.shape}", need)
    return pixels


def _refused(path: Path, got: str, need: str) -> Invalid:
    remedy = "remove it to have it fetched again"
    return Invalid("notMNIST archive", [Fault(str(path), got, need, remedy)])
