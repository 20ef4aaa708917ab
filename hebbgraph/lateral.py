"""lateral: subspace units beside the presynaptic units of a layer, and the residuals they leave.

Rows H of one block, presynaptic signal p: units say -y = -H p, synapses H^T carry it back, and
p - H^T y is what the block leaves of p. `hebbgraph.models.hlop` has the equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import choice_faults, whole_faults
from hebbgraph.errors import Fault
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import LIF, BlockDense, Dense, Graded, Polynomial, Transpose
from hebbgraph.rules import Rule
from hebbgraph.rules.rule import ROUNDINGS, Rounding

Matrix = NDArray[np.float64]
Lateral = Literal["linear", "burst"]
Residuals = Literal["signed", "on_off"]


@dataclass(frozen=True)
class Circuit:
    """How subspace units and residuals are realised, and how rows learn."""

    lateral: Lateral = "linear"
    #: The largest y that a burst can say, and how many spikes it then has.
    scale: float = 20.0
    steps: int = 40
    residuals: Residuals = "signed"
    momentum: float = 0.9
    #: Bound of the rows, and how their changes are rounded in `fixed`.
    limit: float = np.inf
    rounding: Rounding = "nearest"
    seed: int = 0

    @property
    def late(self) -> int:
        """Return the steps from the signal to what blocks answer."""
        return 4 if self.lateral == "burst" else 2

    def faults(self) -> list[Fault]:
        """Return everything wrong with it."""
        found = choice_faults("lateral", self.lateral, get_args(Lateral))
        found += choice_faults("residuals", self.residuals, get_args(Residuals))
        found += choice_faults("rounding", self.rounding, ROUNDINGS)
        found += whole_faults("lateral_steps", self.steps, 1, 2**12)
        if not 0 < self.scale < np.inf:
            got, need = repr(self.scale), "must be a finite number above 0"
            found.append(Fault("lateral_scale", got, need))
        return found

    def rule(self, dw: str, rate: float, **fields: Any) -> Rule:
        """Return the rule whose change is `dw` times the residual, as it is coded."""
        factors: dict[str, Any] = {name: "pre" for name, _ in self._coded("r")}
        signs = {"residual": "", "plus": "", "minus": "-"}
        terms = [f"{signs[name]}({dw})*{name}" for name in factors]
        factors |= {"delta": "post"} if "delta" in dw else {}
        return Rule("+".join(terms), {"rate": rate}, factors, **fields)

    def hears(self, residual: str) -> list[str]:
        """Return the ports at which a residual takes the signal and what blocks answer."""
        if self.residuals == "signed":
            return [f"{residual}.a"]
        return [f"{residual}_on.a", f"{residual}_below.a"]

    def says(self, residual: str, synapses: str, delay: int) -> list[Connection]:
        """Return the wires by which weights hear a residual."""
        return [
            Connection(source, f"{synapses}.{factor}", delay)
            for factor, source in self._coded(residual)
        ]

    def _coded(self, residual: str) -> list[tuple[str, str]]:
        """Return the factors of a rule that stand for a residual, each with its source."""
        if self.residuals == "signed":
            return [("residual", f"{residual}.out")]
        return [("plus", f"{residual}_on.out"), ("minus", f"{residual}_off.out")]


def lateral_graph(
    circuit: Circuit, name: str, units: int, old: Matrix | None, new: Matrix | None, rate: float
) -> Graph:
    """Return the circuit beside `units` presynaptic units: residuals ``r_old`` and ``r_all``.

    The signal goes to ``old.s`` and ``new.s`` at once, and to what ``hears`` names ``circuit.late``
    steps later.
    """
    processes, connections = _residual(circuit, "r_old", units)
    if new is not None:
        more, wires = _residual(circuit, "r_all", units)
        processes, connections = processes | more, connections + wires
    for block, rows in (("old", old), ("new", new)):
        if rows is None:
            continue
        rule = None
        if block == "new":
            keep = {"low": -circuit.limit, "high": circuit.limit, "momentum": circuit.momentum}
            rounding: Any = {"rounding": circuit.rounding, "seed": circuit.seed}
            rule = circuit.rule("-rate*post", rate, **keep, **rounding)
        more, wires, said = _block(circuit, block, rows, rule)
        processes, connections = processes | more, connections + wires
        residuals = ["r_old"] * (block == "old") + ["r_all"] * (new is not None)
        heard = [port for residual in residuals for port in circuit.hears(residual)]
        connections += [Connection(f"back_{block}.a", port) for port in heard]
        if rule is not None:
            connections.append(Connection(said, f"{block}.post", 1))
            connections += circuit.says("r_all", block, 0)
    return Graph(name, processes, connections)


def _block(
    circuit: Circuit, block: str, rows: Matrix, rule: Rule | None
) -> tuple[dict[str, Any], list[Connection], str]:
    """Return the units of a block, the synapses to and from them, and where they say -y."""
    count, width = rows.shape
    processes: dict[str, Any] = {
        block: Dense(rows, rule=rule),
        f"back_{block}": Transpose(block, count, width),
    }
    if circuit.lateral == "linear":
        processes[f"y_{block}"] = Polynomial(count, (0, -1))
        said = f"y_{block}.out"
        connections = [Connection(f"{block}.a", f"y_{block}.a")]
    else:
        steps, quantum = circuit.steps, circuit.scale / circuit.steps
        signs = np.repeat([1.0, -1.0], steps)
        levels = np.tile(quantum * (np.arange(steps) + 0.5), 2 * count)
        processes |= {
            f"spread_{block}": BlockDense(signs[:, np.newaxis], copies=count),
            f"burst_{block}": LIF(2 * steps * count, threshold=levels),
            f"count_{block}": BlockDense(-quantum * signs[np.newaxis], copies=count),
        }
        said = f"count_{block}.a"
        connections = [
            Connection(f"{block}.a", f"spread_{block}.s"),
            Connection(f"spread_{block}.a", f"burst_{block}.a"),
            Connection(f"burst_{block}.s", f"count_{block}.s"),
        ]
    return processes, [*connections, Connection(said, f"back_{block}.s")], said


def _residual(circuit: Circuit, name: str, units: int) -> tuple[dict[str, Any], list[Connection]]:
    if circuit.residuals == "signed":
        return {name: Graded(units)}, []
    processes = {
        f"{name}_on": Graded(units, low=0.0),
        f"{name}_below": Graded(units, high=0.0),
        f"{name}_off": Polynomial(units, (0, -1)),
    }
    return processes, [Connection(f"{name}_below.out", f"{name}_off.a")]
