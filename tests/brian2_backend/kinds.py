"""Random graphs of every kind, group by group, in both domains.

Numbers of the float domain are small multiples of 1/8, so that sums do not depend on their order
and a tie with a threshold is decided alike everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hebbgraph import (
    LIF,
    BlockDense,
    Bus,
    Connection,
    Conv2d,
    Dendrite,
    Dense,
    Exponential,
    Graded,
    Graph,
    Input,
    LeakyIntegrator,
    Polynomial,
    Probe,
    Rule,
    SigmaDelta,
    Sign,
    Softmax,
    Sparse,
    TernaryLIF,
    Trace,
    Transpose,
    WinnerTakeAll,
)
from hebbgraph.processes import Domain, Process
from hebbgraph.random import stream
from tests.brian2_backend.graphs import Case

#: Units per process.
SIZE = 6
#: Kinds whose output cannot grow without limit: only they may feed others.
BOUNDED = (Input, LIF, TernaryLIF, Graded, Softmax, WinnerTakeAll, Dendrite)


class Zoo:
    """Grows a graph; `fixed` decides what the numbers are."""

    def __init__(self, seed: int, domain: Domain, group: str) -> None:
        self.draw, self.fixed, self.domain = stream(seed, group, domain), domain == "fixed", domain
        self.processes: dict[str, Process] = {
            "cue": Input(SIZE, gain=64.0 if self.fixed else 0.125),
            "events": Input(SIZE, signal="spike"),
            "signs": Input(SIZE, signal="ternary"),
            "one": Input(1),
        }
        self.connections: list[Connection] = []

    def whole(self, low: int, high: int, *shape: int) -> Any:
        """Return whole numbers, in eighths in `float`."""
        return self.draw.integers(low, high + 1, shape) / (1 if self.fixed else 8)

    def share(self, *shape: int) -> Any:
        """Return decays."""
        eighths = self.draw.integers(0, 9, shape)
        return np.minimum(eighths * 512, 4095) if self.fixed else eighths / 8

    def weights(self, *shape: int) -> Any:
        """Return weights, some of them 0."""
        return 2 * self.whole(-9, 9, *shape) * (self.draw.random(shape) < 0.7)

    def add(self, **processes: Process) -> None:
        """Add processes and connect their ports."""
        for name, process in processes.items():
            self.processes[name] = process
            for port in process.inputs:
                self.connect(name, port)

    def connect(self, name: str, port: str) -> None:
        """Connect a port to one or two outputs of its width, or to the source of one unit."""
        spec = self.processes[name].inputs[port]
        optional = list(self.processes[name].inputs).index(port) > 0
        if optional and not spec.learning and self.draw.random() < 0.3:
            return
        senders = [
            f"{path}.{next(iter(p.outputs))}"
            for path, p in self.processes.items()
            if isinstance(p, BOUNDED) and p.output.size == spec.size
            if spec.signal == "graded" or p.output.signal == "spike"
        ]
        senders += ["one.out"] if spec.signal == "graded" or not senders else []
        least = int(self.processes[name].synaptic and not spec.learning)
        for _ in range(1 if spec.learning else int(self.draw.integers(1, 3))):
            source = str(self.draw.choice(senders))
            near = source.partition(".")[0] == name
            delay = int(self.draw.choice([least + near, least + near, 2, 5]))
            connection = Connection(source, f"{name}.{port}", max(delay, least))
            if connection not in self.connections:
                self.connections.append(connection)

    def case(self) -> Case:
        """Return the graph with all its states and outputs recorded, and what to feed it."""
        probes = [
            Probe(f"{name}.{variable}")
            for name, process in self.processes.items()
            if process.ROLE != "source"
            for variable in (*process.outputs, *process.states)
        ]
        probes += [
            Probe(f"{name}.weights")
            for name, process in self.processes.items()
            if isinstance(process, Dense) and process.rule
        ]
        graph = Graph("zoo", self.processes, self.connections, probes, self.domain)
        inputs = {
            "cue": self.draw.integers(-20, 21, (2, 9, SIZE)) * (self.draw.random((2, 9, 1)) < 0.8),
            "events": self.draw.random((2, 11, SIZE)) < 0.5,
            "signs": self.draw.integers(-1, 2, (2, 7, SIZE)),
            "one": self.draw.integers(-1, 3, (2, 12, 1)),
        }
        return graph, inputs, 16


def spiking(zoo: Zoo) -> None:
    """Add units that spike, with every port, and synapses between them."""
    for name in ("plain", "tired", "held"):
        unit = LIF(
            SIZE,
            zoo.share(SIZE),
            zoo.share(SIZE),
            zoo.whole(-9, 9, SIZE),
            zoo.whole(1, 40, SIZE),
            refractory=2 if name == "tired" else 0,
            when_off="hold" if name == "held" else "silent",
        )
        zoo.add(**{name: unit})
    zoo.add(
        both=TernaryLIF(SIZE, zoo.share(SIZE), zoo.share(SIZE), 0, zoo.whole(1, 30, SIZE), -1),
        sign=Sign(SIZE, zoo.whole(-2, 2, SIZE)),
        flips=Sign(SIZE, zoo.whole(-2, 2, SIZE), integrates=True),
        loop=Dense(zoo.weights(SIZE, SIZE)),
    )
    zoo.connections.append(Connection("loop.a", "tired.a", 1))


def graded(zoo: Zoo) -> None:
    """Add units with graded outputs."""
    low, high = np.sort(zoo.whole(-90, 90, 2, SIZE), axis=0)
    table = zoo.draw.integers(-(2**20), 2**20, 20) if zoo.fixed else ()
    zoo.add(
        bounded=Graded(SIZE, zoo.whole(-5, 5, SIZE), low, high, zoo.whole(0, 9, SIZE)),
        plain=Graded(SIZE, exponent=-2 if zoo.fixed else 0, low=-99, high=99),
        leaky=LeakyIntegrator(SIZE, zoo.share(SIZE)),
        cubic=Polynomial(SIZE, [3, -2, 0, 1], 7, 2, bool(zoo.draw.random() < 0.5), 200),
        constant=Polynomial(SIZE, [5], limit=9),
        look=Exponential(SIZE, 0.125, table, -700 if zoo.fixed else 0, 6 if zoo.fixed else 0),
        some=SigmaDelta(SIZE, zoo.whole(1, 40, SIZE), zoo.whole(-5, 5, SIZE), True),
        all=SigmaDelta(SIZE, zoo.whole(1, 40, SIZE), cumulative=True, exponent=3 * zoo.fixed),
    )


def groups(zoo: Zoo) -> None:
    """Add units that look at a group."""
    table = np.sort(zoo.draw.integers(1, 999, 12))[::-1] if zoo.fixed else ()
    floor = zoo.whole(-90, 90, SIZE)
    zoo.add(
        total=Bus(3, 2),
        count=Bus(3, 2, "count", spread=True),
        largest=Bus(2, 3, "max", spread=True),
        any=Bus(SIZE, operation="max", bits=12),
        first=WinnerTakeAll(3, 2),
        more=WinnerTakeAll(3, 2, k=2, floor=floor, exponent=-1 if zoo.fixed else 0),
        lone=WinnerTakeAll(1, SIZE),
        soft=Softmax(3, 2, 0.125, table, 7 if zoo.fixed else 0),
        cells=Dendrite(SIZE, 1, zoo.whole(-20, 20, SIZE)),
        wide=Dense(zoo.weights(2 * SIZE, SIZE)),
        branches=Dendrite(SIZE, 2, zoo.whole(-20, 20, 2 * SIZE)),
    )
    zoo.connections.append(Connection("wide.a", "branches.a"))


def synapses(zoo: Zoo) -> None:
    """Add synapses of every kind, with delays of their own, from spikes and from numbers."""
    post, pre = np.nonzero(zoo.draw.random((SIZE, SIZE)) < 0.4)
    delays = zoo.draw.integers(0, 5, (SIZE, SIZE))
    exponent = int(zoo.draw.integers(-3, 4)) if zoo.fixed else 0
    listed = {"pre": pre, "post": post, "weights": zoo.weights(len(pre))}
    zoo.add(
        full=Dense(zoo.weights(SIZE, SIZE), exponent),
        late=Dense(zoo.weights(SIZE, SIZE), exponent, delays),
        none=Dense(0 * zoo.weights(SIZE, SIZE)),
        listed=Sparse(SIZE, SIZE, **listed, exponent=exponent),
        slow=Sparse(SIZE, SIZE, **listed, delays=delays[post, pre]),
        blocks=BlockDense(zoo.weights(2, 3), 2, exponent),
        image=Conv2d(zoo.weights(2, 2, 2, 2), (1, 3), padding=(1, 0)),
        back=Transpose("late", SIZE, SIZE, exponent),
        unit=LIF(SIZE, zoo.share(SIZE), zoo.share(SIZE), 0, zoo.whole(1, 40, SIZE)),
    )
    for name in ("full", "late", "listed", "slow", "back"):
        zoo.connections.append(Connection(f"{name}.a", "unit.a", int(zoo.draw.integers(0, 3))))
    zoo.connections.append(Connection("full.a", "late.s", 2))


#: Rules in both domains: terms of every form, traces and factors of every side.
RULES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("post*pre", {}),
    ("2*post*x1 - y1*pre", {"traces": {"x1": ("pre", 2), "y1": ("post", 4)}}),
    (
        "reward*post*(x1 - 2) + pre*surprise - 2*w",
        {
            "factors": {"reward": "all", "surprise": "post"},
            "traces": {"x1": ("pre**2", 4), "field_pre": ("reward", 1)},
        },
    ),
    ("post*step*w**2 - 3*field_post", {"factors": {"step": "pre", "field_post": "post"}}),
    ("pre - e", {"factors": {"e": "all"}, "traces": {}}),
)


def rule(zoo: Zoo, number: int, **fields: Any) -> Rule:
    """Return one of `RULES` with other settings drawn."""
    text, given = RULES[number % len(RULES)]
    traces = {
        name: Trace(of, eighths * 512 if zoo.fixed else eighths / 8, 3)
        for name, (of, eighths) in given.get("traces", {}).items()
    }
    fields = {
        "epoch": ("episode", 1, 2, 3)[int(zoo.draw.integers(0, 4))],
        "self_connections": bool(zoo.draw.random() < 0.6),
        **fields,
    }
    if not zoo.fixed:
        scaled = f"({text})/8"
        momentum = 0.5 * int(zoo.draw.random() < 0.4)
        return Rule(
            scaled, {}, given.get("factors", {}), traces, -9, 9, momentum=momentum, **fields
        )
    fields = {
        "rounding": ("nearest", "truncate", "stochastic", "shared")[int(zoo.draw.integers(0, 4))],
        "momentum": int(zoo.draw.choice([0, 0, 1000])),
        "shift": int(zoo.draw.integers(0, 9)),
        "fraction": int(zoo.draw.choice([0, 3])),
        "signal_bits": 8,
        **fields,
    }
    return Rule(text, {}, given.get("factors", {}), traces, -99, 90, **fields)


def learning(zoo: Zoo) -> None:
    """Add synapses that learn by a rule each, and one that is used backwards, too."""
    first = int(zoo.draw.integers(0, len(RULES)))
    zoo.add(
        unit=LIF(SIZE, zoo.share(SIZE), zoo.share(SIZE), 0, zoo.whole(1, 40, SIZE)),
        w=Dense(np.rint(zoo.whole(-60, 60, SIZE, SIZE)), rule=rule(zoo, first)),
        v=Dense(np.rint(zoo.whole(-60, 60, SIZE, SIZE)), rule=rule(zoo, first + 1)),
        back=Transpose("w", SIZE, SIZE),
        other=Transpose("w", SIZE, SIZE, -1 if zoo.fixed else 0),
    )
    for name in ("w", "v", "back"):
        zoo.connections.append(Connection(f"{name}.a", "unit.a", int(zoo.draw.integers(0, 3))))


GROUPS: dict[str, Callable[[Zoo], None]] = {
    function.__name__: function for function in (spiking, graded, groups, synapses, learning)
}


def random_kinds(seed: int, domain: Domain, group: str) -> Case:
    """Return (graph, inputs, steps) of one group of kinds."""
    zoo = Zoo(seed, domain, group)
    GROUPS[group](zoo)
    return zoo.case()
