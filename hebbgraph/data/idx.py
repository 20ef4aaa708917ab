"""The IDX format of MNIST: arrays of bytes in a gzip file.

Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits": two zero bytes, a
type code (8 for uint8), the number of axes, their lengths as big-endian uint32, then the values.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid

_UINT8 = 8


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Return the array in a gzip file of uint8 values; raises `Invalid` if it is anything else."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _refused(path, str(error), "must be a whole gzip file") from error
    head = 4 + 4 * axes
    if len(content) < head or content[:4] != bytes((0, 0, _UINT8, axes)):
        need = f"must begin with 00 00 {_UINT8:02x} {axes:02x}: uint8, {axes} axes"
        raise _refused(path, content[:4].hex(" ") or "nothing", need)
    shape = struct.unpack(f">{axes}I", content[4:head])
    if len(content) - head != math.prod(shape):
        need = f"must hold {math.prod(shape):,} values for the shape {shape}"
        raise _refused(path, f"{len(content) - head:,}", need)
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)


def _refused(path: Path, got: str, need: str) -> Invalid:
    return Invalid("IDX file", [Fault(str(path), got, need, "remove it to have it fetched again")])
