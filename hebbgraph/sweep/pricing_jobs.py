"""pricing_jobs: placements and prices made by the workers, for sweeps of the architecture.

A worker gets the spec, the folder of the results and some points, and gives back the reports of
`hebbgraph.sweep.pricing` as JSON. Numbers come through exactly, so it does not matter who prices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from hebbgraph.energy import EnergyReport, Line
from hebbgraph.energy.band import Band
from hebbgraph.energy.latency import Latency
from hebbgraph.sweep.execute import Teller
from hebbgraph.sweep.executors import Pool
from hebbgraph.sweep.jobs import Point
from hebbgraph.sweep.journal import Journal
from hebbgraph.sweep.planning import Plan, plan
from hebbgraph.sweep.pricing import Placed, Priced, Pricer
from hebbgraph.sweep.spec import parse

#: Portions for each slot, so that none waits long for the last.
PORTIONS = 4
#: Fewer runs than this are priced at once, without workers.
FEW = 8


def priced_on(
    pool: Pool,
    made: Plan,
    groups: Sequence[Sequence[Point]],
    journal: Journal,
    progress: Teller | None = None,
) -> dict[str, dict[str, Priced]]:
    """Return the prices of points by their key, those of one run in one group.

    Points of a portion that a worker could not price are left out.
    """
    if len(groups) < FEW:
        return {}
    shares = min(len(groups), PORTIONS * pool.slots)
    spec = made.spec.model_dump(mode="json")
    futures = []
    for number in range(shares):
        points = [point for group in groups[number::shares] for point in group]
        asked = [[point.subject, dict(point.at)] for point in points]
        work = {"kind": "price", "spec": spec, "folder": str(journal.folder), "points": asked}
        batch = [{"key": f"price {number}", "work": work, "keep": False}]
        futures.append((points, pool.submit(batch, made.spec.time_limit)))
    found: dict[str, dict[str, Priced]] = {}
    for points, future in futures:
        for record in future.result():
            for point, prices in zip(points, record.get("priced", ()), strict=False):
                found[point.key] = {name: _priced(held) for name, held in prices.items()}
        if progress is not None:
            total = sum(map(len, groups))
            progress(len(found), total, f"{made.spec.name} prices, {len(found)} points")
    return found


def answer(work: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the prices of the points of a job by machine, JSON types."""
    made = _plan(json.dumps(work["spec"], sort_keys=False))
    spaces = {space.name: space for space in made.spaces}
    pricer = Pricer(made, Journal(work["folder"], write=False))
    found = []
    for name, at in work["points"]:
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in at.items()}
        prices = pricer.point(made.point(spaces[name], plain))
        found.append({machine: _as_dict(priced) for machine, priced in prices.items()})
    return found


@lru_cache(maxsize=1)
def _plan(text: str) -> Plan:
    spec, source = parse(json.loads(text))
    return plan(spec, source, expand=False)


def _as_dict(priced: Priced) -> dict[str, Any]:
    placed = [replace(one, traffic=None) for one in priced.placed]
    return {
        "report": asdict(priced.report),
        "placed": [asdict(one) for one in placed],
        "training": asdict(priced.training) if priced.training else None,
        "per_seed": list(priced.per_seed),
    }


def _priced(held: Mapping[str, Any]) -> Priced:
    training = held["training"]
    return Priced(
        _report(held["report"]),
        tuple(Placed(**one) for one in held["placed"]),
        _report(training) if training else None,
        tuple(held["per_seed"]),
    )


def _report(held: Mapping[str, Any]) -> EnergyReport:
    """Return the report that `dataclasses.asdict` took apart."""
    given = dict(held)
    given["ledger"] = tuple(
        Line(**{**line, "cost": Band(**line["cost"])}) for line in held["ledger"]
    )
    for name in ("dynamic", "learning", "static"):
        given[name] = None if held[name] is None else Band(**held[name])
    time = held["latency"]
    given["latency"] = None if time is None else Latency(**{**time, "time": Band(**time["time"])})
    for name in ("uncounted", "lower_bound_reasons", "basis", "static_basis"):
        given[name] = tuple(held[name])
    given["powers"] = {name: Band(**band) for name, band in held["powers"].items()}
    return EnergyReport(**given)
