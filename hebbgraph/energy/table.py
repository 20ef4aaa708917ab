"""energy_table: many runs priced on many machines at once, with their uncertainty.

Every figure of every machine is drawn `samples` times (`hebbgraph.energy.uncertainty`), the same
draws for all runs, and all runs are priced with all draws in one product::

    E[run, group, sample] = sum_figure n[run, figure] member[group, figure] c[figure, sample]

a group being one component of one machine. Figures of one source rise and fall together, on every
machine that quotes it, because what is wrong with a source (voltage, fit, process) is wrong with
all of its figures; ``independent=True`` draws each for itself, which gives narrower totals.
Modelled time is drawn once a machine, and static energy follows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.counters import Counters
from hebbgraph.energy import EnergyReport, Line, energy, refuse_synthetic
from hebbgraph.energy.band import Band
from hebbgraph.energy.uncertainty import deviations, spread
from hebbgraph.errors import Fault, Invalid
from hebbgraph.hardware import Hardware, load, priceable

if TYPE_CHECKING:
    from hebbgraph.result import Result

#: What a run is priced for; `total` is what of the others is known.
TOTALS = ("dynamic", "learning", "static", "total")
#: Quantiles of the draws that are reported.
QUANTILES = (0.05, 0.5, 0.95)
#: Runs multiplied at once, so that memory stays bounded.
BLOCK = 64
#: Most draws: beyond, quantiles hold more digits than costs do.
MOST = 1_000_000


@dataclass(frozen=True)
class Spread:
    """An energy or time: all costs low, nominal, high, and quantiles of the draws."""

    band: Band
    #: By the names of `QUANTILES`.
    quantiles: tuple[float, ...]

    def as_dict(self) -> dict[str, float]:
        """Return JSON types."""
        names = (f"q{100 * q:02.0f}" for q in QUANTILES)
        return {**self.band.as_dict(), **dict(zip(names, self.quantiles, strict=True))}


@dataclass(frozen=True, eq=False)
class EnergyTable:
    """Runs x machines, priced; arrays end in (run, machine, sample), joules and seconds."""

    runs: tuple[str, ...]
    machines: tuple[str, ...]
    #: By run, then machine: ledger, totals, what is not priced.
    reports: tuple[tuple[EnergyReport, ...], ...]
    #: Draws by the names of `TOTALS`; static is NaN where it is not known.
    samples: Mapping[str, NDArray[np.float64]]
    #: Draws of the modelled time; NaN where it is not known.
    time: NDArray[np.float64]
    #: Quantiles by component, (quantile, run, machine).
    components: Mapping[str, NDArray[np.float64]]

    def report(self, run: str, machine: str) -> EnergyReport:
        """Return one run on one machine; raises `Invalid` on a name that is not in the table."""
        n, h = self._place(run, machine)
        return self.reports[n][h]

    def total(self, run: str, machine: str, what: str = "dynamic") -> Spread | None:
        """Return one of `TOTALS`, or None where it is not known."""
        n, h = self._place(run, machine)
        drawn = self._drawn(what)[n, h]
        band = _band(self.reports[n][h], what)
        return None if band is None else Spread(band, _quantiles(drawn))

    def component(self, run: str, machine: str, name: str) -> Spread:
        """Return one component, such as ``synapse``."""
        n, h = self._place(run, machine)
        band = self.reports[n][h].components.get(name, Band())
        return Spread(band, tuple(float(q) for q in self.components[name][:, n, h]))

    def edp(self, run: str, machine: str) -> Spread | None:
        """Return E x t per episode, J s, with E the total; None where there is no time."""
        n, h = self._place(run, machine)
        report = self.reports[n][h]
        energy_, time = _band(report, "total"), report.latency
        if time is None or energy_ is None:
            return None
        episodes = max(report.episodes, 1)
        t, per = time.time, float(episodes) ** 2
        band = Band(
            energy_.low * t.low / per,
            energy_.nominal * t.nominal / per,
            energy_.high * t.high / per,
        )
        drawn = self.samples["total"][n, h] * self.time[n, h] / per
        return Spread(band, _quantiles(drawn))

    def cheaper(self, one: tuple[str, str], other: tuple[str, str], what: str = "dynamic") -> float:
        """Return the probability that (run, machine) `one` costs less per episode than `other`.

        Both are priced with the same draws; a tie counts half. NaN where either is not known.
        """
        (a, m), (b, n) = self._place(*one), self._place(*other)
        drawn = self._drawn(what)
        first = drawn[a, m] / max(self.reports[a][m].episodes, 1)
        second = drawn[b, n] / max(self.reports[b][n].episodes, 1)
        if np.isnan(first).any() or np.isnan(second).any():
            return float("nan")
        return float((first < second).mean() + 0.5 * (first == second).mean())

    def ranks(self, machine: str, what: str = "dynamic") -> NDArray[np.float64]:
        """Return P[i, j], the probability that run i costs less than run j on one machine."""
        pairs = [
            [self.cheaper((i, machine), (j, machine), what) for j in self.runs] for i in self.runs
        ]
        return np.array(pairs)

    @cached_property
    def lower_bounds(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return by run and machine why the energy is a lower bound, where it is one."""
        return {
            (run, machine): report.lower_bound_reasons
            for run, row in zip(self.runs, self.reports, strict=True)
            for machine, report in zip(self.machines, row, strict=True)
            if report.lower_bound
        }

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types: per run and machine totals, components, time, what is not priced."""
        return {
            run: {machine: self._entry(run, machine) for machine in self.machines}
            for run in self.runs
        }

    def _entry(self, run: str, machine: str) -> dict[str, Any]:
        report = self.report(run, machine)
        totals = {what: self.total(run, machine, what) for what in TOTALS}
        edp = self.edp(run, machine)
        return {
            "hardware_hash": report.hardware_hash,
            "episodes": report.episodes,
            **{what: found.as_dict() if found else None for what, found in totals.items()},
            "components": {
                name: self.component(run, machine, name).as_dict() for name in report.components
            },
            "seconds": report.latency.time.as_dict() if report.latency else None,
            "edp_per_episode": edp.as_dict() if edp else None,
            "basis": list(report.basis),
            "synthetic": report.synthetic.strip(),
            "unpriced": dict(report.unpriced),
            "lower_bound_reasons": list(report.lower_bound_reasons),
        }

    def _place(self, run: str, machine: str) -> tuple[int, int]:
        faults = [
            Fault(kind, repr(name), f"must be one of {', '.join(known)}")
            for kind, name, known in (("run", run, self.runs), ("machine", machine, self.machines))
            if name not in known
        ]
        if faults:
            raise Invalid("energy table", faults)
        return self.runs.index(run), self.machines.index(machine)

    def _drawn(self, what: str) -> NDArray[np.float64]:
        if what not in self.samples:
            fault = Fault("total", repr(what), f"must be one of {', '.join(TOTALS)}")
            raise Invalid("energy table", [fault])
        return self.samples[what]


def energy_table(
    runs: Mapping[str, Result | Counters] | Result | Counters,
    hardware: Sequence[Hardware | str] | None = None,
    *,
    samples: int = 1000,
    seed: int = 0,
    independent: bool = False,
    allow_synthetic: bool = False,
) -> EnergyTable:
    """Return what `runs` (by name) cost on every machine, by default on all that are no guesses.

    Nothing runs: stored counters are priced. Raises `Invalid` with the faults of runs and machines.
    """
    named = runs if isinstance(runs, Mapping) else {"run": runs}
    chosen = priceable() if hardware is None else hardware
    machines = [load(m) if isinstance(m, str) else m for m in chosen]
    refuse_synthetic(machines, allow_synthetic)
    reports = {
        name: [energy(run, machine, allow_synthetic=True) for machine in machines]
        for name, run in named.items()
    }
    return table_of(reports, samples=samples, seed=seed, independent=independent)


def table_of(
    reports: Mapping[str, Sequence[EnergyReport]],
    *,
    samples: int = 1000,
    seed: int = 0,
    independent: bool = False,
) -> EnergyTable:
    """Return the table of runs that are priced already, one report for each machine, in one order.

    Such reports may rest on a placement, and so count packets and hops.
    """
    rows = [tuple(row) for row in reports.values()]
    machines = tuple(report.hardware for report in rows[0]) if rows else ()
    _check(reports, machines, samples)
    z = _Draws(samples, seed, independent)
    figures = list(dict.fromkeys(_key(line, r) for row in rows for r in row for line in r.ledger))
    at = {key: place for place, key in enumerate(figures)}
    counts = np.zeros((len(rows), len(figures)))
    for n, row in enumerate(rows):
        for report in row:
            for line in report.ledger:
                counts[n, at[_key(line, report)]] += line.count
    groups = list(dict.fromkeys((figure.machine, figure.component) for figure in figures))
    member = np.array(
        [[(f.machine, f.component) == group for f in figures] for group in groups], dtype=float
    ).reshape(len(groups), len(figures))
    by_group = _priced(counts, member, z.costs(figures))
    shape = (len(rows), len(machines), samples)
    totals = {name: np.zeros(shape) for name in ("dynamic", "learning")}
    names = dict.fromkeys(component for _, component in groups)
    components = {name: np.zeros((len(QUANTILES), *shape[:2])) for name in names}
    for g, (machine, component) in enumerate(groups):
        h, drawn = machines.index(machine), by_group[:, g]
        totals["learning" if component == "learning" else "dynamic"][:, h] += drawn
        components[component][:, :, h] = np.quantile(drawn, QUANTILES, axis=-1)
    time = z.bands([[r.latency.time if r.latency else None for r in row] for row in rows], machines)
    static = z.bands([[r.static for r in row] for row in rows], machines)
    totals["static"] = static
    totals["total"] = totals["dynamic"] + totals["learning"] + np.nan_to_num(static)
    return EnergyTable(tuple(reports), machines, tuple(rows), totals, time, components)


@dataclass(frozen=True)
class _Figure:
    """One cost of one machine."""

    machine: str
    counter: str
    component: str
    cost: Band
    #: What its source is: its address, or the words by which it is cited.
    source: str


class _Draws:
    """Deviations from the nominal figures, by source."""

    def __init__(self, samples: int, seed: int, independent: bool) -> None:
        self.samples, self.seed, self.independent = samples, seed, independent

    def costs(self, figures: Sequence[_Figure]) -> NDArray[np.float64]:
        """Return joules per event, (figures, samples)."""
        names = [
            f"{f.source}\0{f.counter}\0{f.component}" if self.independent else f.source
            for f in figures
        ]
        z = deviations(names, self.samples, self.seed)
        ends = np.array([(f.cost.low, f.cost.nominal, f.cost.high) for f in figures])
        low, nominal, high = ends.reshape(-1, 3).T[:, :, np.newaxis]
        return spread(low, nominal, high, z)

    def bands(
        self, bands: Sequence[Sequence[Band | None]], machines: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return draws of what is known by run and machine; variants of a machine move alike."""
        names = [f"time of {machine.partition('@')[0]}" for machine in machines]
        z = deviations(names, self.samples, self.seed)
        none = (np.nan,) * 3
        ends = np.array(
            [[(b.low, b.nominal, b.high) if b else none for b in row] for row in bands]
        ).reshape(len(bands), len(machines), 3, 1)
        drawn = spread(ends[:, :, 0], ends[:, :, 1], ends[:, :, 2], z[np.newaxis])
        return np.where(np.isnan(ends[:, :, 1]), np.nan, drawn)


def _priced(
    counts: NDArray[np.float64], member: NDArray[np.float64], costs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return E[run, group, sample], see the module."""
    blocks = [
        np.einsum("nf,gf,fs->ngs", counts[start : start + BLOCK], member, costs, optimize=True)
        for start in range(0, len(counts), BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.zeros((0, len(member), costs.shape[1]))


def _key(line: Line, report: EnergyReport) -> _Figure:
    cite = report.sources.get(line.source, line.source)
    address = cite.rpartition(", ")[2]
    source = address if address.startswith(("doi:", "http")) else cite
    return _Figure(report.hardware, line.counter, line.component, line.cost, source)


def _band(report: EnergyReport, what: str) -> Band | None:
    if what == "total":
        known = (report.dynamic, report.learning, report.static)
        return Band.sum(band for band in known if band is not None)
    found: Band | None = getattr(report, what)
    return found


def _quantiles(drawn: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(q) for q in np.quantile(drawn, QUANTILES))


def _check(
    reports: Mapping[str, Sequence[EnergyReport]], machines: tuple[str, ...], samples: int
) -> None:
    faults = list(whole_faults("samples", samples, 1, MOST))
    if not reports:
        faults.append(Fault("runs", "none", "must be at least one"))
    if len(set(machines)) < len(machines):
        faults.append(Fault("hardware", ", ".join(machines), "must name each machine once"))
    for name, row in reports.items():
        own = tuple(report.hardware for report in row)
        if own != machines:
            need = f"must be priced on the machines of the others: {', '.join(machines)}"
            faults.append(Fault(f"run {name}", ", ".join(own) or "none", need))
    if faults:
        raise Invalid("energy table", faults)
