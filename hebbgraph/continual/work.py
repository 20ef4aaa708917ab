"""Work of learning: the events of inference and of training, counted on the process graph.

A network of fully connected layers trained by OTTT is the graph of `hebbgraph.models.hlop`; its
counters come from the reference, sample by sample, as a machine that learns on line would have
them: synaptic operations of y and x_hat, of errors, weight updates of W and H, traces. What a
method does beside (replayed samples, penalties, projectors) is added as it says in `Method.work`.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from hebbgraph.compile import compile  # noqa: A004
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.methods.projection import Projection
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.continual.streams import Stream
from hebbgraph.counters import Counters, ProcessCounts
from hebbgraph.graph import Graph
from hebbgraph.models import hlop

#: Samples that are counted.
SAMPLES = 4


def work_of(
    learner: SpikingLearner, stream: Stream, samples: int = SAMPLES
) -> tuple[Counters | None, Counters | None]:
    """Return the counters of inference and of training on the last task's first test samples.

    Rows that the method would learn are those of the last task; None for other networks and
    trainers than fully connected layers and OTTT, which have no process graph.
    """
    given = learner.given
    if given.network != "mlp" or given.trainer != "ottt":
        return None, None
    last = stream.tasks[-1].test
    x, y = last.x[:samples], last.y[:samples]
    steps = given.steps
    shown = {"x": np.repeat(x[:, np.newaxis], steps, axis=1)}
    target = np.eye(stream.outputs)[y]
    taught = shown | {"target": np.repeat(target[:, np.newaxis], steps, axis=1)}
    inference = _counted(_graph(learner, learning=False), shown, steps)
    training = _counted(_graph(learner, learning=True), taught, steps)
    presentations, operations = learner.method.work()
    return inference, _scaled(training, presentations, operations * len(x) / given.batch)


def _counted(graph: Graph, inputs: dict[str, Any], steps: int) -> Counters:
    with compile(graph, "reference") as program:
        return program.run(inputs, steps).counters


def _graph(learner: SpikingLearner, *, learning: bool) -> Graph:
    given, method = learner.given, learner.method
    layers = learner.net.parts(Synapses)
    weights = [layer.weight.detach().double().cpu().numpy() for layer in layers]
    old: list[Any] = [None] * len(layers)
    new: list[Any] = [None] * len(layers)
    if isinstance(method, Projection) and learning:
        for i, subspace in enumerate(method.subspaces):
            rows = subspace.old.double().cpu().numpy()
            learned = min(method.learned_rows(i), len(rows))
            old[i], new[i] = rows[: len(rows) - learned], rows[len(rows) - learned :]
    return hlop.build(
        weights,
        old,
        new,
        steps=given.steps,
        rate=given.rate,
        leak=given.leak,
        threshold=given.threshold,
        width=given.width,
        error=given.error,
        learning=learning,
        hebbian_rates=1e-6,
    )


def _scaled(counters: Counters, presentations: float, operations: float) -> Counters:
    """Return counters for so many presentations of each sample, and operations beside."""
    names = [f.name for f in fields(ProcessCounts)]
    processes = {
        path: ProcessCounts(
            **{name: round(presentations * getattr(counts, name)) for name in names}
        )
        for path, counts in counters.processes.items()
    }
    if operations:
        processes["method"] = ProcessCounts(synops_mac=round(operations))
    return replace(counters, processes=processes)
