"""Units that look at a group, for all episodes side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bus(
    x: NDArray[Any], groups: int, operation: str, spread: bool = False, bits: int | None = None
) -> NDArray[Any]:
    """Return the sum, count of nonzeros or maximum of each group, clipped to `bits`."""
    members = x.reshape(len(x), groups, -1)
    if operation == "count":
        reduced = np.count_nonzero(members, axis=-1)
    else:
        reduced = members.sum(axis=-1) if operation == "sum" else members.max(axis=-1)
    if bits is not None:
        reduced = np.clip(reduced, 1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1)
    return np.repeat(reduced, members.shape[-1], axis=-1) if spread else reduced


def winners(
    score: NDArray[Any], groups: int, k: int, floor: Any = None, on: Any = None
) -> NDArray[np.bool_]:
    """Return where the k highest scores of each group are, the lower index first among equals.

    Where `on` is 0 a unit neither wins nor counts; only scores above `floor` win.
    """
    able = np.ones(score.shape, bool) if on is None else np.broadcast_to(on != 0, score.shape)
    least = -np.inf if score.dtype.kind == "f" else -(2**60)
    ranked = np.where(able, score, least).reshape(len(score), groups, -1)
    best = (
        ranked.argmax(axis=-1)[..., np.newaxis]
        if k == 1
        else np.argsort(-ranked, axis=-1, kind="stable")[..., :k]
    )
    wins = np.zeros(ranked.shape, bool)
    np.put_along_axis(wins, best, True, axis=-1)
    wins = wins.reshape(score.shape) & able
    return wins if floor is None else wins & (score > floor)


def softmax(x: NDArray[Any], groups: int, beta: float) -> NDArray[Any]:
    """Return exp(beta x), normalised in each group."""
    members = x.reshape(len(x), groups, -1)
    e = np.exp(beta * (members - members.max(axis=-1, keepdims=True)))
    return (e / e.sum(axis=-1, keepdims=True)).reshape(x.shape)


def shares(x: NDArray[Any], groups: int, table: NDArray[Any], step: int, bits: int) -> NDArray[Any]:
    """Return floor(2**bits e / sum e), e looked up by the distance from the group's largest."""
    members = x.reshape(len(x), groups, -1)
    index = (members.max(axis=-1, keepdims=True) - members) >> step
    e = table[np.minimum(index, len(table) - 1)]
    return ((e << bits) // e.sum(axis=-1, keepdims=True)).reshape(x.shape)


def dendrite(a: NDArray[Any], threshold: NDArray[Any], size: int, on: Any = None) -> NDArray[Any]:
    """Return which units have a segment that reaches its threshold, and are on."""
    active: Any = (a >= threshold).reshape(len(a), size, -1).any(axis=-1)
    return active if on is None else active & (on != 0)
