"""continual: what a job of continual learning does: learn a stream, then deploy what was learned.

Where a width of the chip's integers or a density is set, the trained network (fully connected,
OTTT) is pruned, compiled for a machine of those widths, in `fixed`, and shown ``tested`` samples of
each task: `accuracy` is then that of the deployed network. Otherwise it is ACC of the run. Jobs
that differ only in what is deployed share one training, if they follow one another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.compile import compile  # noqa: A004
from hebbgraph.continual import sources
from hebbgraph.continual.bench import WITH_ROWS
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.matrix import MEASURES
from hebbgraph.continual.presets import preset
from hebbgraph.continual.run import StreamRun, run_stream
from hebbgraph.continual.spiking.settings import NetSettings, settings_faults
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.streams import Stream
from hebbgraph.continual.work import work_of
from hebbgraph.counters import Counters
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.hardware import load
from hebbgraph.models import hlop
from hebbgraph.result import Result
from hebbgraph.sweep.jobs import MACHINE
from hebbgraph.sweep.outcome import Outcome
from hebbgraph.sweep.prune import pruned
from hebbgraph.sweep.variants import with_numerics

#: Samples of each task that the deployed network is shown, unless the knob ``tested`` says more.
TESTED = 20
#: Rows of each layer that HLOP and exact PCA learn, in the first task and in each later one.
ROWS = ("first_rows", "later_rows")


@dataclass(frozen=True, eq=False)
class _Trained:
    stream: Stream
    learner: SpikingLearner
    run: StreamRun
    inference: Counters | None
    training: Counters | None


#: The last training, by what decided it.
_held: dict[str, _Trained] = {}


def settings_of(work: Mapping[str, Any]) -> NetSettings:
    """Return the network's settings; raises `Invalid` with what is wrong with them."""
    base = preset(str(work["preset"]))
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in work["net"].items()}
    made = NetSettings(**{**base.net, **given})
    faults = [f for f in settings_faults(made, 1) if f.where != "image_shape"]
    deployed = work["numerics"] or work["prune"] < 1
    if deployed and (made.network != "mlp" or made.trainer != "ottt"):
        need = "must be a fully connected network trained by ottt, which has a process graph"
        got = f"network {made.network}, trainer {made.trainer}"
        faults.append(Fault("numerics and density", got, need))
    if faults:
        raise Invalid("settings", faults)
    return made


def run(work: Mapping[str, Any], *, keep: bool = False) -> Outcome:
    """Return what one method learned with one seed, and what its network does when deployed."""
    trained = _trained(work)
    report = trained.run.report
    values = {name: float(getattr(report, name)) for name in MEASURES}
    values["accuracy"] = values["acc"]
    deployed = bool(work["numerics"] or work["prune"] < 1)
    plain = trained.learner.given
    graph: Graph | None = None
    result: Result | None = None
    counters = trained.inference
    if plain.network == "mlp" and plain.trainer == "ottt" and (deployed or keep):
        tested = int(work["run"].get("tested", TESTED))
        graph, result, right = _deployed(trained, work, tested, fixed=deployed)
        counters = result.counters
        values["deployed"] = right
        if deployed:
            values["accuracy"] = right
    if counters is None:
        counters = Counters({}, 0, 0, 0, 0, 0)
    return Outcome(
        values=values,
        counters=counters,
        episodes=counters.episodes,
        training=trained.training,
        notes=tuple(graph.notes) if graph else (),
        graph=graph if keep else None,
        result=result if keep else None,
    )


def _trained(work: Mapping[str, Any]) -> _Trained:
    apart = ("numerics", "prune")
    key = json.dumps({k: v for k, v in work.items() if k not in apart}, sort_keys=True)
    if key in _held:
        return _held[key]
    _held.clear()
    base, settings, given = preset(str(work["preset"])), settings_of(work), work["run"]
    seed = int(work["seed"])
    stream = sources.stream(**{"seed": seed, **base.stream, **work["stream"]})
    method = str(given.get("method", work["method"]))
    options = dict(base.options.get(method, {}))
    if method in WITH_ROWS:
        rows = {name: tuple(given[name]) for name in ROWS if name in given}
        options = {name: getattr(base, name) for name in ROWS} | options | rows
    learner = SpikingLearner(settings, method, options)
    done = run_stream(stream, learner, epochs=given.get("epochs", base.epochs), seed=seed)
    inference, training = work_of(learner, stream)
    _held[key] = _Trained(stream, learner, done, inference, training)
    return _held[key]


def _deployed(
    trained: _Trained, work: Mapping[str, Any], tested: int, *, fixed: bool
) -> tuple[Graph, Result, float]:
    """Return the network as it is deployed, its run on samples of all tasks, and how many it got.

    Of each task the first `tested` samples are shown; the largest readout among the task's classes
    decides where the task is known, among all where not.
    """
    given, stream = trained.learner.given, trained.stream
    layers = trained.learner.net.parts(Synapses)
    weights = [layer.weight.detach().double().cpu().numpy() for layer in layers]
    graph = hlop.build(
        weights,
        steps=given.steps,
        leak=given.leak,
        threshold=given.threshold,
        width=given.width,
        learning=False,
    )
    if work["prune"] < 1:
        graph = pruned(graph, float(work["prune"]), int(work["seed"]))
    parts = [task.test.take(np.arange(min(tested, len(task.test)))) for task in stream.tasks]
    shown = np.concatenate([part.x for part in parts])
    inputs = {"x": np.repeat(shown[:, np.newaxis], given.steps, axis=1)}
    machine = with_numerics(load(MACHINE), work["numerics"]) if fixed else None
    domain: Any = "fixed" if fixed else "float"
    calibration = {"x": inputs["x"][:: max(1, len(shown) // 8)]} if fixed else None
    with compile(
        graph, "reference", domain=domain, hardware=machine, calibration=calibration
    ) as program:
        result = program.run(inputs, given.steps)
        kept = program.source
    scores = result.value("readout.out")[:, -1]
    return kept, result, _right(scores, stream, [part.y for part in parts])


def _right(scores: NDArray[np.float64], stream: Stream, labels: list[NDArray[np.int64]]) -> float:
    """Return the mean over tasks of the share of samples that are classified rightly."""
    shares, start = [], 0
    for task, wanted in zip(stream.tasks, labels, strict=True):
        rows = scores[start : start + len(wanted)]
        start += len(wanted)
        if stream.scenario == "task":
            masked = np.full_like(rows, -np.inf)
            masked[:, list(task.classes)] = rows[:, list(task.classes)]
            rows = masked
        shares.append(float((rows.argmax(axis=1) == wanted).mean()))
    return float(np.mean(shares))
