"""Energy: what the events of a run cost on a machine, a pure function with a ledger.

For every counter k that the machine has a price for, with n_k its count::

    E = sum_k n_k c_k        at the low, nominal and high cost

Inference (`dynamic`), learning and static energy are three numbers and are never added up. A
counter that rose but has no price, and a figure that its source gives as a minimum, make the
number a lower bound, which the report says in words.

What rests on these reports: `hebbgraph.energy.table` (many runs and machines, draws of costs,
ranks), ``sensitivity``, ``shares`` (per recall, per stored pattern), ``breakeven`` and ``stored``
(run folders). `hebbgraph.energy.measured` reads this computer's own counters and stands apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hebbgraph.counters import COUNTERS, LENGTHS, Counters
from hebbgraph.energy import ledger
from hebbgraph.energy.band import Band, format_energy
from hebbgraph.energy.latency import Latency, latency
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware import PLACEMENT_COUNTERS, Cost, Hardware, Power, load

if TYPE_CHECKING:
    from hebbgraph.placement import Placement, Traffic
    from hebbgraph.result import Result


@dataclass(frozen=True)
class Line:
    """One line of the ledger: a count times a cost."""

    #: Process path, or ``"run"`` for a counter of the run as a whole.
    where: str
    counter: str
    component: str
    count: int
    #: Joules per event.
    cost: Band
    #: Key of the source in the config, and its basis.
    source: str
    basis: str
    #: Whether the source gives the cost as a nominal, lower or upper figure.
    bound: str

    @property
    def product(self) -> Band:
        """Return count times cost, joules."""
        return self.cost * self.count


@dataclass(frozen=True)
class EnergyReport:
    """Energy of one run on one machine, joules, with everything it rests on."""

    hardware: str
    hardware_hash: str
    episodes: int
    #: Every count times cost; their sums are the totals below.
    ledger: tuple[Line, ...]
    #: Inference: all components but learning.
    dynamic: Band
    #: Learning, apart from inference.
    learning: Band
    #: Static power times modelled time; None where either is unknown, see `static_reason`.
    static: Band | None
    static_reason: str
    #: Modelled time; None where the machine gives no times.
    latency: Latency | None
    #: Counters that rose but have no price, with their counts.
    unpriced: Mapping[str, int]
    #: Priced events that only a placement can count.
    uncounted: tuple[str, ...]
    #: Why the total is a lower bound, in words; empty if it is not one.
    lower_bound_reasons: tuple[str, ...]
    #: Basis words of the dynamic and learning figures used, and of the static power.
    basis: tuple[str, ...]
    static_basis: tuple[str, ...]
    #: Why the energies are guesses, in words; empty where they rest on published figures.
    synthetic: str = ""
    #: Citations and addresses of the ledger's sources, by their keys.
    sources: Mapping[str, str] = field(default_factory=dict)
    #: Watts that are drawn whatever happens, by what draws them: ``chip`` or ``core``.
    powers: Mapping[str, Band] = field(default_factory=dict)

    @property
    def lower_bound(self) -> bool:
        """Return whether the true energy can only be higher than what is priced."""
        return bool(self.lower_bound_reasons)

    @property
    def components(self) -> dict[str, Band]:
        """Return the energy by component, learning among them, static not."""
        names = dict.fromkeys(line.component for line in self.ledger)
        return {
            name: Band.sum(line.product for line in self.ledger if line.component == name)
            for name in names
        }

    def per_episode(self, energy: Band | None) -> Band | None:
        """Return one of the energies divided by the episodes: per recall, per sample."""
        return None if energy is None else energy / max(self.episodes, 1)

    def __str__(self) -> str:
        least = "at least " if self.lower_bound else ""
        least = f"SYNTHETIC, {least}" if self.synthetic else least
        per = (self.dynamic / max(self.episodes, 1)).text("J")
        return f"{self.hardware}: {least}{per} per episode, dynamic ({', '.join(self.basis)})"

    def explain(self) -> str:
        """Return the ledger as text: every count x cost = product, and what is not in it."""
        return ledger.explain(self)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types, SI units."""
        return ledger.as_dict(self)


def energy(
    subject: Result | Counters,
    hardware: Hardware | str,
    placement: Placement | Traffic | None = None,
    *,
    allow_synthetic: bool = False,
) -> EnergyReport:
    """Return what the events of `subject` cost on `hardware` (a config, its name or its path).

    With a `placement` of the graph that ran (or the traffic counted on it) packets and hops are
    priced, and time is that of the busiest core of each step. Pure: the same counters, traffic and
    config give the same report. Raises `Invalid` for counts below 0, for faults of the config, for
    a placement on another machine or without its result, and for a config of guessed energies
    unless `allow_synthetic`.
    """
    config = load(hardware) if isinstance(hardware, str) else hardware
    refuse_synthetic([config], allow_synthetic)
    counters = subject if isinstance(subject, Counters) else subject.counters
    _refuse_negative(counters)
    sent = None if placement is None else _traffic(placement, subject, config)
    moved = sent.counts if sent else {}
    totals = counters.totals() | moved
    lines = tuple(
        line
        for counter, costs in config.costs.items()
        for cost in costs
        for line in _lines(counters, counter, cost, config, moved)
    )
    unpriced = {
        counter: totals[counter]
        for counter in (*COUNTERS, *(moved if config.mesh else ()))
        if totals[counter]
        and not (counter in LENGTHS or counter in config.costs or counter in config.covered)
    }
    sends = totals["spikes"] or totals["graded_events"]
    left = [c for c in PLACEMENT_COUNTERS if c in config.costs and c not in moved]
    uncounted = tuple(left) if sends else ()
    time = latency(counters, config, sent)
    static, reason = _static(config, time)
    return EnergyReport(
        hardware=config.name,
        hardware_hash=config.content_hash,
        episodes=counters.episodes,
        ledger=lines,
        dynamic=Band.sum(line.product for line in lines if line.component != "learning"),
        learning=Band.sum(line.product for line in lines if line.component == "learning"),
        static=static,
        static_reason=reason,
        latency=time,
        unpriced=unpriced,
        uncounted=uncounted,
        lower_bound_reasons=_lower_bound_reasons(lines, unpriced, uncounted),
        basis=tuple(sorted({line.basis for line in lines})),
        static_basis=tuple(
            dict.fromkeys(config.sources[p.source].basis for _, p in _powers(config))
        ),
        synthetic=config.synthetic,
        sources={
            key: config.sources[key].text for key in dict.fromkeys(line.source for line in lines)
        },
        powers={what: Band(p.low, p.value, p.high) for what, p in _powers(config)},
    )


def refuse_synthetic(configs: Iterable[Hardware], allowed: bool = False) -> None:
    """Raise `Invalid` with every config whose energies are guesses, unless they are `allowed`."""
    need = "must rest on figures that were published, measured or derived"
    remedy = "allow_synthetic=True, or --allow-synthetic, prices with it all the same"
    guessed = [] if allowed else [config for config in configs if config.synthetic]
    if guessed:
        faults = [Fault(f"hardware {c.name}", c.synthetic.strip(), need, remedy) for c in guessed]
        raise Invalid("prices", faults)


def _powers(config: Hardware) -> list[tuple[str, Power]]:
    """Return the powers drawn whatever happens, each with what draws it: ``chip`` or ``core``."""
    powers = (("chip", config.static), ("core", config.active_core))
    return [(what, power) for what, power in powers if power is not None]


def _traffic(
    placement: Placement | Traffic, subject: Result | Counters, config: Hardware
) -> Traffic:
    """Return what is sent; raises `Invalid` for another machine's placement, or without a run."""
    from hebbgraph.placement import Traffic, traffic  # counts what `energy` only prices

    if isinstance(placement, Traffic):
        return placement
    faults = []
    if not placement.suits(config):
        need = f"must be on {config.name}, whose cores hold or lie otherwise"
        got = f"a placement on {placement.hardware.name}"
        faults.append(Fault("placement", got, need, f"place the graph on {config.name}"))
    if isinstance(subject, Counters):
        need = "a placement counts packets from the result of a run"
        faults.append(Fault("subject", "counters", need, "give the result, or its traffic"))
    if faults or isinstance(subject, Counters):
        raise Invalid("energy", faults)
    return traffic(placement, subject)


def _lines(
    counters: Counters, counter: str, cost: Cost, config: Hardware, moved: Mapping[str, int]
) -> list[Line]:
    """Return the ledger's lines of one cost: by process, or one of the run; none where 0."""
    counts = {path: getattr(c, counter, 0) for path, c in counters.processes.items()}
    if hasattr(counters, counter):
        counts = {"run": counters.total(counter)}
    if counter in PLACEMENT_COUNTERS:
        counts = {"run": moved.get(counter, 0)}
    band = Band(cost.low, cost.value, cost.high)
    basis = config.sources[cost.source].basis
    return [
        Line(path, counter, cost.component, int(n), band, cost.source, basis, cost.bound)
        for path, n in counts.items()
        if n
    ]


def _static(config: Hardware, time: Latency | None) -> tuple[Band | None, str]:
    """Return static power times modelled time, or None, and the reason or what it rests on."""
    if not _powers(config):
        return None, config.absent.get("static", f"{config.name} gives no static power")
    if time is None:
        return None, config.absent.get("timing", f"{config.name} gives no times")
    t, held = time.time, {"chip": time.chips, "core": time.cores}
    bands = [
        Band(p.low * t.low, p.value * t.nominal, p.high * t.high) * held[what]
        for what, p in _powers(config)
    ]
    drawn = " and ".join(
        f"{held[what]} {what}{'s' if held[what] != 1 else ''}{' in use' * (what == 'core')}"
        for what, _ in _powers(config)
    )
    return Band.sum(bands), f"static power of {drawn} during the modelled time"


def _lower_bound_reasons(
    lines: tuple[Line, ...], unpriced: Mapping[str, int], uncounted: tuple[str, ...]
) -> tuple[str, ...]:
    reasons: list[str] = []
    if unpriced:
        listed = ", ".join(f"{counter} ({n:,})" for counter, n in unpriced.items())
        reasons.append(f"no price for {listed}")
    if uncounted:
        reasons.append(f"without a placement, {', '.join(uncounted)} are not counted")
    least = dict.fromkeys(line.counter for line in lines if line.bound == "lower")
    if least:
        reasons.append(f"the costs of {', '.join(least)} are minima")
    return tuple(reasons)


def _refuse_negative(counters: Counters) -> None:
    faults: list[Fault] = []
    document = counters.as_dict()
    for path, counts in {"run": document["run"], **document["processes"]}.items():
        faults += [
            Fault(f"counters.{path}.{name}", str(n), "must be 0 or more")
            for name, n in counts.items()
            if n < 0
        ]
    if faults:
        raise Invalid("counters", faults)


__all__ = ["EnergyReport", "Line", "energy", "format_energy", "refuse_synthetic"]
