from __future__ import annotations

import numpy as np

from hebbgraph.random import stream


def test_a_stream_is_pinned() -> None:
    """A change of these numbers would change every network ever drawn."""
    values = stream(1, "memory", "noise", episode=2, step=3).random(3)
    assert values.tolist() == [0.7944434235441366, 0.3462567446751852, 0.41550774623762876]


def test_every_part_of_the_key_counts() -> None:
    keys = [(0, "a", "b", 0, 0), (1, "a", "b", 0, 0), (0, "ab", "", 0, 0), (0, "a", "c", 0, 0)]
    keys += [(0, "a", "b", 1, 0), (0, "a", "b", 0, 1)]
    drawn = {
        stream(seed, path, purpose, episode=episode, step=step).random()
        for seed, path, purpose, episode, step in keys
    }
    assert len(drawn) == len(keys)


def test_steps_do_not_overlap() -> None:
    first = stream(0, "p", "q", step=0).random(10_000)
    second = stream(0, "p", "q", step=1).random(10_000)
    assert not np.isin(first, second).any()
