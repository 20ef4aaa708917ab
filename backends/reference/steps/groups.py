"""Units that look at a group: bus, winner-take-all, softmax, dendrite."""

from __future__ import annotations

from typing import Any

import numpy as np

from hebbgraph.backends.reference.loihi import saturate, saturate_v, shift
from hebbgraph.backends.reference.steps.common import Array, State, Step, frozen_where_off

#: Less than any score in `fixed`.
LEAST = -(2**60)


def _grouped(x: Array, groups: int) -> Array:
    """Return x (episodes, groups * width) as (episodes, groups, width)."""
    return x.reshape(len(x), groups, -1)


def bus_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Sum, count or maximum of each group."""
    x = _grouped(arriving["x"], process.groups)
    if process.operation == "count":
        reduced = (x != 0).sum(axis=-1).astype(x.dtype)
    else:
        reduced = x.sum(axis=-1) if process.operation == "sum" else x.max(axis=-1)
    return np.repeat(reduced, process.width, axis=-1) if process.spread else reduced


def bus_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same and saturate."""
    return saturate(bus_float(process, state, arriving), process.bits)


def winner_take_all_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Let the k highest scores of each group win, the lower index first where scores are equal."""
    gain = np.repeat(arriving["gain"], process.width, axis=-1)
    return _winners(process, gain * arriving["a"] + arriving["n"], arriving["on"], -np.inf)


def winner_take_all_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Do the same with scores of 24 bits times 16 bits."""
    gain = np.repeat(np.clip(arriving["gain"], 0, 2**16), process.width, axis=-1)
    score = shift(saturate_v(arriving["a"]) * gain, process.exponent) + arriving["n"]
    return _winners(process, score, arriving["on"], LEAST)


def _winners(process: Any, score: Array, on: Array, least: float) -> Array:
    on = np.broadcast_to(on != 0, score.shape)
    ranked = _grouped(np.where(on, score, least), process.groups)
    # Off units come last: sorting is stable, so those that are on keep their order among equals.
    order = np.lexsort((-ranked, ~_grouped(on, process.groups)), axis=-1)
    rank = np.argsort(order, axis=-1).reshape(score.shape)
    return on & (rank < process.k) & (score > process.floor)


def softmax_float(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """exp(beta x), normalised in each group."""
    x = _grouped(arriving["x"], process.groups)
    e = np.exp(process.beta * (x - x.max(axis=-1, keepdims=True)))
    return (e / e.sum(axis=-1, keepdims=True)).reshape(arriving["x"].shape)


def softmax_fixed(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Look up the exponential of the distance from the largest; divide and round down."""
    x = _grouped(arriving["x"], process.groups)
    index = (x.max(axis=-1, keepdims=True) - x) >> process.step
    e = process.table[np.minimum(index, len(process.table) - 1)]
    share = (e << process.bits) // e.sum(axis=-1, keepdims=True)
    return share.reshape(arriving["x"].shape)


def dendrite(process: Any, state: State, arriving: dict[str, Array]) -> Array:
    """Spike where any segment reaches its threshold."""
    active = _grouped(arriving["a"] >= process.threshold, process.size).any(axis=-1)
    return active & (arriving["on"] != 0)


GROUPS: dict[tuple[str, str], Step] = {
    ("Bus", "float"): bus_float,
    ("Bus", "fixed"): bus_fixed,
    ("WinnerTakeAll", "float"): winner_take_all_float,
    ("WinnerTakeAll", "fixed"): winner_take_all_fixed,
    ("Softmax", "float"): frozen_where_off(softmax_float),
    ("Softmax", "fixed"): frozen_where_off(softmax_fixed),
    ("Dendrite", "float"): dendrite,
    ("Dendrite", "fixed"): dendrite,
}
