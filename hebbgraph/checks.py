"""Faults of single values: what range, shape and kind each must have."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault

#: The arithmetic in which parameters are read.
Domain = Literal["float", "fixed"]
DOMAINS: tuple[Domain, ...] = ("float", "fixed")


def range_faults(
    where: str,
    array: NDArray[Any],
    shape: tuple[int, ...],
    domain: Domain,
    low: float,
    high: float,
    remedy: str = "",
) -> list[Fault]:
    """Return faults of one array field: its type, shape, finiteness, integrality and range.

    Infinite values pass where the range is infinite too.
    """
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        return [Fault(where, f"dtype {array.dtype}", "must be real numbers")]
    if array.shape != shape:
        return [Fault(where, f"shape {array.shape}", f"must have shape {shape}", "reshape it")]
    wrong = np.isnan(array) if np.isinf(high) or np.isinf(low) else ~np.isfinite(array)
    if wrong.any():
        bad = np.argwhere(wrong)
        need = "must be finite"
        got = f"{array[tuple(bad[0])]} at {_at(bad[0])}, {len(bad)} such"
        return [Fault(where, got, need, "replace NaN and infinite values")]
    if domain == "fixed" and not np.array_equal(array, np.rint(array)):
        bad = np.argwhere(array != np.rint(array))
        got = f"{array[tuple(bad[0])]} at {_at(bad[0])}"
        need = "must be integers in the fixed domain"
        return [Fault(where, got, need, "run passes.quantise on the float graph")]
    with np.errstate(over="ignore"):  # of a bound that float32 has only as infinity
        outside = (array < low) | (array > high)
    if outside.any():
        bad = np.argwhere(outside)
        got = f"{array[tuple(bad[0])]} at {_at(bad[0])}, {len(bad)} such"
        return [Fault(where, got, f"must be in [{low:g}, {high:g}]", remedy)]
    return []


def is_whole(value: object) -> bool:
    """Return whether `value` is an integer, of Python or NumPy, and no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def whole_faults(where: str, value: Any, low: int, high: int, why: str = "") -> list[Fault]:
    """Return the fault of a value that is not a whole number in [low, high]."""
    if is_whole(value) and low <= value <= high:
        return []
    return [Fault(where, repr(value), f"must be a whole number in [{low}, {high}]{why}")]


def exponent_faults(where: str, exponent: Any, low: int, high: int, domain: Domain) -> list[Fault]:
    """Return the fault of a power of two outside [low, high] in fixed, or not 0 in float."""
    low, high = (low, high) if domain == "fixed" else (0, 0)
    return whole_faults(where, exponent, low, high, f" in the {domain} domain")


def choice_faults(where: str, value: Any, choices: tuple[str, ...]) -> list[Fault]:
    """Return the fault of a value that is none of `choices`."""
    if value in choices:
        return []
    return [Fault(where, repr(value), f"must be one of {', '.join(map(repr, choices))}")]


def flag_faults(where: str, value: Any) -> list[Fault]:
    """Return the fault of a value that is neither True nor False."""
    return [] if isinstance(value, bool) else [Fault(where, repr(value), "must be True or False")]


def size_faults(path: str, size: Any, name: str = "size") -> list[Fault]:
    """Return the fault of a size that is not a positive whole number."""
    if is_whole(size) and size > 0:
        return []
    return [Fault(f"{path}.{name}", repr(size), "must be a whole number above 0")]


def memory_faults(where: str, got: str, needed: float, remedy: str = "") -> list[Fault]:
    """Return the fault of something that needs more bytes than this machine has memory."""
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return []
    if needed <= there:
        return []
    need = f"needs {needed / 2**30:.3g} GiB of memory, there are {there / 2**30:.3g}"
    return [Fault(where, got, need, remedy)]


def _at(index: NDArray[Any]) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"
