"""recall: what a job of a memory does: build, prune, compile, recall, measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from hebbgraph import metrics
from hebbgraph.counters import added
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.hardware import load
from hebbgraph.harness.measure import cost_metrics, information, state_metrics
from hebbgraph.harness.sweep import BATCH
from hebbgraph.harness.trial import Trial, trial
from hebbgraph.sweep.jobs import MACHINE
from hebbgraph.sweep.outcome import Outcome, merged
from hebbgraph.sweep.prune import pruned_family
from hebbgraph.sweep.variants import with_numerics


def trial_of(work: Mapping[str, Any]) -> Trial:
    """Return the trial of a job; raises `Invalid` with every fault that needs no network."""
    base = trial(str(work["model"]))
    parameters = {**base.parameters, **work["parameters"]}
    base = replace(base, parameters=parameters)
    base.require(work["parameters"])
    made = base.turned(work["trial"])
    faults = made.faults()
    if work["numerics"] and made.domain != "fixed":
        need = "must be fixed where widths of the chip's integers are set"
        faults.append(Fault("domain", repr(made.domain), need, "add `domain: fixed` to settings"))
    if faults:
        raise Invalid("trial", faults)
    machine = with_numerics(load(MACHINE), work["numerics"]) if work["numerics"] else None
    return made if machine is None else replace(made, hardware=machine)


def run(work: Mapping[str, Any], *, keep: bool = False) -> Outcome:
    """Return what the recalls of one network gave; with `keep`, its graph and activity too."""
    one, seed = trial_of(work), int(work["seed"])
    patterns, rows = one.stored(seed)
    family = pruned_family(one.bound(seed), float(work["prune"]), seed, ())
    cues, targets = one.cues(patterns, seed), one.targets()
    results, states = [], []
    engine = one.engine()
    with engine.compile(family, patterns) as program:
        for start in range(0, len(cues), BATCH):
            shown = cues[start : start + BATCH]
            found, result = engine.recall(family, program, shown, one.steps, first_episode=start)
            states.append(found)
            results.append(result)
        graph: Graph = program.source
    labels = None
    if one.data is not None and one.data.labels is not None and rows is not None:
        labels = one.data.labels[rows]
    every = np.concatenate(states)
    values = state_metrics(every, cues, patterns, targets, family.alphabet, labels)
    if one.tail > 1:
        late = every[:, -one.tail :]
        values["overlap"] = float(metrics.overlap(late, patterns[targets][:, None]).mean())
    bits = information(every[:, -1], patterns[targets])
    counters = reduce(added, (result.counters for result in results))
    values |= {"information": bits, "stored_bits": bits * patterns.size, "load": one.load}
    values |= cost_metrics(counters, len(cues))
    values["steps"] = float(one.steps)
    nearest = metrics.identified(cues, patterns, targets)
    return Outcome(
        values=values,
        baselines={"nearest_stored": float(nearest.mean())},
        counters=counters,
        episodes=len(cues),
        notes=tuple(graph.notes),
        graph=graph if keep else None,
        result=merged(results) if keep else None,
    )
