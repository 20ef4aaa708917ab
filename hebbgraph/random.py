"""Counter-based randomness: one seed is one network on every back end.

No back end draws a number. A stream is keyed by (seed, process path, purpose) and positioned by
(episode, step), so any number can be drawn again alone, in any order, on any machine.

Philox 4x64-10: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import numpy as np


def stream(
    seed: int, path: str, purpose: str, *, episode: int = 0, step: int = 0
) -> np.random.Generator:
    """Return the generator of one (seed, path, purpose, episode, step).

    The 128-bit Philox key is the head of SHA-256 over seed, path and purpose; the 256-bit counter
    starts at [0, step, episode, 0], and only its lowest word moves while numbers are drawn, so
    streams never overlap (2**64 blocks of four numbers each).
    """
    counter = np.array([0, step, episode, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, path, purpose), counter=counter))


@functools.lru_cache(maxsize=1024)
def _key(seed: int, path: str, purpose: str) -> Any:
    text = f"{int(seed)}\0{path}\0{purpose}".encode()
    return np.frombuffer(hashlib.sha256(text).digest()[:16], dtype="<u8").astype(np.uint64)
