"""Placement: which units go to which core, where the core lies, and what it then holds.

The accounting, which any mapper must obey (`Placement.overruns` says where it is not):

- *units*: every unit of a population takes one neuron of its core;
- *synaptic memory*: synapses lie in the core of the unit they end at, all those of one axon
  together (`hebbgraph.placement.memory`), in the cheaper of a dense and a sparse format;
- *incoming axons*: a core needs one for each (connection into synapses, sending unit) of which it
  holds a synapse, axons of plastic synapses take more places;
- *outgoing axons*: each of them is also an outgoing axon of the core that hosts the sending unit.

This is the accounting of nengo-loihi's block.py. What comes from outside takes incoming axons
only. The objective is packets: one for every spike and core that it goes to, the connectivity of
the hypergraph whose nodes are units and whose edges are senders. `place` fills cores with all four
limits checked at every unit, and `traffic` counts what a run then sends.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.placement.fill import Fill, by_overlap, in_order, sequential, worth_searching
from hebbgraph.placement.homes import on_host
from hebbgraph.placement.loads import LOADS, UNLIMITED, Load, limits_of
from hebbgraph.placement.mesh import Layout, arranged
from hebbgraph.placement.problem import Counts, Piece, Problem, Reach
from hebbgraph.placement.traffic import Traffic, spike_counts, traffic

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware
    from hebbgraph.result import Result

#: How cores are filled: in sequence, by shared axons, by Mt-KaHyPar; the better of the first two.
Method = Literal["auto", "sequential", "overlap", "mtkahypar"]
METHODS: tuple[Method, ...] = get_args(Method)
#: How often populations are cut anew, with what is known about outgoing axons.
ATTEMPTS = 64


@dataclass(frozen=True)
class Share:
    """Units of one population on one core."""

    path: str
    #: Their numbers, ascending.
    units: tuple[int, ...]
    core: int
    load: Load
    #: What ended it, a field of `Load`; empty where the population itself ended.
    bound: str = ""


@dataclass(frozen=True)
class Overrun:
    """A limit that one core exceeds, and by which population most."""

    core: int
    path: str
    #: A field of `Load`.
    what: str
    got: int
    limit: int


@dataclass(frozen=True)
class Placement:
    """Shares of populations by core, what each core holds, and where a limit is exceeded."""

    shares: tuple[Share, ...]
    cores: tuple[Load, ...]
    #: The place of every core on the chips, see `Layout`.
    places: tuple[int, ...]
    #: How the cores were filled.
    method: str
    overruns: tuple[Overrun, ...] = ()
    #: What was placed: the graph, the machine, the processes left to a host.
    graph: Graph = field(kw_only=True, compare=False, repr=False)
    hardware: Hardware = field(kw_only=True, compare=False, repr=False)
    host: frozenset[str] = field(kw_only=True, compare=False, repr=False)

    def of(self, path: str) -> tuple[Share, ...]:
        """Return the shares of one population, by core."""
        return tuple(found for found in self.shares if found.path == path)

    def core_of(self, path: str) -> NDArray[np.int64]:
        """Return the core of every unit of one population."""
        found = self.of(path)
        cores = np.zeros(sum(len(share.units) for share in found), np.int64)
        for share in found:
            cores[list(share.units)] = share.core
        return cores

    def chips(self, cores_per_chip: int) -> int:
        """Return how many chips the cores fill."""
        return -(-len(self.cores) // cores_per_chip)

    @property
    def layout(self) -> Layout | None:
        """Return where the places lie, None if the machine's mesh is not known."""
        return Layout.of(self.hardware)

    def problem(self, spikes: Counts | None = None) -> Problem:
        """Return what was placed, with the accounting of it."""
        return Problem(self.graph, self.hardware, self.host, spikes or {})

    def suits(self, hardware: Hardware) -> bool:
        """Return whether cores of `hardware` hold as much, and lie, as those placed on."""
        own, other = (_shape(machine) for machine in (self.hardware, hardware))
        return own == other

    def reach(self) -> Reach:
        """Return how many packets a spike of each sender is to each core: (cores, units)."""
        problem = self.problem()
        heard = [problem.hearing(share.path, share.units) for share in self.shares]
        return problem.reach(
            [
                Piece(share.path, share.core, np.array(share.units), share.load, "", axons)
                for share, axons in zip(self.shares, heard, strict=True)
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        limits = limits_of(self.hardware)
        layout = self.layout
        cores = []
        for core, (load, place_) in enumerate(zip(self.cores, self.places, strict=True)):
            at = np.array([place_])
            where = {"chip": int(layout.chip(at)[0])} if layout else {}
            if layout:
                where |= {"column": int(layout.columns(at)[0]) % layout.width}
                where |= {"row": int(layout.rows(at)[0])}
            cores.append({"core": core, "place": place_, **where, **asdict(load)})
        return {
            "graph": self.graph.name,
            "hardware": self.hardware.name,
            "method": self.method,
            "host": sorted(self.host),
            "limits": {k: None if v == UNLIMITED else v for k, v in asdict(limits).items()},
            "cores": cores,
            "shares": [asdict(share) for share in self.shares],
            "overruns": [asdict(found) for found in self.overruns],
        }

    def require_fit(self, chips: int | None = None) -> Placement:
        """Return this placement; raises `Invalid` naming every limit that it exceeds.

        `chips` is how many there are; any number without it.
        """
        faults = [
            Fault(
                f"{found.path} on core {found.core}",
                f"{WORDS[found.what][0]} {found.got:,}",
                f"a core of {self.hardware.name} holds {found.limit:,}",
                WORDS[found.what][1],
            )
            for found in self.overruns
        ]
        per_chip = self.hardware.limits.cores if self.hardware.limits else None
        if chips is not None and per_chip and len(self.cores) > chips * per_chip:
            need = f"{chips} chip{'s' if chips != 1 else ''} of {self.hardware.name} have"
            need += f" {chips * per_chip:,}"
            remedy = f"take {self.chips(per_chip)} chips, or make it smaller"
            faults.append(Fault(self.graph.name, f"{len(self.cores):,} cores", need, remedy))
        if faults:
            raise Invalid("placement", faults)
        return self


def _shape(hardware: Hardware) -> list[Any]:
    """Return limits, memory and mesh of a machine without where they come from."""
    sections = (hardware.limits, hardware.synaptic_memory, hardware.mesh)
    apart = {"source", "note"}
    return [section and section.model_dump(exclude=apart) for section in sections]


#: What the loads of a core are called, and what to do where one is too large.
WORDS = {
    "units": ("neurons", "use fewer units"),
    "synaptic_bits": ("synaptic memory", "use narrower or sparser weights, or fewer units"),
    "axons_in": ("axons in", "let each unit hear fewer others (split its fan-in)"),
    "axons_out": ("axons out", "let each unit reach fewer cores (sparser synapses)"),
}


def place(
    graph: Graph,
    hardware: Hardware,
    host: Collection[str] | None = None,
    *,
    result: Result | None = None,
    method: Method = "auto",
    seed: int = 0,
) -> Placement:
    """Return the units of `graph` placed on cores of `hardware`.

    `host` names processes that are not on the chip; without it those that the machine cannot
    compute. Packets are weighted by the spikes of `result`, else each sender counts alike. Cores
    are numbered from 0, chip after chip; there may be more than one chip has. What does not fit
    any core is placed all the same and listed in ``overruns``, see `Placement.require_fit`. The
    same arguments give the same placement; only ``"mtkahypar"`` reads `seed`.

    Raises `Invalid` for bad arguments, `Unavailable` where Mt-KaHyPar is not installed.
    """
    faults = whole_faults("seed", seed, 0, 2**31 - 1)
    if method not in METHODS:
        faults.append(Fault("method", repr(method), f"must be one of: {', '.join(METHODS)}"))
    if faults:
        raise Invalid("placement", faults)
    left = on_host(graph, hardware) if host is None else frozenset(host)
    spikes = {} if result is None else spike_counts(graph, result)
    problem = Problem(graph, hardware, left, spikes)
    tried = [("sequential", _settled(problem, sequential))]
    if method == "overlap" or (method != "sequential" and worth_searching(problem)):
        tried.append(("overlap", _settled(problem, by_overlap)))
    if method == "mtkahypar":
        _, best = min(tried, key=lambda found: _quality(problem, found[1]))
        tried += _partitions(problem, best, seed)
    kept = [found for found in tried if method in ("auto", found[0])]
    name, pieces = min(kept, key=lambda found: _quality(problem, found[1]))
    return _placement(problem, pieces, name)


def _partitions(problem: Problem, pieces: list[Piece], seed: int) -> list[tuple[str, list[Piece]]]:
    """Return what Mt-KaHyPar makes of as many blocks as cores are needed, and of some more."""
    from hebbgraph.placement.partition import partitioned  # an option

    cores = 1 + max((piece.core for piece in pieces), default=-1)
    return [
        ("mtkahypar", _settled(problem, in_order(partitioned(problem, blocks, pieces, seed))))
        for blocks in (cores, cores + max(1, cores // 8))
    ]


def _settled(problem: Problem, fill: Fill) -> list[Piece]:
    """Return cores filled anew until the outgoing axons are those that it was filled for.

    How many cores a unit reaches is known once there is a placement.
    """
    known = {path: np.zeros(size, np.int64) for path, size in problem.sizes.items()}
    best: list[Piece] = []
    least = -1
    for _ in range(ATTEMPTS):
        pieces = fill(problem, known)
        sent = problem.sent(pieces)
        most = _most(pieces, sent)
        if least < 0 or most < least:
            best, least = pieces, most
        more = {path: np.maximum(known[path], counts) for path, counts in sent.items()}
        if least <= problem.limit.axons_out or all((more[p] == known[p]).all() for p in more):
            break
        known = more
    return best


def _most(pieces: list[Piece], sent: Counts) -> int:
    """Return the most outgoing axons that a core has."""
    total = np.zeros(1 + max((piece.core for piece in pieces), default=0), np.int64)
    for piece in pieces:
        total[piece.core] += sent[piece.path][piece.units].sum()
    return int(total.max())


def _quality(problem: Problem, pieces: list[Piece]) -> tuple[float, ...]:
    """Return what is to be low: limits exceeded, chips, packets, cores."""
    _, cores = _loads(problem, pieces)
    over = sum(len(load.over(problem.limit)) for load in cores)
    per_chip = (problem.hardware.limits.cores if problem.hardware.limits else None) or len(cores)
    chips = -(-len(cores) // max(1, per_chip))
    return over, chips, problem.packets(pieces), len(cores)


def _loads(problem: Problem, pieces: list[Piece]) -> tuple[list[Load], list[Load]]:
    """Return what each piece and each core holds, with the outgoing axons there are in the end."""
    sent = problem.sent(pieces)
    each = []
    cores = [Load() for _ in range(1 + max((piece.core for piece in pieces), default=-1))]
    for piece in pieces:
        each.append(replace(piece.load, axons_out=int(sent[piece.path][piece.units].sum())))
        cores[piece.core] = cores[piece.core] + each[-1]
    return each, cores


def _placement(problem: Problem, pieces: list[Piece], method: str) -> Placement:
    each, cores = _loads(problem, pieces)
    shares = [
        Share(piece.path, tuple(piece.units.tolist()), piece.core, load, piece.bound)
        for piece, load in zip(pieces, each, strict=True)
    ]
    overruns = []
    for core, load in enumerate(cores):
        for what in load.over(problem.limit):
            here = [share for share in shares if share.core == core]
            worst = max(here, key=lambda share: int(getattr(share.load, what)))
            got, most = getattr(load, what), getattr(problem.limit, what)
            overruns.append(Overrun(core, worst.path, what, got, most))
    places = arranged(problem, pieces)
    parts = {"graph": problem.graph, "hardware": problem.hardware, "host": problem.host}
    return Placement(
        tuple(shares),
        tuple(cores),
        places,
        method,
        tuple(overruns),
        **parts,  # type: ignore[arg-type]
    )


__all__ = [
    "LOADS",
    "METHODS",
    "UNLIMITED",
    "WORDS",
    "Layout",
    "Load",
    "Overrun",
    "Placement",
    "Share",
    "Traffic",
    "limits_of",
    "place",
    "traffic",
]
