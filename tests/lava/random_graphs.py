"""Random graphs that stretch both domains: LIF and Dense alone, every kind, rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import (
    LIF,
    BlockDense,
    Bus,
    Conv2d,
    Dendrite,
    Dense,
    Domain,
    Exponential,
    Graded,
    Input,
    LeakyIntegrator,
    Polynomial,
    Process,
    SigmaDelta,
    Sign,
    Softmax,
    Sparse,
    TernaryLIF,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.rules import Rule, Trace

Case = tuple[Graph, dict[str, NDArray[Any]], int]
Rng = np.random.Generator
#: Width of every process of `everything`: so anything fits anything.
UNITS = 6


def plain(seed: int, domain: Domain) -> Case:
    """Return LIF and Dense of all sorts, wired at random."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    processes: dict[str, Process] = {"x": Input(m), "y": Input(n, signal="spike")}
    for k in range(int(rng.integers(1, 4))):
        processes[f"lif{k}"] = _lif(rng, n, domain)
    for k in range(int(rng.integers(2, 6))):
        width = m if k == 0 or rng.random() < 0.3 else n
        processes[f"w{k}"] = _dense(rng, (n, width), domain)
    connections = _wired(rng, processes, int(rng.integers(1, 4)))
    probes = [f"{path}.{name}" for path in processes if "lif" in path for name in "uv"]
    graph = Graph(f"plain {seed}", processes, connections, [*map(Probe, probes)], domain)
    episodes, given, steps = int(rng.integers(1, 5)), int(rng.integers(1, 9)), 24
    spikes = rng.random((episodes, given, n)) < 0.4
    limit = 2 ** int(rng.integers(1, 23)) if domain == "fixed" and rng.random() < 0.4 else 30
    graded = rng.integers(-limit, limit + 1, (episodes, given, m)) * (rng.random(m) < 0.8)
    return graph, {"x": graded, "y": spikes}, steps


def everything(seed: int, domain: Domain, learns: bool = False) -> Case:
    """Return some of every kind, wired at random; with plastic synapses among them if asked for."""
    rng = np.random.default_rng(seed)
    processes: dict[str, Process] = {
        "x": Input(UNITS),
        "y": Input(UNITS, signal="spike"),
        "z": Input(UNITS, signal="ternary"),
        "one": Input(1, signal="spike"),
    }
    units = list(_UNITS)
    for k, index in enumerate(rng.choice(len(units), 6, replace=False)):
        processes[f"u{k}"] = units[index](rng, domain)
    synapses = list(_SYNAPSES)
    for k, index in enumerate(rng.choice(len(synapses), 3)):
        processes[f"w{k}"] = synapses[index](rng, domain)
    processes["d"] = _dense(rng, (UNITS, UNITS), domain)
    processes["t"] = Transpose("d", UNITS, UNITS, int(domain == "fixed"))
    if learns:
        processes["p"] = Dense(rng.integers(-9, 10, (UNITS, UNITS)), rule=_rule(rng, domain))
        processes["q"] = Transpose("p", UNITS, UNITS)
    connections = _wired(rng, processes, 2)
    probes = [
        f"{path}.{name}"
        for path, process in processes.items()
        if process.ROLE != "source"
        for name in (*process.states, *process.outputs)
        if name in process.states or process.output.signal == "graded"
    ]
    probes += ["p.weights"] if learns else []
    graph = Graph(f"everything {seed}", processes, connections, [*map(Probe, probes)], domain)
    shape = (int(rng.integers(1, 4)), int(rng.integers(3, 9)))
    inputs = {
        "x": rng.integers(-12, 13, (*shape, UNITS)),
        "y": rng.random((*shape, UNITS)) < 0.5,
        "z": rng.integers(-1, 2, (*shape, UNITS)),
        "one": rng.random((*shape, 1)) < 0.6,
    }
    return graph, inputs, 12


def _lif(rng: Rng, n: int, domain: Domain) -> LIF:
    if domain == "float":
        u, v = rng.random(n), rng.choice([0.0, 1.0, 0.3], n)
        return LIF(n, u, v, rng.normal(size=n), rng.random(n) * 9 - 1)
    u, v = _decays(rng, n)
    top = int(rng.choice([40, 2000, 2**17]))
    bias = rng.integers(-4096, 4096, n) if rng.random() < 0.5 else rng.integers(-9, 9, n)
    return LIF(n, u, v, bias, rng.integers(0, top, n), int(rng.integers(0, 8)))


def _decays(rng: Rng, n: int) -> tuple[NDArray[Any], NDArray[Any]]:
    u, v = (
        np.where(rng.random(n) < 0.5, rng.integers(0, 4096, n), rng.choice([0, 4095])) for _ in "uv"
    )
    return u, v


def _dense(rng: Rng, shape: tuple[int, int], domain: Domain) -> Dense:
    exponent = 0 if domain == "float" else int(rng.choice([0, 0, -8, -3, 2, 7]))
    return Dense(_weights(rng, shape, domain), exponent)


def _weights(rng: Rng, shape: tuple[int, ...], domain: Domain) -> NDArray[Any]:
    if domain == "float":
        return rng.normal(size=shape) * (rng.random(shape) < 0.7)
    mode = str(rng.choice(["mixed", "positive", "negative", "zero"], p=[0.6, 0.18, 0.18, 0.04]))
    if mode == "mixed":
        return 2 * rng.integers(-128, 128, shape)
    return rng.integers(0, 256, shape) * {"positive": 1, "negative": -1, "zero": 0}[mode]


def _refractory(rng: Rng, domain: Domain) -> LIF:
    period = int(rng.integers(1, 4))
    if domain == "float":  # a threshold of 0 or more and one decay: lava's LIFRefractory
        return LIF(UNITS, rng.random(UNITS), 0.25, 0.5, rng.random(UNITS) * 5, refractory=period)
    u, v = _decays(rng, UNITS)
    return LIF(UNITS, u, v, 20, rng.integers(0, 40, UNITS), refractory=period, when_off="hold")


def _ternary(rng: Rng, domain: Domain) -> TernaryLIF:
    u, v = (0.3, rng.random(UNITS)) if domain == "float" else _decays(rng, UNITS)
    high = rng.integers(-3, 30, UNITS)
    return TernaryLIF(UNITS, u, v, 0, high, high - rng.integers(0, 30, UNITS))


def _graded(rng: Rng, domain: Domain) -> Graded:
    low = rng.choice([-np.inf, 0.0]) if rng.random() < 0.6 else -rng.integers(0, 50, UNITS)
    zone = rng.integers(0, 5, UNITS)
    if domain == "fixed" and rng.random() < 0.5:
        return Graded(UNITS, 3, low, 99, zone, int(rng.integers(-4, 4)), int(rng.integers(4, 33)))
    return Graded(UNITS, low=low, dead_zone=zone, bits=32)


def _polynomial(rng: Rng, domain: Domain) -> Polynomial:
    limit, degree = int(rng.integers(1, 60)), 2 if domain == "fixed" else 1  # or floats explode
    coefficients = rng.integers(-4, 5, degree + 1)
    return Polynomial(UNITS, coefficients, 2, 1, bool(rng.random() < 0.5), limit, 20)


def _exponential(rng: Rng, domain: Domain) -> Exponential:
    if domain == "float":
        return Exponential(UNITS, -1e-6)
    return Exponential(UNITS, 1.0, rng.integers(-99, 99, 16), -40, 3)


def _sigma_delta(rng: Rng, domain: Domain) -> SigmaDelta:
    rectified, cumulative = (bool(b) for b in rng.random(2) < 0.5)
    exponent = int(rng.integers(0, 4)) if domain == "fixed" else 0
    threshold = rng.integers(0, 30, UNITS)
    return SigmaDelta(UNITS, threshold, rng.integers(-9, 9, UNITS), rectified, cumulative, exponent)


def _winners(rng: Rng, domain: Domain) -> WinnerTakeAll:
    return WinnerTakeAll(3, 2, int(rng.integers(1, 4)), rng.choice([-np.inf, 1]))


def _softmax(rng: Rng, domain: Domain) -> Softmax:
    if domain == "float":
        return Softmax(3, 2, 0.01)
    return Softmax(3, 2, table=np.arange(200, 0, -9), step=2, bits=10)


def _integrator(rng: Rng, domain: Domain) -> LeakyIntegrator:
    decays = rng.integers(0, 4097, UNITS)
    return LeakyIntegrator(UNITS, decays if domain == "fixed" else decays / 4096)


def _bus(rng: Rng, domain: Domain) -> Bus:
    operation: Any = rng.choice(["sum", "count", "max"])
    return Bus(3, 2, str(operation), spread=True, bits=20)  # type: ignore[arg-type]


_UNITS: tuple[Callable[[Rng, Domain], Process], ...] = (
    lambda rng, domain: _lif(rng, UNITS, domain),
    _refractory,
    _ternary,
    lambda rng, domain: Sign(UNITS, rng.integers(-3, 4, UNITS), bool(rng.random() < 0.5)),
    _integrator,
    _sigma_delta,
    _graded,
    _polynomial,
    _exponential,
    _bus,
    _winners,
    _softmax,
    lambda rng, domain: Dendrite(UNITS, 1, rng.integers(-5, 20, UNITS)),
)


def _delayed(rng: Rng, domain: Domain) -> Dense:
    dense = _dense(rng, (UNITS, UNITS), domain)
    return Dense(dense.weights, dense.exponent, rng.integers(0, 4, (UNITS, UNITS)))


def _sparse(rng: Rng, domain: Domain) -> Sparse:
    flat = rng.choice(UNITS * UNITS, 14, replace=False)
    exponent = 0 if domain == "float" else int(rng.choice([0, -3, 2]))
    delays = 0 if rng.random() < 0.4 else rng.integers(0, 4, 14)
    weights = _weights(rng, (14,), domain)
    return Sparse(UNITS, UNITS, flat % UNITS, flat // UNITS, weights, exponent, delays)


_SYNAPSES: tuple[Callable[[Rng, Domain], Process], ...] = (
    lambda rng, domain: _dense(rng, (UNITS, UNITS), domain),
    _delayed,
    _sparse,
    lambda rng, domain: BlockDense(_weights(rng, (3, 3), domain), 2),
    # one channel of 2 by 3 into one of the same size
    lambda rng, domain: Conv2d(_weights(rng, (1, 1, 3, 3), domain), (2, 3), padding=1),
    # two channels of 3 by 1 into six of one unit
    lambda rng, domain: Conv2d(_weights(rng, (6, 2, 3, 1), domain), (3, 1)),
)


def _rule(rng: Rng, domain: Domain) -> Rule:
    """Return a rule with third factors of every side, traces, momentum or not."""
    fixed = domain == "fixed"
    rounding: Any = rng.choice(["nearest", "truncate", "stochastic", "shared"])
    powers = ["", "*w", "*post", "*pre"]
    dw = (
        f"2*post*x1{rng.choice(powers)} - y1*pre + err*mod*pre - 3*post*hint"
        f" + {rng.integers(-2, 3)}*mod"
    )
    dw = dw if fixed else f"({dw})/64"
    more: dict[str, Any] = {"shift": 5, "fraction": int(rng.integers(0, 4)), "signal_bits": 6}
    more = more if fixed else {}
    scale = 4096 if fixed else 1
    return Rule(
        dw,
        factors={"err": "post", "hint": "pre", "mod": "all"},
        traces={
            "x1": Trace("pre", 0.25 * scale, 2),
            "y1": Trace("post*err", 0.5 * scale, 1),
        },
        low=-40,
        high=30,
        epoch=int(rng.integers(1, 4)) if rng.random() < 0.7 else "episode",
        momentum=0.5 * scale if rng.random() < 0.3 else 0,
        self_connections=bool(rng.random() < 0.5),
        rounding=str(rounding),  # type: ignore[arg-type]
        seed=int(rng.integers(9)),
        **more,
    )


def _wired(rng: Rng, processes: dict[str, Process], fan_in: int) -> list[Connection]:
    """Connect every input port to some outputs that fit, without a cycle of same-step wires."""
    paths, found = list(processes), set()
    for target, process in processes.items():
        for name, port in process.inputs.items():
            optional = name in ("n", "on", "set", "reset", "gain", "gate")
            fitting = [
                path
                for path in paths
                if processes[path].output.size in (1, port.size) and _fits(processes, path, name)
            ]
            if not fitting or (optional and rng.random() < 0.6):
                continue
            for source in map(str, rng.choice(fitting, 1 if optional else fan_in)):
                delay = int(rng.choice([0, 1, 2, 7], p=[0.5, 0.2, 0.2, 0.1]))
                # A wire without delay runs forwards only, so there is no same-step cycle.
                late = process.synaptic and not port.learning
                backwards = _rank(source) >= _rank(target) and not port.learning
                delay = max(delay, 1) if late or backwards else delay
                out = next(iter(processes[source].outputs))
                found.add(Connection(f"{source}.{out}", f"{target}.{name}", delay))
    return sorted(found)


def _fits(processes: dict[str, Process], path: str, port: str) -> bool:
    """Return whether a port may hear `path`: gates and resets hear spikes."""
    return port not in ("on", "reset", "gate") or processes[path].output.signal == "spike"


def _rank(path: str) -> tuple[int, str]:
    """Return where a process stands: sources, synapses, units, each by name."""
    return 0 if path[0] in "xyzo" else 1 if path[0] in "wdtpq" else 2, path
