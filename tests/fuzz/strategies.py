"""Random valid graphs in the fixed domain, with what to feed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from hebbgraph import Connection, Dense, Graph, Input, Probe, Transpose
from hebbgraph.processes import Process
from tests.fuzz.kinds import SOURCES, SYNAPSES, UNITS, Maker

#: Sizes that fit together often: what is drawn for populations.
SIZES = (1, 2, 4, 4, 6)


@dataclass(frozen=True)
class Case:
    """One graph and one run of it."""

    graph: Graph
    inputs: Mapping[str, Any]
    steps: int
    episodes: int
    first_episode: int

    @property
    def run(self) -> dict[str, Any]:
        """Return the arguments of `Program.run` beside the inputs."""
        return {
            "steps": self.steps,
            "episodes": self.episodes,
            "first_episode": self.first_episode,
        }


class _Builder:
    """Grows a graph process by process; every step leaves it valid."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.make = Maker(draw(st.integers(0, 2**32 - 1)), draw(st.booleans()))
        self.processes: dict[str, Process] = {}
        self.connections: list[Connection] = []

    def add(self, process: Process) -> str:
        """Add a process under a new name; return the name."""
        name = f"p{len(self.processes)}"
        self.processes[name] = process
        return name

    def pick(self, options: Any) -> Any:
        """Return one of `options`."""
        return self.draw(st.sampled_from(list(options)))

    def outputs(self, size: int) -> list[str]:
        """Return the ports of `size` units, or of one, that may be connected to `size` units."""
        return [
            f"{name}.{next(iter(p.outputs))}"
            for name, p in self.processes.items()
            if p.output.size in (1, size)
        ]

    def connect(self, name: str, port: str, known: Mapping[str, Process]) -> None:
        """Connect up to two outputs to a port; same-step wires only from processes in `known`."""
        process = self.processes[name]
        spec = process.inputs[port]
        for _ in range(self.draw(st.sampled_from((1, 1, 1, 2)))):
            options = self.outputs(spec.size)
            if not options:
                return
            source = self.pick(options)
            least = 1 if process.synaptic and not spec.learning else 0
            if not spec.learning and source.partition(".")[0] not in known:
                least = 1
            most = 62 - process.longest_delay
            delay = self.draw(st.sampled_from((least, least, least, least + 1, 3, 7, 40)))
            connection = Connection(source, f"{name}.{port}", min(max(delay, least), most))
            if connection not in self.connections:
                self.connections.append(connection)

    def sources(self) -> None:
        """Add one to three sources."""
        for kind in self.draw(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=3)):
            self.add(self.make.source(kind, self.pick(SIZES)))

    def units(self) -> None:
        """Add one to four processes with units."""
        for kind in self.draw(st.lists(st.sampled_from(UNITS), min_size=1, max_size=4)):
            self.add(self.make.units(kind, self.pick(SIZES)))

    def synapses(self) -> None:
        """Add up to four sets of synapses, each between what is there."""
        for kind in self.draw(st.lists(st.sampled_from(SYNAPSES), min_size=0, max_size=4)):
            senders = [p.output.size for p in self.processes.values()]
            takers = [spec.size for p in self.processes.values() for spec in p.inputs.values()]
            pre, post = self.pick(senders), self.pick(takers or [2])
            if kind == "Transpose":
                dense = [n for n, p in self.processes.items() if isinstance(p, Dense)]
                if dense:
                    of = self.pick(dense)
                    post, pre = self.processes[of].matrix().shape
                    self.add(Transpose(of, post, pre, self.make.exponent()))
            elif kind == "plastic":
                self.add(self.make.plastic(pre, post))
            else:
                self.add(self.make.synapses(kind, pre, post))

    def wire(self) -> None:
        """Connect the ports of every process; a process hears those before it in the same step."""
        order = self.draw(st.permutations(sorted(self.processes)))
        known: dict[str, Process] = {}
        for name in order:
            process = self.processes[name]
            for index, port in enumerate(process.inputs):
                wanted = 0.9 if index == 0 else 0.35
                if process.inputs[port].learning and port != "gate":
                    wanted = 0.9
                if self.make.chance(wanted):
                    self.connect(name, port, known)
            known[name] = process

    def nested(self, probes: list[Probe]) -> Graph:
        """Return the graph; sometimes with some of its processes in a graph of their own."""
        names = list(self.processes)
        inner = set(self.draw(st.lists(st.sampled_from(names), unique=True, max_size=4)))
        # A Dense and all its transposes stay together.
        ties = [{n, p.of} for n, p in self.processes.items() if isinstance(p, Transpose)]
        for pair in [*ties, *ties]:
            inner |= pair if pair & inner else set()
        if not inner or self.draw(st.booleans()):
            return Graph("fuzz", self.processes, self.connections, probes, "fixed")
        both: dict[bool, list[Connection]] = {True: [], False: []}
        for c in self.connections:
            ends = [end.partition(".")[0] in inner for end in (c.source, c.target)]
            source = f"deep.{c.source}" if ends[0] else c.source
            target = f"deep.{c.target}" if ends[1] else c.target
            both[all(ends)].append(c if all(ends) else Connection(source, target, c.delay))
        sub = Graph(
            "sub",
            {name: p for name, p in self.processes.items() if name in inner},
            both[True],
            [p for p in probes if p.path in inner],
            "fixed",
        )
        outer: dict[str, Any] = {n: p for n, p in self.processes.items() if n not in inner}
        rest = [p for p in probes if p.path not in inner]
        return Graph("fuzz", {**outer, "deep": sub}, both[False], rest, "fixed")


@st.composite
def cases(draw: DrawFn) -> Case:
    """Draw a graph, its inputs and how long it runs."""
    builder = _Builder(draw)
    builder.sources()
    builder.units()
    builder.synapses()
    builder.wire()
    probes: list[Probe] = []
    for name, process in builder.processes.items():
        learned = isinstance(process, Dense) and process.rule is not None
        variables = (*process.outputs, *process.states, *(["weights"] if learned else []))
        if process.ROLE != "source":
            probes += [Probe(f"{name}.{variable}") for variable in variables]
    graph = builder.nested(probes)
    steps = draw(st.sampled_from((1, 3, 8, 15, 15, 25, 70)))
    episodes = draw(st.integers(1, 3))
    inputs = {
        path: builder.make.data(source, episodes, draw(st.integers(1, steps)))
        for path, source in graph.of_kind(Input).items()
    }
    return Case(graph, inputs, steps, episodes, draw(st.integers(0, 5)))
