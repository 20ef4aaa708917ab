"""lava's own LearningDense on the real runtime, its weights recorded after every step."""

import time

import numpy as np
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.models import (
    PyLearningDenseModelBitApproximate,
    PyLearningDenseModelFloat,
)
from lava.proc.dense.process import LearningDense

from hebbgraph.backends.lava.worker import buffers as shared
from hebbgraph.backends.lava.worker.memory import shared_array
from hebbgraph.backends.lava.worker.network import wires
from hebbgraph.backends.lava.worker.network.network import GraphRunConfig


class Watched:
    """What is common to the models below: do what lava does, and record the weights."""

    def run_spk(self):
        """Do what lava does, record."""
        super().run_spk()
        self._record()

    def run_lrn(self):
        """Do what lava does, record again."""
        super().run_lrn()
        self._record()

    def _record(self):
        record = self.proc_params["record"]
        if len(record):
            record[self.time_step - 1] = self.weights


class LearningDenseFloat(Watched, PyLearningDenseModelFloat):
    """lava's floating point LearningDense."""


class LearningDenseFixed(Watched, PyLearningDenseModelBitApproximate):
    """lava's bit-approximate LearningDense."""


class LearningRunConfig(GraphRunConfig):
    """The table of the standard parts, and LearningDense."""

    def __init__(self, domain):
        super().__init__("parts", domain)
        self.table[LearningDense] = LearningDenseFixed if domain == "fixed" else LearningDenseFloat


def run(header, arrays):
    """Return (weights after every step, seconds of the run alone).

    `header` has ``domain``, ``rule`` (arguments of the rule's class), ``factors`` (2 or 3) and
    ``recorded``; `arrays` have ``weights`` and, one row per step, ``pre``, ``post`` and for three
    factors ``y1``, ``y2``, ``y3``.
    """
    domain, weights, steps = header["domain"], arrays["weights"], len(arrays["pre"])
    dtype = np.float64 if domain == "float" else np.int32
    record = shared_array((steps if header["recorded"] else 0, *weights.shape), dtype)
    rule = {2: Loihi2FLearningRule, 3: Loihi3FLearningRule}[header["factors"]]
    synapses = LearningDense(
        weights=np.array(weights), learning_rule=rule(**header["rule"]), record=record
    )
    control = shared_array((9,), np.int64)
    control[shared.FRESH] = 1
    ports = {"pre": "s_in", "post": "s_in_bap", **{y: f"s_in_{y}" for y in ("y1", "y2", "y3")}}
    for name, port in ports.items():
        if name in arrays:
            data = shared_array(arrays[name].shape, dtype)
            data[...] = arrays[name]
            wires.Source(data, control, name).s_out.connect(getattr(synapses, port))
    synapses.create_runtime(executable=synapses.compile(LearningRunConfig(domain)))
    try:
        start = time.perf_counter()
        synapses.run(RunSteps(num_steps=steps))
        seconds = time.perf_counter() - start
    finally:
        synapses.stop()
    return record, seconds
