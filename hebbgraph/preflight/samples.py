"""samples: what a graph is run on to see whether it still fires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Graph
from hebbgraph.processes import Input
from hebbgraph.random import stream

#: Episodes and steps of data that are made here.
EPISODES, STEPS = 4, 32
#: Seed of data that are made here.
SEED = 0
#: Share of spikes in them.
RATE = 0.2


@dataclass(frozen=True)
class Sample:
    """Data by Input path, the number of steps, and where the data come from, in words."""

    inputs: Mapping[str, Any]
    steps: int | None
    #: Number of episodes where there is no Input to say it.
    episodes: int | None
    words: str


def sample(
    graph: Graph, inputs: Mapping[str, Any] | None, steps: int | None, words: str = ""
) -> Sample:
    """Return `inputs`, or made-up data of the right shape where there are none."""
    if inputs is not None:
        return Sample(inputs, steps, None, words or "the data given")
    length = steps or STEPS
    made = {path: _made(path, process, length) for path, process in graph.of_kind(Input).items()}
    kind = f"made-up data (seed {SEED}): spikes at rate {RATE}, graded values in [-1, 1)"
    return Sample(made, length, None if made else EPISODES, kind if made else "no input data")


def _made(path: str, process: Input, steps: int) -> NDArray[np.float64]:
    draws = stream(SEED, path, "preflight sample").random((EPISODES, steps, process.size))
    if process.signal == "graded":
        return 2 * draws - 1
    spikes = (draws < RATE).astype(np.float64)
    return spikes if process.signal == "spike" else np.where(draws < RATE / 2, -1.0, spikes)
