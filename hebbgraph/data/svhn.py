"""SVHN's cropped digits: a MATLAB file of images and labels.

Y. Netzer et al., "Reading digits in natural images with unsupervised feature learning", 2011. Array
``X`` (32, 32, 3, n) of uint8 and ``y`` (n, 1), in which 10 stands for the digit 0.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid

SIDE = 32


def read_svhn(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (n, 32, 32, 3) and digits (n,); raises `Invalid` for anything else."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held = loadmat(path, variable_names=["X", "y"])
    except (OSError, ValueError, TypeError, KeyError, MatReadError, zlib.error) as error:
        need = "must be a whole MATLAB file"
        raise _refused(path, f"{type(error).__name__} {error}", need) from error
    except NotImplementedError as error:  # a MATLAB file of version 7.3
        raise _refused(path, str(error), "must be a MATLAB file of version 5") from error
    missing = sorted({"X", "y"} - set(held))
    if missing:
        raise _refused(path, f"no {', '.join(missing)}", "must hold X and y")
    images, labels = np.asarray(held["X"]), np.asarray(held["y"]).ravel()
    count = len(labels)
    if images.dtype != np.uint8 or images.shape != (SIDE, SIDE, 3, count) or not count:
        need = f"must be uint8 of shape (32, 32, 3, {count})"
        raise _refused(path, f"X {images.dtype} {images.shape}", need)
    digits = labels.astype(np.int64)
    if digits.min() < 1 or digits.max() > 10:
        got = f"y from {digits.min()} to {digits.max()}"
        raise _refused(path, got, "labels must be 1 to 10, of which 10 is the digit 0")
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), digits % 10


def _refused(path: Path, got: str, need: str) -> Invalid:
    remedy = "remove it to have it fetched again"
    return Invalid("SVHN file", [Fault(str(path), got, need, remedy)])
