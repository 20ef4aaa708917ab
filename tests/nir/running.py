"""What the tests share: running a graph that was read, and reading its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import hebbgraph as hg
from hebbgraph import nir as interchange


def outputs(
    graph: hg.Graph, fidelity: interchange.Fidelity, inputs: Mapping[str, Any], steps: int
) -> dict[str, Any]:
    """Run a graph that was read; return what each Output gives, its shift taken off.

    Nothing may come before the shift.
    """
    longest = max(fidelity.shifts.values(), default=0)
    data = {name: np.asarray(values)[np.newaxis] for name, values in inputs.items()}
    result = hg.compile(graph).run(data, steps + longest)
    found = {}
    for entry in fidelity.entries:
        if entry.node not in fidelity.shifts:
            continue
        probe = entry.became.removeprefix("probe ")
        path = probe.rpartition(".")[0]
        values = (result.spikes[path] if path in result.spikes else result.states[probe])[0]
        shift = fidelity.shifts[entry.node]
        assert not values[:shift].any(), f"{entry.node} is early"
        found[entry.node] = values[shift : shift + steps].astype(float)
    return found
