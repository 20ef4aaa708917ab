"""Units of the fused kernel: LIF in place, every other kind by the reference's own step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hebbgraph.backends.lava.worker.bounds import Bounds
from hebbgraph.backends.lava.worker.plan import Array, Node, Plan
from hebbgraph.backends.reference.loihi import wrap32
from hebbgraph.backends.reference.steps import STEPS

#: Bound of u and v: 24 bits with sign.
B = 2.0**23


def units_for(plan: Plan, node: Node, bounds: Bounds) -> Any:
    """Return what advances the units of `node` by one step."""
    holds = node.fields.get("when_off") == "hold" and plan.connected(node.path, "on")
    if node.kind != "LIF" or node.fields["refractory"] or holds:
        return SteppedUnits(plan, node)
    if plan.domain == "float":
        return FloatLIF(node)
    return FixedLIF(node, bounds.arriving(node.path, "a"))


class SteppedUnits:
    """Units that execute the reference's step, on as many episodes as there are."""

    def __init__(self, plan: Plan, node: Node) -> None:
        self.node, self.number = node, plan.number
        self.step, self.process = STEPS[node.kind, plan.domain], node.process
        self.state: dict[str, Array] = {}

    def reset(self, episodes: int) -> None:
        """Zero the registers."""
        shape = (episodes, self.node.units)
        self.state = {name: np.zeros(shape, self.number) for name in self.node.registers}
        #: What arrives at ports with no connection.
        self.defaults = {
            name: np.full((episodes, port.size), port.default, self.number)
            for name, port in self.node.inputs.items()
        }

    def advance(self, arriving: Mapping[str, Array | None], out: Array) -> Array:
        """Write what is emitted to `out`; return it."""
        given = {
            name: self.defaults[name] if values is None else values.astype(self.number, copy=False)
            for name, values in arriving.items()
        }
        emitted = self.step(self.process, self.state, given)
        out[...] = emitted
        return emitted

    def register(self, name: str) -> Array:
        """Return one state variable as it is now."""
        return self.state[name]


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

    def advance(self, arriving: Mapping[str, Array | None], out: Array) -> Array:
        """Write the spikes to `out`; return them."""
        held = _held(self, arriving)
        a = arriving["a"]
        self.u *= self.keep_u
        if a is not None:
            self.u += a
        self.v *= self.keep_v
        self.v += self.u
        self.v += self.bias
        return _fire(self, arriving, held, out)

    def register(self, name: str) -> Array:
        """Return u or v as it is now."""
        return self.u if name == "u" else self.v


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

    def advance(self, arriving: Mapping[str, Array | None], out: Array) -> Array:
        """Write the spikes to `out`; return them."""
        held = _held(self, arriving)
        a = arriving["a"]
        self._integrate(0.0 if a is None else a)
        u, v = self.u, self.v
        np.multiply(v, self.keep_v, out=v)
        np.trunc(v, out=v)
        v += u
        v += self.bias
        if self.overflows:
            v[...] = wrap32(v.astype(np.int64))
        np.clip(v, -B + 1, B - 1, out=v)
        return _fire(self, arriving, held, out)

    def register(self, name: str) -> Array:
        """Return u or v as it is now."""
        return self.u if name == "u" else self.v

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


def _held(units: FloatLIF | FixedLIF, arriving: Mapping[str, Array | None]) -> Any:
    """Return (where units are switched off, u and v as they stay there); None without a gate."""
    on = arriving["on"]
    return None if on is None else (on == 0, units.u.copy(), units.v.copy())


def _fire(
    units: FloatLIF | FixedLIF, arriving: Mapping[str, Array | None], held: Any, out: Array
) -> Array:
    """Reset v where it, with the noise, exceeds the threshold; write the spikes to `out`."""
    noise, v = arriving["n"], units.v
    fired: Array = (v if noise is None else v + noise) > units.threshold
    np.copyto(v, 0, where=fired)
    if held is not None:
        off, u_before, v_before = held
        np.copyto(units.u, u_before, where=off)
        np.copyto(v, v_before, where=off)
        fired &= ~off
    out[...] = fired
    return fired
