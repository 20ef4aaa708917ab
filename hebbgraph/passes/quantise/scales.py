"""Scales: how many units of the fixed domain one unit of the float domain becomes, port by port.

Ports that a wire connects share a scale; so do the input and the output of a unit that passes
values on. Such a group gets the smallest power of two from 1 on at which every parameter measured
in it is a whole number that fits and rounding in leaky units does not matter. Where there is none,
it gets a scale at which everything fits, no finer than it need be, and at which the largest
weights use all their bits. Spikes are 0 and 1 in both domains, so their scale is 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.passes.quantise.bounds import Bounds
from hebbgraph.passes.quantise.measures import REGISTER, Measure, measures
from hebbgraph.passes.quantise.numerics import Numerics
from hebbgraph.processes import Bus, Process, Softmax, Transpose

#: Powers of two that are tried.
POWERS = range(-8, 24)
#: Times all groups are scaled in turn: a scale may depend on that of another group.
ROUNDS = 8

#: Ports of which only the sign, or whether it is 0, matters: they have no scale.
UNSCALED = ("on", "reset", "set")


class Scales:
    """The scale of every port of `graph`: ``scale(target)``."""

    def __init__(self, graph: Graph, numerics: Numerics, bounds: Bounds) -> None:
        self.graph, self.numerics, self.bounds = graph, numerics, bounds
        self._root: dict[str, str] = {}
        #: Scale of a port over that of its root.
        self._ratio: dict[str, float] = {}
        self._value: dict[str, float] = {}
        self._join_all()
        self._fixed = self._fixed_scales()
        self._measures = self._collected()
        self._solve()

    def scale(self, target: str) -> float:
        """Return the scale of an input or output port."""
        root, ratio = self._find(target)
        return self._value.get(root, 1.0) * ratio

    def table(self) -> dict[str, float]:
        """Return the scales of outputs and states that are not 1."""
        found: dict[str, float] = {}
        for path, process in self.graph.walk():
            port = next(iter(process.outputs))
            found[f"{path}.{port}"] = self.scale(f"{path}.{port}")
            for state in process.states:
                kind = type(process).__name__
                if kind in ("LIF", "TernaryLIF"):
                    register = REGISTER * self.scale(f"{path}.a")
                    found[f"{path}.{state}"] = 1.0 if state == "r" else register
                elif state != "sigma" or kind != "Sign":
                    found[f"{path}.{state}"] = self.scale(f"{path}.a")
        return {target: scale for target, scale in found.items() if scale != 1}

    # --- which ports share a scale -----------------------------------------------------------

    def _find(self, target: str) -> tuple[str, float]:
        ratio = 1.0
        while target in self._root:
            ratio *= self._ratio[target]
            target = self._root[target]
        return target, ratio

    def _join(self, one: str, other: str, factor: float = 1.0) -> None:
        """Let the scale of `one` be `factor` times that of `other`."""
        (a, a_ratio), (b, b_ratio) = self._find(one), self._find(other)
        if a != b:
            self._root[a], self._ratio[a] = b, factor * b_ratio / a_ratio

    def _join_all(self) -> None:
        for connection in self.graph.flat_connections:
            port = connection.target.rpartition(".")[2]
            if port not in UNSCALED and not self.graph.port(connection.target).learning:
                self._join(connection.source, connection.target)
        for path, process in self.graph.walk():
            kind = type(process).__name__
            if kind in ("LIF", "TernaryLIF"):
                self._join(f"{path}.n", f"{path}.a", REGISTER)
            elif kind in ("Sign", "WinnerTakeAll"):
                self._join(f"{path}.n", f"{path}.a")
            elif kind in ("LeakyIntegrator", "SigmaDelta", "Graded"):
                self._join(f"{path}.out", f"{path}.a")
            elif isinstance(process, Bus) and process.operation != "count":
                self._join(f"{path}.out", f"{path}.x")

    def _fixed_scales(self) -> dict[str, float]:
        """Return the scales by root that nothing can choose."""
        found: dict[str, dict[float, str]] = {}
        for path, process in self.graph.walk():
            scale = _own_scale(process)
            if scale is not None:
                port = f"{path}.{next(iter(process.outputs))}"
                root, ratio = self._find(port)
                found.setdefault(root, {}).setdefault(scale / ratio, port)
        faults = []
        for options in found.values():
            if len(options) > 1:
                listed = ", ".join(f"{port} at {scale:g}" for scale, port in options.items())
                need = "values that are added must have one scale"
                remedy = "put a Dense in front of one of them"
                faults.append(Fault("connections", listed, need, remedy))
        if faults:
            raise Invalid(f"quantise {self.graph.name!r}", faults)
        return {root: next(iter(options)) for root, options in found.items()}

    # --- what scale a group has --------------------------------------------------------------

    def _collected(self) -> dict[str, list[tuple[Measure, float]]]:
        """Return by root what is measured in its scale, each with the ratio of its port."""
        found: dict[str, list[tuple[Measure, float]]] = {}
        for path, process in self.graph.walk():
            for measure in measures(path, process, self.numerics, self.bounds):
                root, ratio = self._find(measure.port)
                found.setdefault(root, []).append((measure, ratio))
        return found

    def _solve(self) -> None:
        tied = {p.of for p in self.graph.of_kind(Transpose).values()}
        powers_only = {
            self._find(f"{path}.{port}")[0]
            for path, process in self.graph.walk()
            if path in tied or isinstance(process, Transpose)
            for port in ("s", "a")
        }
        powers_only |= {self._find(f"{path}.gain")[0] for path, _ in self.graph.walk()}
        self._value = dict(self._fixed)
        for _ in range(ROUNDS):
            before = dict(self._value)
            for root, held in self._measures.items():
                if root not in self._fixed:
                    self._value[root] = self._best(held, root in powers_only)
            if self._value == before:
                return

    def _best(self, held: Iterable[tuple[Measure, float]], powers_only: bool) -> float:
        """Return the scale of a group of ports: exact if there is one, else a compromise."""
        pairs = list(held)
        asked = [(m, ratio) for m, ratio in pairs if m.is_exact is not None]
        limit = min((m.limit(self.scale) / ratio for m, ratio in pairs), default=math.inf)
        exact_limit = min((m.exact_limit(self.scale) / r for m, r in pairs), default=math.inf)
        fine = max((m.fine / ratio for m, ratio in pairs), default=0.0)
        candidates = [2.0**power for power in POWERS if 2.0**power <= min(exact_limit, 2.0**23)]
        exact = [
            g
            for g in candidates
            if asked and all(m.is_exact and m.is_exact(g * r, self.scale) for m, r in asked)
        ]
        if exact:
            chosen = next((g for g in exact if g >= max(fine, 1.0)), exact[-1])
            safe = [g for g in exact if g <= limit]
            return min(chosen, safe[-1]) if safe else min(chosen, max(exact[0], 1.0))
        # Nothing is exact: as fine as it need be, and no finer, so that there is room above.
        fills = [m.full(self.scale) / ratio for m, ratio in pairs if m.full is not None]
        least = max((m.least(self.scale) / ratio for m, ratio in pairs), default=0.0)
        target = min(limit, max(fine, least) if fine else min(fills, default=limit))
        if not math.isfinite(target):
            return 1.0
        if not fills and not powers_only:
            return target
        unit = 1.0 if powers_only else min(fills)
        chosen = unit * 2.0 ** math.floor(math.log2(target / unit))
        return 2 * chosen if chosen < least and 2 * chosen <= limit else chosen


def _own_scale(process: Process) -> float | None:
    """Return the scale of what a process emits if its kind decides it."""
    if process.output.signal != "graded":
        return 1.0
    if isinstance(process, Softmax):
        return 2.0**process.bits
    if isinstance(process, Bus) and process.operation == "count":
        return 1.0
    if type(process).__name__ == "Sign":
        return 1.0
    return None
