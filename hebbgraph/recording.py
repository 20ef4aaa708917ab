"""Recording: what an engine returns, before anything is counted or derived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Learned:
    """What one set of plastic synapses has learned, and how often it did."""

    #: (postsynaptic, presynaptic); in `fixed` with the ``fraction`` bits of its `Rule`.
    accumulator: NDArray[Any]
    #: The running mean D of a rule with momentum, of the same shape.
    momentum: NDArray[Any]
    #: Ends of epochs at which the rule was applied.
    events: int = 0
    #: Weights that changed at one of them.
    changed: int = 0


@dataclass(frozen=True)
class Recording:
    """What an engine returns from one run.

    Arrays have shape (episodes, steps, units).
    """

    #: Rasters of every process that spikes, by path: bool, int8 where spikes have a sign.
    spikes: Mapping[str, NDArray[Any]]
    #: Where something but 0 was emitted: every other path of `Graph.observed`, bool.
    active: Mapping[str, NDArray[np.bool_]]
    #: Probed states and graded outputs by probe target, float64 in `float`, int64 in `fixed`.
    states: Mapping[str, NDArray[Any]]
    #: Every set of plastic synapses by path, at the end of the run.
    learned: Mapping[str, Learned] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: Sequence[Recording], learned: Mapping[str, Learned]) -> Recording:
        """Return recordings of successive episodes as one."""
        if len(parts) == 1:
            return cls(parts[0].spikes, parts[0].active, parts[0].states, learned)
        spikes, active, states = (
            {key: np.concatenate([getattr(part, kind)[key] for part in parts]) for key in whole}
            for kind in ("spikes", "active", "states")
            for whole in (getattr(parts[0], kind),)
        )
        return cls(spikes, active, states, learned)
