"""Random patterns of independent units, one function per alphabet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hebbgraph.alphabets import Alphabet
from hebbgraph.checks import is_whole
from hebbgraph.data.patterns import PatternSet
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream


def random_patterns(n: int, size: int, seed: int, bias: float = 0.0) -> PatternSet:
    """Return `n` independent patterns of `size` units, P(+1) = (1 + bias) / 2 for every unit.

    Pattern i is the same whatever `n` is. Raises `Invalid` unless n, size >= 1 and
    -1 < bias < 1.
    """
    faults = _size_faults(n, size)
    if not -1 < bias < 1:
        faults.append(Fault("bias", repr(bias), "must be in (-1, 1), the mean of a unit"))
    if faults:
        raise Invalid("random_patterns", faults)
    patterns = np.empty((n, size), dtype=np.int8)
    for index in range(n):
        draws = stream(seed, "data.random_patterns", "pattern", episode=index).random(size)
        patterns[index] = np.where(draws < (1 + bias) / 2, 1, -1)
    source = f"independent units, mean {bias:g}, seed {seed}"
    return PatternSet(f"random-{n}x{size}", patterns, source=source)


def diluted_patterns(n: int, size: int, seed: int, dilution: float = 0.5) -> PatternSet:
    """Return `n` independent patterns in {-1, 0, +1}, P(0) = `dilution`, P(+1) = P(-1).

    Pattern i is the same whatever `n` is. Raises `Invalid` unless n, size >= 1 and
    0 <= dilution < 1.
    """
    faults = _size_faults(n, size)
    if not 0 <= dilution < 1:
        faults.append(Fault("dilution", repr(dilution), "must be in [0, 1), the share of zeros"))
    if faults:
        raise Invalid("diluted_patterns", faults)
    patterns = np.empty((n, size), dtype=np.int8)
    for index in range(n):
        draw = stream(seed, "data.diluted_patterns", "pattern", episode=index)
        signs = np.where(draw.random(size) < 0.5, 1, -1)
        patterns[index] = np.where(draw.random(size) < dilution, 0, signs)
    source = f"independent units, share of zeros {dilution:g}, seed {seed}"
    return PatternSet(f"diluted-{n}x{size}", patterns, source=source, alphabet="ternary")


def sparse_patterns(n: int, size: int, seed: int, active: int | None = None) -> PatternSet:
    """Return `n` patterns in {0, 1} of exactly `active` ones each, all choices equally likely.

    By default max(1, round(log2 size)) units are active. Pattern i is the same whatever `n` is.
    Raises `Invalid` unless n, size >= 1 and 1 <= active <= size.
    """
    faults = _size_faults(n, size)
    ones = max(1, round(np.log2(max(size, 1)))) if active is None and not faults else active
    if not faults and (not is_whole(ones) or not 1 <= int(ones or 0) <= size):
        faults.append(Fault("active", repr(ones), f"must be a whole number in 1..{size}"))
    if faults:
        raise Invalid("sparse_patterns", faults)
    patterns = np.zeros((n, size), dtype=np.int8)
    for index in range(n):
        draw = stream(seed, "data.sparse_patterns", "pattern", episode=index)
        patterns[index, draw.permutation(size)[:ones]] = 1
    source = f"{ones} of {size} units active, seed {seed}"
    return PatternSet(f"sparse-{n}x{size}", patterns, source=source, alphabet="binary")


def sphere_patterns(n: int, size: int, seed: int) -> PatternSet:
    """Return `n` independent real patterns, uniform on the sphere of radius 1.

    Pattern i is the same whatever `n` is. Raises `Invalid` unless n, size >= 1.
    """
    faults = _size_faults(n, size)
    if faults:
        raise Invalid("sphere_patterns", faults)
    patterns = np.empty((n, size))
    for index in range(n):
        draw = stream(seed, "data.sphere_patterns", "pattern", episode=index)
        vector = draw.standard_normal(size)
        patterns[index] = vector / np.linalg.norm(vector)
    source = f"uniform on the unit sphere, seed {seed}"
    return PatternSet(f"sphere-{n}x{size}", patterns, source=source, alphabet="real")


def independent_patterns(alphabet: Alphabet, n: int, size: int, seed: int) -> PatternSet:
    """Return the independent random patterns of an alphabet, as its function makes them."""
    makers: dict[Alphabet, Callable[[int, int, int], PatternSet]] = {
        "bipolar": random_patterns,
        "ternary": diluted_patterns,
        "binary": sparse_patterns,
        "real": sphere_patterns,
    }
    return makers[alphabet](n, size, seed)


def _size_faults(n: object, size: object) -> list[Fault]:
    return [
        Fault(name, repr(value), "must be a whole number above 0")
        for name, value in (("n", n), ("size", size))
        if not is_whole(value) or value < 1  # type: ignore[operator]
    ]
