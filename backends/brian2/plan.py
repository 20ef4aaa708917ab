"""plan: a graph in Brian2's terms, as plain data: what is simulated, recorded and when.

Every process becomes a population of units with the port's variable: ``out``, ``s`` or ``a``
(synapses: their summing points). A value emitted k > 0 steps ago is the variable ``out_k``, ``s_k``
or ``a_k``, moved on at the start of each step. A connection into a port of units is a linked
variable; one into synapses is a `Projection` or, with ``dense="blas"``, part of an `Operation`.

Order within one step of the network, by Brian2's slots::

    before_start   clear every variable, when an episode starts
    start          move emitted values on by one step
    after_start    products (blas); what arrives at plastic synapses, and its delivery (synapses)
    before_groups  inputs
    groups         update, in topological order of the same-step wires, ten places to a process
    thresholds     spikes
    synapses       delivery by synapses that do not learn
    resets         v = 0
    before_end     traces, learning
    end            recording
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from hebbgraph.processes import Domain
from hebbgraph.rules import Rule

Array = NDArray[Any]


class Slot(NamedTuple):
    """When in a step something happens: a slot of Brian2's schedule, and the place in it."""

    when: str
    order: int = 0


@dataclass(frozen=True)
class Link:
    """A variable that is another population's."""

    source: str
    variable: str
    #: Index of the source's unit for every unit, or the name of a variable that is it, in Python's
    #: words; empty where units correspond one to one.
    index: str = ""


@dataclass(frozen=True)
class Code:
    """Statements that run once a step."""

    text: str
    slot: Slot
    #: What its name adds to the population's.
    suffix: str = "step"


@dataclass(frozen=True)
class Event:
    """When units spike, or do something else that synapses notice."""

    condition: str
    #: If not Brian2's own.
    slot: Slot | None = None


@dataclass(frozen=True)
class Population:
    """A NeuronGroup: the units of one process, or units that help it."""

    path: str
    name: str
    units: int
    #: State variables, all 0 at the start of an episode.
    states: tuple[str, ...] = ()
    #: State variables that are not: counters of a whole run.
    kept: tuple[str, ...] = ()
    #: Constants by variable name: the key of an array, (units,), or ``STEPS``.
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: TimedArrays by the name in the code: the key of an array, a row a step.
    timed: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    codes: tuple[Code, ...] = ()
    #: By name; ``spike`` is Brian2's threshold.
    events: Mapping[str, Event] = field(default_factory=dict)
    #: What happens at a spike.
    reset: str = ""
    #: The variable that leaves through the process's port; empty for units that help.
    port: str = ""
    #: How many steps back a value of the port is still needed.
    reach: int = 0
    #: Whether there is one copy of each unit only, however many episodes lie side by side.
    single: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """Return every variable that is 0 at the start of an episode."""
        return (*self.states, *self.emitted)

    @property
    def emitted(self) -> tuple[str, ...]:
        """Return the port's variable and its earlier values, the newest first."""
        late = (f"{self.port}_{k + 1}" for k in range(self.reach))
        return (self.port, *late) if self.port else ()

    def equations(self, domain: Domain) -> str:
        """Return the model in Brian2's words; values without units, integers in `fixed`."""
        unit = unit_of(domain)
        lines = [f"{name} : {unit}" for name in (*self.variables, *self.kept)]
        lines += [f"{name} : {unit} (constant)" for name in self.parameters]
        lines += [f"{name} : {unit} (linked)" for name in self.links]
        return "\n".join(lines)

    @property
    def shift(self) -> str:
        """Return the code that moves emitted values on by one step."""
        pairs = zip(self.emitted[:0:-1], self.emitted[-2::-1], strict=True)
        return "\n".join(f"{late} = {early}" for late, early in pairs)

    @property
    def clear(self) -> str:
        """Return the code that starts an episode."""
        return "\n".join(f"{name} = 0" for name in self.variables)


@dataclass(frozen=True)
class Pathway:
    """What synapses do at an event of the population on one side."""

    code: str
    #: ``pre`` or ``post``: whose event.
    side: str = "pre"
    event: str = "spike"
    #: If not Brian2's own.
    slot: Slot | None = None


@dataclass(frozen=True)
class Projection:
    """A Synapses object: one synapse per entry of its arrays."""

    path: str
    name: str
    source: str
    target: str
    #: Keys of the ends of every synapse in `Plan.arrays`.
    pre: str
    post: str
    #: Constants of every synapse, and what changes, by variable name: keys, or "" for zeros.
    constants: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    #: As in `Population`.
    timed: Mapping[str, str] = field(default_factory=dict)
    #: Sums over synapses by name of a variable and its side, as ``total_post``.
    summed: Mapping[str, Code] = field(default_factory=dict)
    pathways: Mapping[str, Pathway] = field(default_factory=dict)
    #: Delay in steps, of all synapses or, as a key, of each; in Brian2's terms.
    delay: int | str = 0


@dataclass(frozen=True)
class Operation:
    """A NetworkOperation: Python on raw arrays, (episodes side by side, units)."""

    path: str
    name: str
    slot: Slot
    code: str
    #: Array by name in the code: (population, variable).
    views: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: What is defined once, before the function.
    prelude: str = ""


@dataclass(frozen=True)
class Monitor:
    """What is recorded of one process."""

    path: str
    population: str
    #: Whether spikes are, and whether they have a sign.
    spikes: bool = False
    ternary: bool = False
    #: Variables that are probed.
    probed: tuple[str, ...] = ()
    #: The graded output of which it counts where it is not 0; empty if it does not.
    watched: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the variables of which every value is recorded."""
        return tuple(dict.fromkeys([*self.probed, *([self.watched] if self.watched else [])]))


@dataclass(frozen=True)
class Plasticity:
    """Where the parts of one set of plastic synapses are."""

    path: str
    rule: Rule
    shape: tuple[int, int]
    #: The Projection that holds the weights; with arrays the process, whose `Learner` does.
    name: str
    #: The population that counts the ends of epochs; with arrays none does.
    counts: str = ""
    #: The variable of the accumulators; "" where there are arrays.
    accumulator: str = ""
    momentum: bool = False
    #: Whether the weights are recorded, after every step.
    probed: bool = False
    #: Key under which a compiled network takes its random numbers, if it needs any.
    draws: str = ""


@dataclass(frozen=True)
class Plan:
    """A graph in Brian2's terms."""

    domain: Domain
    #: Whether episodes follow one another, not side by side, and whether Python can run beside.
    in_turn: bool
    compiled: bool
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    operations: tuple[Operation, ...]
    monitors: tuple[Monitor, ...]
    plastic: Mapping[str, Plasticity]
    #: Names of the populations of sources, by path.
    sources: Mapping[str, str]
    arrays: Mapping[str, Array]

    @property
    def restarts(self) -> bool:
        """Return whether several episodes, or batches of them, can follow one another."""
        return self.in_turn or bool(self.plastic)

    def population(self, path: str) -> Population:
        """Return the population of the process at `path`."""
        return next(p for p in self.populations if p.path == path and p.port)


@dataclass(frozen=True)
class Layout:
    """How the episodes of a run lie in the network.

    `copies` episodes lie side by side: unit n of copy c is at c * units + n. `rounds` of them
    follow one another: step t of round r is step r * steps + t of the network. Episode
    r * copies + c is copy c of round r.
    """

    copies: int
    rounds: int
    steps: int

    @property
    def episodes(self) -> int:
        """Return how many there are."""
        return self.copies * self.rounds

    @property
    def duration(self) -> int:
        """Return the steps of the whole run."""
        return self.steps * self.rounds


def unit_of(domain: Domain) -> str:
    """Return the type of a variable in Brian2's words."""
    return "1" if domain == "float" else "integer"
