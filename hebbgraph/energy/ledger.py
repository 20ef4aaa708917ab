"""The ledger of an energy report as text and as JSON types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hebbgraph.energy.band import Band

if TYPE_CHECKING:
    from hebbgraph.energy import EnergyReport, Line

#: Joules of the unit in which the ledger is written, so that its lines add up as they stand.
PICO = 1e-12


def explain(report: EnergyReport) -> str:
    """Return every count x cost = product in pJ (nominal, range in brackets), and what is left out.

    Costs and products are written with the digits they have, so that the sums can be redone by
    hand; how far they can be trusted is what the range and the basis say.
    """
    lines = [f"{report.hardware} ({report.hardware_hash[:12]}), {report.episodes} episodes"]
    if report.synthetic:
        lines += [f"SYNTHETIC: {report.synthetic.strip()}"]
    for title, total in (("dynamic", report.dynamic), ("learning", report.learning)):
        rows = [
            _row(r) for r in report.ledger if (r.component == "learning") == (title != "dynamic")
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        if not rows:
            lines += [f"{title}: no priced events"]
            continue
        lines += [f"{title}:", *("  " + _aligned(row, widths) for row in rows)]
        lines += [f"  sum = {_pico(total.nominal)} pJ = {total.text('J')}"]
        lines += [f"  per episode {(total / max(report.episodes, 1)).text('J')}"]
    lines += _static(report)
    if report.latency:
        lines += [f"time: {report.latency.time.text('s')}, {report.latency.words}"]
    lines += [f"lower bound: {reason}" for reason in report.lower_bound_reasons]
    lines += [f"source {key}: {cite}" for key, cite in report.sources.items()]
    return "\n".join(lines)


def _static(report: EnergyReport) -> list[str]:
    """Return the static energy, power by power: number x watts x seconds = joules."""
    if not report.static or not report.latency:
        return [f"static: unknown, {report.static_reason}"]
    time = report.latency
    basis = f" ({', '.join(report.static_basis)})" if report.static_basis else ""
    lines = [f"static: {report.static.text('J')}, {report.static_reason}{basis}"]
    for what, power in report.powers.items():
        n, t = time.chips if what == "chip" else time.cores, time.time.nominal
        joules = n * power.nominal * t
        lines += [f"  {n} {what} x {power.nominal:.12g} W x {t:.12g} s = {joules:.12g} J"]
    return lines


def _row(line: Line) -> tuple[str, ...]:
    cost = line.cost
    span = f"[{_pico(cost.low)} to {_pico(cost.high)}]"
    price = f"{_pico(cost.nominal)} pJ {span}"
    product = f"{_pico(line.product.nominal)} pJ"
    origin = f"{line.component}; {line.source}, {line.basis}"
    return f"{line.where} {line.counter}", f"{line.count:,}", "x", price, "=", product, origin


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.rjust(width) if place in (1, 5) else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _pico(joules: float) -> str:
    return f"{joules / PICO:,.12g}"


def as_dict(report: EnergyReport) -> dict[str, Any]:
    """Return the report in JSON types, joules and seconds."""

    def band(value: Band | None) -> dict[str, float] | None:
        return None if value is None else value.as_dict()

    time = report.latency
    return {
        "hardware": report.hardware,
        "hardware_hash": report.hardware_hash,
        "episodes": report.episodes,
        "dynamic": band(report.dynamic),
        "dynamic_per_episode": band(report.per_episode(report.dynamic)),
        "learning": band(report.learning),
        "learning_per_episode": band(report.per_episode(report.learning)),
        "static": band(report.static),
        "static_per_episode": band(report.per_episode(report.static)),
        "static_reason": report.static_reason,
        "static_basis": list(report.static_basis),
        "components": {name: value.as_dict() for name, value in report.components.items()},
        "latency": None
        if time is None
        else {
            "seconds": time.time.as_dict(),
            "cores": time.cores,
            "chips": time.chips,
            "words": time.words,
        },
        "unpriced": dict(report.unpriced),
        "uncounted": list(report.uncounted),
        "lower_bound": report.lower_bound,
        "lower_bound_reasons": list(report.lower_bound_reasons),
        "basis": list(report.basis),
        "synthetic": report.synthetic.strip(),
        "sources": dict(report.sources),
        "ledger": [
            {
                "where": line.where,
                "counter": line.counter,
                "component": line.component,
                "count": line.count,
                "cost": line.cost.as_dict(),
                "unit": "J",
                "product": line.product.as_dict(),
                "source": line.source,
                "basis": line.basis,
                "bound": line.bound,
            }
            for line in report.ledger
        ],
    }
