"""The fused kernel: one graph, a batch of episodes, a chunk of steps, in NumPy.

Arrays have shape (steps, episodes, units). In the fixed domain every number is an integer held in
a float: sums of weights in float32 as long as none can reach 2**24, else in float64 (2**53); u, v
and their products always in float64. Nothing is ever rounded, so the result is that of integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # one name here, another in the worker
    from hebbgraph.backends.lava.worker.plan import Node, Plan

Array = np.ndarray[Any, Any]

#: Bound of u and v: 24 bits with sign.
B = 2.0**23
#: Below these, a float32 and a float64 hold every integer.
EXACT32, EXACT64 = 2.0**24, 2.0**53
#: What a 32-bit register can hold at most.
REGISTER = 2.0**31


class Kernel:
    """Executes a plan; delays and states carry over from chunk to chunk until `reset`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        #: By path: the largest magnitude that its output can have (fixed domain).
        self.bounds: dict[str, float] = {}
        #: By path of synapses and populations: what advances them by one step.
        self.steps: dict[str, Any] = {}
        self.history: dict[str, Array] = {}
        self.clock = 0
        self._peaks: dict[str, float] | None = None

    def reset(self, episodes: int, peaks: Mapping[str, float]) -> None:
        """Begin `episodes` new episodes: zero states, nothing under way.

        `peaks` holds the largest magnitude that each Input will emit: what it rules out - sums
        beyond float32, wrapping registers - is not looked for.
        """
        if peaks != self._peaks:
            self._prepare(peaks)
        self.clock = 0
        for path, node in self.plan.nodes.items():
            shape = (self.plan.depth(path) + 1, episodes, node.units)
            self.history[path] = np.zeros(shape, self._emitted_dtype(node))
        for step in self.steps.values():
            step.reset(episodes)

    def _prepare(self, peaks: Mapping[str, float]) -> None:
        """Bound every output, and choose the arithmetic of every step by the bounds."""
        self._peaks = dict(peaks)
        self.bounds = dict(peaks)
        for path in self.plan.nodes:
            self._bound(path, frozenset())
        self.steps = {
            path: self._step(node) for path, node in self.plan.nodes.items() if node.kind != "Input"
        }

    def run(
        self,
        inputs: Mapping[str, Array],
        spikes: Mapping[str, Array],
        states: Mapping[tuple[str, str], Array],
        steps: int,
    ) -> None:
        """Run one chunk: read `inputs`, write rasters to `spikes` and states to `states`."""
        for i in range(steps):
            for path, node in self.plan.nodes.items():
                slots = self.history[path]
                slot = slots[self.clock % len(slots)]
                if node.kind == "Input":
                    slot[...] = inputs[path][i]
                    continue
                fired = self.steps[path].advance(self._arrival(path), slot)
                if node.kind == "LIF":
                    spikes[path][i] = fired
            for (path, variable), record in states.items():
                record[i] = getattr(self.steps[path], variable)
            self.clock += 1

    def _arrival(self, path: str) -> Array | None:
        """Return the sum of what arrives at `path`; None if nothing is connected to it."""
        total: Array | None = None
        wires = self.plan.wires(path)
        for wire in wires:
            slots = self.history[wire.source]
            # A slot not yet written since the reset is zero: nothing was emitted before step 0.
            values = slots[(self.clock - wire.delay) % len(slots)]
            total = values if total is None else np.add(total, values, dtype=np.float64)
        return total

    def _emitted_dtype(self, node: Node) -> Any:
        if self.plan.domain == "fixed" and self.bounds[node.path] < EXACT32:
            return np.float32
        return np.float64

    def _bound(self, path: str, above: frozenset[str]) -> float:
        """Return (and keep) the largest magnitude that can leave `path`."""
        if path in self.bounds:
            return self.bounds[path]
        node = self.plan.nodes[path]
        if node.kind != "Dense":
            self.bounds[path] = 1.0
        elif path in above:
            return REGISTER  # a loop of synapses without a population in it
        else:
            total = self._sum_bound(node, self._arrival_bound(path, above | {path}))
            self.bounds[path] = min(REGISTER, total * 2.0 ** node.fields["exponent"])
        return self.bounds[path]

    def _arrival_bound(self, path: str, above: frozenset[str] = frozenset()) -> float:
        return sum(self._bound(wire.source, above) for wire in self.plan.wires(path))

    def _sum_bound(self, node: Node, arriving: float) -> float:
        return float(np.abs(node.arrays["weights"]).sum(axis=1).max()) * arriving

    def _step(self, node: Node) -> Any:
        if node.kind == "Dense":
            if self.plan.domain == "float":
                return FloatDense(node)
            return FixedDense(node, self._sum_bound(node, self._arrival_bound(node.path)))
        if self.plan.domain == "float":
            return FloatLIF(node)
        return FixedLIF(node, self._arrival_bound(node.path))


class FloatDense:
    """a = W s."""

    def __init__(self, node: Node) -> None:
        self.transposed = np.ascontiguousarray(node.arrays["weights"].T)

    def reset(self, episodes: int) -> None:
        """Do nothing: there is no state."""

    def advance(self, arriving: Array | None, out: Array) -> None:
        """Write the currents to `out`."""
        if arriving is None:
            out[...] = 0
        else:
            np.matmul(arriving, self.transposed, out=out)


class FixedDense:
    """a = wrap32(floor(2**exponent wrap32(W s))), exact."""

    def __init__(self, node: Node, bound: float) -> None:
        self.exponent = int(node.fields["exponent"])
        self.overflows = bound * 2.0 ** max(0, self.exponent) >= REGISTER
        self.dtype: Any = np.float32 if bound < EXACT32 else np.float64
        if bound >= EXACT64:
            self.dtype = np.int64  # slow: NumPy multiplies integer matrices without BLAS
        self.transposed = np.ascontiguousarray(node.arrays["weights"].T).astype(self.dtype)

    def reset(self, episodes: int) -> None:
        """Do nothing: there is no state."""

    def advance(self, arriving: Array | None, out: Array) -> None:
        """Write the currents to `out`."""
        if arriving is None:
            out[...] = 0
            return
        total = arriving.astype(self.dtype, copy=False) @ self.transposed
        if self.overflows:
            total = wrap32(total.astype(np.int64))
        if self.exponent:
            # Scaling by a power of two is exact in a float; floor is the arithmetic shift.
            total = np.floor(total * 2.0**self.exponent)
        if self.overflows:
            total = wrap32(total.astype(np.int64))
        out[...] = total


class FloatLIF:
    """Leak, integrate, fire where v > threshold, reset v to 0."""

    def __init__(self, node: Node) -> None:
        self.units = node.units
        self.keep_u = 1 - node.arrays["decay_u"]
        self.keep_v = 1 - node.arrays["decay_v"]
        self.bias, self.threshold = node.arrays["bias"], node.arrays["threshold"]

    def reset(self, episodes: int) -> None:
        """Zero the states."""
        self.u = np.zeros((episodes, self.units))
        self.v = np.zeros((episodes, self.units))

    def advance(self, arriving: Array | None, out: Array) -> Array:
        """Write the spikes to `out`; return them."""
        self.u *= self.keep_u
        if arriving is not None:
            self.u += arriving
        self.v *= self.keep_v
        self.v += self.u
        self.v += self.bias
        fired: Array = self.v > self.threshold
        np.copyto(self.v, 0, where=fired)
        out[...] = fired
        return fired


class FixedLIF:
    """The same in Loihi's integers: u wraps, v saturates, division truncates towards zero."""

    def __init__(self, node: Node, arriving: float) -> None:
        self.units = node.units
        values = {name: array.astype(np.float64) for name, array in node.arrays.items()}
        self.keep_u = (4095 - values["decay_u"]) / 4096
        self.keep_v = (4096 - values["decay_v"]) / 4096
        self.bias = values["bias"] * 2.0 ** node.fields["bias_exponent"]
        self.threshold = values["threshold"] * 64
        current = 64 * arriving
        # |u| converges to current / (1 - keep_u) at most, so these are never wrong, only careful.
        self.wraps = bool((current / (1 - self.keep_u) >= B).any())
        self.overflows = current > 2 * B
        self.forgets_u = not self.keep_u.any()

    def reset(self, episodes: int) -> None:
        """Zero the states."""
        self.u = np.zeros((episodes, self.units))
        self.v = np.zeros((episodes, self.units))

    def advance(self, arriving: Array | None, out: Array) -> Array:
        """Write the spikes to `out`; return them."""
        self._integrate(0.0 if arriving is None else arriving)
        u, v = self.u, self.v
        np.multiply(v, self.keep_v, out=v)
        np.trunc(v, out=v)
        v += u
        v += self.bias
        if self.overflows:
            v[...] = wrap32(v.astype(np.int64))
        np.clip(v, -B + 1, B - 1, out=v)
        fired: Array = v > self.threshold
        np.copyto(v, 0, where=fired)
        out[...] = fired
        return fired

    def _integrate(self, arriving: Array | float) -> None:
        u = self.u
        if self.forgets_u:
            np.multiply(arriving, 64.0, out=u, dtype=np.float64)
        else:
            np.multiply(u, self.keep_u, out=u)
            np.trunc(u, out=u)
            u += np.multiply(arriving, 64.0, dtype=np.float64)
        if self.overflows:
            u[...] = wrap32(u.astype(np.int64))
        if self.wraps:
            u -= 2 * B * (u > B)
            u += 2 * B * (u <= -B)


def wrap32(x: Array) -> Array:
    """Return integers x as a 32-bit register holds them."""
    wrapped: Array = (x + 2**31) % 2**32 - 2**31
    return wrapped
