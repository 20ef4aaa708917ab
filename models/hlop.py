"""Hebbian orthogonal projection (HLOP): new tasks are learned beside what old tasks need.

M. Xiao, Q. Meng, Z. Zhang, D. He and Z. Lin, "Hebbian Learning based Orthogonal Projection for
Continual Learning of Spiking Neural Networks", ICLR 2024, arXiv:2402.11984; trained on line as in
M. Xiao et al., "Online Training Through Time for Spiking Neural Networks" (OTTT), NeurIPS 2022,
arXiv:2210.04195.

For a layer with presynaptic signal p (the input, or the trace of the spikes before it) and error
delta at its units::

    y     = H p                       subspace units: rows of H span what old tasks presented
    r_old = p - H_old^T y_old         the part of p that no old task used
    dW    = -(eta / T) delta r_old^T
    r_all = r_old - H_new^T y_new
    dH_new = eta_H y_new r_all^T      Oja's subspace rule; old rows are frozen

The forward pass never meets H. Everything is local: lateral synapses H and their transpose learn
from the two units that they join, W from the residual at its presynaptic unit and an error at its
postsynaptic one.

Spiking units have a soft reset, so their membrane is a process of its own::

    v[t] = leak v[t-1] + a[t] - leak threshold s[t-1],    s[t] = [v[t] > threshold]

and the derivative of a spike is the box [|v - threshold| < width] of height 1. Errors are
delta_L = softmax(a_L) - target, and back through the layers W^T (``error="bp"``), fixed random
weights (``"fa"``) or the signs of W when the graph was built (``"ss"``).

Subspace units are ``"linear"``, or each is two populations, for y > 0 and y < 0, that emit bursts
of at most ``lateral_steps`` spikes, with thresholds at half-odd multiples of q = lateral_scale /
lateral_steps (``"burst"``): what they say is y, rounded to multiples of q, within +-lateral_scale.
Residuals are ``"signed"``, or two populations that emit max(r, 0) and max(-r, 0) (``"on_off"``),
so that no payload that weights learn from has a sign at the presynaptic side; the rule has it.

Signals of one sample reach a layer at different steps; connections carry the delays that bring
them together: with x shown at step k, layer l hears it at k + l, its error is there at k + 2 L - l
and its residual at k + l + 1, k + l + 3 with bursts. Weights learn when the later of the two is
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.lateral import Circuit, Lateral, Residuals, lateral_graph
from hebbgraph.processes import (
    LIF,
    BlockDense,
    Dense,
    Graded,
    Input,
    LeakyIntegrator,
    Polynomial,
    Softmax,
    Transpose,
)
from hebbgraph.random import stream
from hebbgraph.rules.rule import Rounding

ErrorPath = Literal["bp", "fa", "ss"]
Matrix = NDArray[np.float64]
#: Bits of a share of the guess in `fixed`: errors are then finer than weights.
SHARE_BITS = 12


def build(
    weights: Sequence[Matrix],
    old: Sequence[Matrix | None] = (),
    new: Sequence[Matrix | None] = (),
    *,
    steps: int = 20,
    rate: float = 0.1,
    hebbian_rates: Sequence[float] | float = 0.05,
    momentum: float = 0.9,
    leak: float = 0.5,
    threshold: float = 1.0,
    width: float = 0.5,
    error: ErrorPath = "bp",
    learning: bool = True,
    limit: float = np.inf,
    row_limit: float = np.inf,
    lateral: Lateral = "linear",
    lateral_scale: float = 20.0,
    lateral_steps: int = 40,
    residuals: Residuals = "signed",
    rounding: Rounding = "nearest",
    seed: int = 0,
    name: str = "hlop",
) -> Graph:
    """Return a network of layers ``weights[l]`` (n_l, n_{l-1}) that learns by OTTT and HLOP.

    ``old[l]`` (M, n_{l-1}) holds the merged rows that protect earlier tasks, ``new[l]`` the rows
    that learn now; None, or an empty sequence, for none. Inputs ``x`` (pixels) and, where it
    learns, ``target`` (one-hot), both shown in all ``steps``; the prediction is the largest
    ``readout.out`` of the last step. Without `learning` only the forward pass is there.

    In `fixed`, `limit` and `row_limit`, the bounds of weights and rows, say what their bits stand
    for, and `rounding` how their changes are rounded.

    Raises `Invalid` with every fault of the arguments.
    """
    layers = len(weights)
    rows_old, rows_new = _blocks(old, layers), _blocks(new, layers)
    rates = _rates(hebbian_rates, layers)
    circuit = Circuit(
        lateral, lateral_scale, lateral_steps, residuals, momentum, row_limit, rounding, seed
    )
    faults = _faults(weights, rows_old, rows_new, error, leak, threshold, width)
    faults += circuit.faults()
    if faults:
        raise Invalid("hlop.build", faults)
    net = _Net(
        [np.asarray(w, dtype=np.float64) for w in weights],
        circuit, rate / steps, leak, threshold, width, error, limit,
    )  # fmt: skip
    net.forward(learning)
    if learning:
        net.errors()
        for layer in range(1, layers + 1):
            block = rows_old[layer - 1], rows_new[layer - 1]
            net.projection(layer, *block, rates[layer - 1])
    return Graph(name, net.processes, net.connections, [Probe("readout.out")])


class _Net:
    """Collects processes and connections."""

    def __init__(
        self,
        weights: list[Matrix],
        circuit: Circuit,
        rate: float,
        leak: float,
        threshold: float,
        width: float,
        error: ErrorPath,
        limit: float,
    ) -> None:
        self.weights, self.circuit, self.rate = weights, circuit, rate
        self.leak, self.threshold, self.width = leak, threshold, width
        self.error, self.limit = error, limit
        self.layers = len(weights)
        self.processes: dict[str, Any] = {}
        self.connections: list[Connection] = []

    def wire(self, source: str, target: str, delay: int | None = None) -> None:
        self.connections.append(Connection(source, target, delay))

    def forward(self, learning: bool) -> None:
        """Add input, layers and readout."""
        self.processes["x"] = Input(self.weights[0].shape[1])
        before = "x.out"
        for layer, matrix in enumerate(self.weights, 1):
            rule = None
            if learning:
                fields: Any = {"low": -self.limit, "high": self.limit}
                fields |= {"rounding": self.circuit.rounding, "seed": self.circuit.seed}
                rule = self.circuit.rule("-rate*delta", self.rate, **fields)
            self.processes[f"w{layer}"] = Dense(matrix, rule=rule)
            self.wire(before, f"w{layer}.s")
            if layer < self.layers:
                self.processes[f"layer{layer}"] = self._layer(len(matrix), learning)
                self.wire(f"w{layer}.a", f"layer{layer}.membrane.a")
                before = f"layer{layer}.fire.s"
        self.processes["readout"] = LeakyIntegrator(len(self.weights[-1]))
        self.wire(f"w{self.layers}.a", "readout.a")

    def _layer(self, units: int, learning: bool) -> Graph:
        """Return spiking units with a soft reset and, where they learn, their window and trace."""
        processes: dict[str, Any] = {
            "membrane": LeakyIntegrator(units, decay=1 - self.leak),
            "fire": LIF(units, threshold=self.threshold),
            "reset": BlockDense([[-self.leak * self.threshold]], copies=units),
        }
        connections = [
            Connection("membrane.out", "fire.a"),
            Connection("fire.s", "reset.s"),
            Connection("reset.a", "membrane.a"),
        ]
        if learning:
            processes |= {
                "above": LIF(units, threshold=self.threshold + self.width),
                "near": LIF(units, threshold=self.threshold - self.width),
                "veto": Polynomial(units, (0, -1)),
                "window": LIF(units, threshold=0),
                "charge": Polynomial(units, (0, 1)),
                "trace": LeakyIntegrator(units, decay=1 - self.leak),
            }
            connections += [
                Connection("membrane.out", "above.a"),
                Connection("membrane.out", "near.a"),
                Connection("above.s", "veto.a"),
                Connection("veto.out", "window.a"),
                Connection("near.s", "window.a"),
                Connection("fire.s", "charge.a"),
                Connection("charge.out", "trace.a"),
            ]
        return Graph("layer", processes, connections)

    def errors(self) -> None:
        """Add the error at every layer."""
        last, classes = self.layers, len(self.weights[-1])
        self.processes |= {
            "guess": Softmax(classes, bits=SHARE_BITS),
            "target": Input(classes, gain=-1.0),
            f"error{last}": Graded(classes),
        }
        self.wire(f"w{last}.a", "guess.x")
        self.wire("guess.out", f"error{last}.a")
        self.wire("target.out", f"error{last}.a")
        for layer in range(last - 1, 0, -1):
            self.processes[f"back{layer + 1}"] = self._back(layer + 1)
            self.processes[f"error{layer}"] = Graded(self.weights[layer - 1].shape[0])
            self.wire(f"error{layer + 1}.out", f"back{layer + 1}.s")
            self.wire(f"back{layer + 1}.a", f"error{layer}.a")
            self.wire(f"layer{layer}.window.s", f"error{layer}.on", 2 * (last - layer))
        for layer in range(1, last + 1):
            late = max(0, -self._ahead(layer))
            self.wire(f"error{layer}.out", f"w{layer}.delta", late)

    def _back(self, layer: int) -> Any:
        """Return the synapses that carry the error of `layer` to the one before."""
        matrix = self.weights[layer - 1]
        post, pre = matrix.shape
        if self.error == "bp":
            return Transpose(f"w{layer}", post, pre)
        if self.error == "ss":
            return Dense(np.sign(matrix).T / np.sqrt(pre))
        seed = self.circuit.seed
        draws = stream(seed, f"hlop.back{layer}", "weights").random((pre, post))
        return Dense((2 * draws - 1) / np.sqrt(pre))

    def _ahead(self, layer: int) -> int:
        """Return how many steps the residual of `layer` is there before its error, or less than 0.

        Signals are there after layer - 1 steps, the residual ``circuit.late`` later, the error
        after 2 layers - layer.
        """
        return 2 * self.layers - 2 * layer + 1 - self.circuit.late

    def projection(self, layer: int, old: Matrix | None, new: Matrix | None, rate: float) -> None:
        """Add the subspace units of one layer, and the residual that its weights learn from."""
        source = "x.out" if layer == 1 else f"layer{layer - 1}.trace.out"
        home, units = f"subspace{layer}", self.weights[layer - 1].shape[1]
        self.processes[home] = lateral_graph(self.circuit, home, units, old, new, rate)
        residuals = ["r_old"] + ["r_all"] * (new is not None)
        for port in (port for residual in residuals for port in self.circuit.hears(residual)):
            self.wire(source, f"{home}.{port}", self.circuit.late)
        for block, rows in (("old", old), ("new", new)):
            if rows is not None:
                self.wire(source, f"{home}.{block}.s")
        late = max(0, self._ahead(layer))
        self.connections += self.circuit.says(f"{home}.r_old", f"w{layer}", late)


def _blocks(rows: Sequence[Matrix | None], layers: int) -> list[Matrix | None]:
    found = [None if r is None or not len(r) else np.asarray(r, np.float64) for r in rows]
    return found if found else [None] * layers


def _rates(rates: Sequence[float] | float, layers: int) -> list[float]:
    return [float(rates)] * layers if np.isscalar(rates) else [float(r) for r in rates]  # type: ignore[union-attr, arg-type]


def _faults(
    weights: Sequence[Matrix],
    old: list[Matrix | None],
    new: list[Matrix | None],
    error: object,
    leak: float,
    threshold: float,
    width: float,
) -> list[Fault]:
    faults: list[Fault] = []
    if not weights:
        return [Fault("weights", "none", "must hold at least one layer")]
    for layer, (below, above) in enumerate(pairwise(weights), 1):
        if np.shape(above)[1] != np.shape(below)[0]:
            got = f"{np.shape(below)} then {np.shape(above)}"
            faults.append(Fault(f"weights[{layer}]", got, "must take what the layer before has"))
    for title, blocks in (("old", old), ("new", new)):
        if len(blocks) != len(weights):
            got = f"{len(blocks)} blocks"
            faults.append(Fault(title, got, f"must be one for each of {len(weights)} layers"))
            continue
        for layer, (rows, matrix) in enumerate(zip(blocks, weights, strict=True)):
            if rows is not None and rows.shape[1] != np.shape(matrix)[1]:
                need = f"must have {np.shape(matrix)[1]} columns, the inputs of the layer"
                faults.append(Fault(f"{title}[{layer}]", f"shape {rows.shape}", need))
    if not faults:
        for layer, matrix in enumerate(weights):
            held = sum(len(r) for b in (old, new) if (r := b[layer]) is not None)
            if held > np.shape(matrix)[1]:
                need = f"must not exceed the {np.shape(matrix)[1]} inputs of the layer"
                faults.append(Fault(f"rows of layer {layer + 1}", str(held), need, "take fewer"))
    if error not in get_args(ErrorPath):
        faults.append(
            Fault("error", repr(error), f"must be one of {', '.join(get_args(ErrorPath))}")
        )
    if not 0 <= leak < 1:
        faults.append(Fault("leak", repr(leak), "must be in [0, 1)"))
    if not 0 < width <= threshold:
        faults.append(Fault("width", repr(width), f"must be in (0, threshold = {threshold}]"))
    return faults


def first_weights(sizes: Sequence[int], seed: int) -> list[Matrix]:
    """Return uniform weights within 1 / sqrt(fan in), (n_l, n_{l-1}) for each layer."""
    found = []
    for layer, (pre, post) in enumerate(pairwise(sizes), 1):
        draws = stream(seed, f"hlop.w{layer}", "weights").random((post, pre))
        found.append((2 * draws - 1) / np.sqrt(pre))
    return found


def fresh_rows(count: int, width: int, seed: int, layer: int, task: int) -> Matrix | None:
    """Return `count` random orthonormal rows (count, width) for a new block, None for none."""
    if not count:
        return None
    draws = stream(seed, f"hlop.h{layer}", "rows", episode=task).standard_normal((width, count))
    basis, triangle = np.linalg.qr(draws)
    return np.asarray((basis * np.sign(np.diag(triangle))).T)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    weights = [2 * w for w in first_weights((10, 8, 4), seed=0)]
    old = [fresh_rows(2, w.shape[1], 0, i, 0) for i, w in enumerate(weights, 1)]
    new = [fresh_rows(2, w.shape[1], 0, i, 1) for i, w in enumerate(weights, 1)]
    graph = build(weights, old, new, steps=8, limit=2.0)
    draw = stream(0, "hlop", "example")
    pixels = np.repeat(draw.random((3, 1, 10)), 8, axis=1)
    target = np.repeat(np.eye(4)[[0, 2, 1], np.newaxis], 8, axis=1)
    return graph, {"x": pixels, "target": target}, 8
