"""Bounds: the largest magnitude that can leave a process of the fixed domain.

What they rule out - sums beyond float32 or float64, registers that wrap - is not looked for when
the graph runs, and lava's own models may stand in where ours differ only beyond them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hebbgraph.backends.lava.worker.plan import Node, Plan

#: Below these, a float32 and a float64 hold every integer.
EXACT32, EXACT64 = 2.0**24, 2.0**53
#: What a 32-bit register can hold at most, and what an Input emits at most.
REGISTER, PAYLOAD = 2.0**31, 2.0**23 - 1


class Bounds:
    """Bounds by path, worked out on demand."""

    def __init__(self, plan: Plan, peaks: Mapping[str, float] | None = None) -> None:
        """`peaks` holds what each Input emits at most; without it, what it may."""
        self.plan = plan
        self._leaving: dict[str, float] = dict(peaks or {})

    def leaving(self, path: str, above: frozenset[str] = frozenset()) -> float:
        """Return the largest magnitude that can leave `path`."""
        if path in self._leaving:
            return self._leaving[path]
        if path in above:
            return REGISTER  # a loop of synapses without units in it
        node = self.plan.nodes[path]
        if node.signal != "graded":
            bound = 1.0
        elif node.role == "synapses":
            bound = self._synaptic(node, above | {path})
        else:
            bound = _emitted(node)
        self._leaving[path] = bound
        return bound

    def arriving(self, path: str, port: str, above: frozenset[str] = frozenset()) -> float:
        """Return the largest magnitude that can arrive at a port."""
        return sum(self.leaving(wire.source, above) for wire in self.plan.wires(path, port))

    def sums(self, node: Node, above: frozenset[str] = frozenset()) -> float:
        """Return a bound on the sum of weights times arrivals, before any shift."""
        return self._weights(node) * self.arriving(node.path, "s", above)

    def _synaptic(self, node: Node, above: frozenset[str]) -> float:
        total = self.sums(node, above)
        if node.kind == "Conv2d":
            return min(PAYLOAD + 1, total)
        # Rounding down takes up to 1 from a negative sum.
        return min(REGISTER, total * 2.0**node.exponent + (node.exponent < 0))

    def _weights(self, node: Node) -> float:
        """Return the largest sum of magnitudes of the weights onto one unit."""
        holder = self.plan.holder(node)
        if holder.rule is not None:
            rule = holder.rule
            return float(max(abs(rule.low), abs(rule.high)) * node.inputs["s"].size)
        if node.kind == "Conv2d":
            weights = node.arrays["weights"]
            return float(np.abs(weights).sum(axis=(1, 2, 3)).max())
        if node.kind == "Transpose":
            return float(np.abs(holder.matrix).sum(axis=0).max())
        if node.kind == "BlockDense":
            return float(np.abs(node.arrays["weights"]).sum(axis=1).max())
        return float(np.abs(node.matrix).sum(axis=1).max())


def _emitted(node: Node) -> float:
    """Return what graded units and sources emit at most."""
    if node.kind == "Exponential":
        return float(np.abs(node.arrays["table"]).max())
    if node.kind in ("Graded", "Polynomial", "Bus"):
        return 2.0 ** (int(node.fields["bits"]) - 1) - 1
    if node.kind == "Softmax":
        return 2.0 ** int(node.fields["bits"])
    return _EMITTED[node.kind]


#: By kind, where it does not depend on a parameter.
_EMITTED = {"Input": PAYLOAD, "Sign": 2.0, "LeakyIntegrator": PAYLOAD, "SigmaDelta": REGISTER}
