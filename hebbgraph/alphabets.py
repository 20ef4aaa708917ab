"""Alphabets: which values the patterns of a memory have, and how alike two of them are."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault

Alphabet = Literal["bipolar", "ternary", "binary", "real"]
ALPHABETS: tuple[Alphabet, ...] = get_args(Alphabet)
#: What patterns may hold; None for any finite number.
VALUES: dict[Alphabet, tuple[int, ...] | None] = {
    "bipolar": (-1, 1),
    "ternary": (-1, 0, 1),
    "binary": (0, 1),
    "real": None,
}
_REMEDIES = {
    "bipolar": "use 2 * bits - 1 for 0/1 data, or binarise at a threshold",
    "binary": "use (signs + 1) // 2 for -1/+1 data, or binarise at a threshold",
}


def checked_patterns(
    patterns: ArrayLike, alphabet: Alphabet, *, where: str = "patterns"
) -> tuple[NDArray[Any], list[Fault]]:
    """Return `patterns` (K, N) as int8, or float64 where real, and everything wrong with them.

    With a fault the array returned has the shape (0, 0).
    """
    none = np.zeros((0, 0))
    try:
        given = np.asarray(patterns)
        if given.dtype == object:
            raise ValueError("rows of mixed length")
    except ValueError as error:
        need = "must be one array (patterns, units)"
        return none, [Fault(where, str(error), need, "make all patterns equally long")]
    if given.ndim != 2 or given.size == 0:
        need = "must be an array (patterns, units) with at least one of each"
        remedy = "write [pattern] for a single one" if given.ndim == 1 and given.size else ""
        return none, [Fault(where, f"shape {given.shape}", need, remedy)]
    found = value_faults(given, alphabet, where)
    if found:
        return none, found
    return given.astype(np.float64 if alphabet == "real" else np.int8), []


def value_faults(values: NDArray[Any], alphabet: Alphabet, where: str) -> list[Fault]:
    """Return a fault if any of `values` is not of the alphabet."""
    allowed = VALUES[alphabet]
    if values.dtype.kind not in "biuf":
        return [Fault(where, f"dtype {values.dtype}", "must be real numbers")]
    wrong = ~np.isfinite(values) if allowed is None else ~np.isin(values, allowed)
    if not wrong.any():
        return []
    got = f"{values[wrong].flat[0]!s}, {np.count_nonzero(wrong)} such values"
    words = "finite" if allowed is None else " or ".join(f"{v:+d}" if v else "0" for v in allowed)
    return [Fault(where, got, f"values must be {words}", _REMEDIES.get(alphabet, ""))]
