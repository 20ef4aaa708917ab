"""Engine: one graph on the real Lava runtime, run in chunks through shared memory."""

import logging

import numpy as np
from hebbgraph_lava import guard
from hebbgraph_lava.kernel import Kernel
from hebbgraph_lava.memory import shared_array
from hebbgraph_lava.network import parts
from hebbgraph_lava.network.network import GraphRunConfig, Network
from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps

#: Bytes of shared memory per graph at most (touched pages only count), and episodes per batch.
BUFFER_BYTES = 2**27
BATCH = 256
#: Messages that a Lava channel holds; 64 is lava's default and costs memory in wide graphs.
CHANNEL_SIZE = 8


class LavaError(Exception):
    """Raised when a Lava process failed, with its own exception in words."""


class Buffers:
    """Shared arrays (steps, episodes, units): inputs, rasters, probed states, and `control`."""

    def __init__(self, plan, model, chunk):
        widths = [n.units * np.dtype(plan.dtype).itemsize for n in plan.of_kind("Input")]
        widths += [n.units for n in plan.of_kind("LIF")]
        widths += [plan.nodes[p].units * np.dtype(plan.dtype).itemsize for p, _ in plan.states]
        fitting = max(1, BUFFER_BYTES // max(1, sum(widths)))
        self.episodes = min(BATCH, fitting) if model == "fused" else 1
        self.steps = max(1, min(chunk, fitting // self.episodes))
        room = (self.steps, self.episodes)
        self.control = shared_array((4,), np.int64)
        self._peaks = shared_array((len(plan.of_kind("Input")),), np.float64)
        self.inputs = {
            node.path: shared_array((*room, node.units), plan.dtype)
            for node in plan.of_kind("Input")
        }
        self.spikes = {
            node.path: shared_array((*room, node.units), np.bool_) for node in plan.of_kind("LIF")
        }
        self.states = {
            key: shared_array((*room, plan.nodes[key[0]].units), plan.dtype) for key in plan.states
        }

    def peaks(self):
        """Return the largest magnitude that each Input emits in this run."""
        return {path: float(self._peaks[k]) for k, path in enumerate(self.inputs)}

    def announce(self, inputs):
        """Note the peaks of `inputs`, rounded up to powers of two (so they seldom change)."""
        for index, path in enumerate(self.inputs):
            peak = float(np.abs(inputs[path]).max(initial=1))
            self._peaks[index] = 2.0 ** np.ceil(np.log2(max(peak, 1.0)))

    def chunk(self, steps, episodes):
        """Return views of inputs, rasters and states, `steps` by `episodes`."""
        return tuple(
            {key: array[:steps, :episodes] for key, array in arrays.items()}
            for arrays in (self.inputs, self.spikes, self.states)
        )


class Engine:
    """A graph compiled and started by Lava; `close` it.

    lava loses all but one of several unconnected parts of a SubProcessModel, so the model of
    standard parts is given each connected part of the graph as a Network of its own.
    """

    def __init__(self, plan, model, chunk):
        self.model = model
        self.buffers = Buffers(plan, model, chunk)
        self.time_step = 0
        #: Episodes times steps of the chunk last run.
        self.chunk_size = 0
        self.parts = []
        plans = [plan] if model == "fused" else plan.components()
        self.networks = [self._start(part) for part in plans]

    def _start(self, plan):
        kernel = Kernel(plan) if self.model == "fused" else None
        network = Network(plan, kernel, self.buffers)
        config = GraphRunConfig(self.model, plan.domain)
        executable = network.compile(config, {"pypy_channel_size": CHANNEL_SIZE})
        self.parts += [
            (process.name, _name(type(process)), _name(builder.proc_model))
            for process, builder in executable.proc_builders.items()
        ]
        network.create_runtime(executable=executable)
        return network

    def run(self, inputs, episodes, steps):
        """Yield (first episode, first step, rasters and states of a chunk) until all is done."""
        self.buffers.announce(inputs)
        for start in range(0, episodes, self.buffers.episodes):
            batch = min(self.buffers.episodes, episodes - start)
            for t in range(0, steps, self.buffers.steps):
                length = min(self.buffers.steps, steps - t)
                fed, spikes, states = self.buffers.chunk(length, batch)
                for path, values in fed.items():
                    _feed(values, inputs[path][start : start + batch, t : t + length])
                self._advance(length, batch, t == 0)
                yield start, t, spikes, states

    def _advance(self, steps, episodes, fresh):
        self.chunk_size = steps * episodes
        control = self.buffers.control
        control[[parts.ORIGIN, parts.FRESH]] = self.time_step, fresh
        control[[parts.STEPS, parts.EPISODES]] = steps, episodes
        lava_steps = 1 if self.model == "fused" else steps
        for network in self.networks:
            try:
                network.run(RunSteps(num_steps=lava_steps))
            except RuntimeError as error:
                actors = network.runtime._messaging_infrastructure.actors
                reasons = [guard.explain(actor) for actor in actors if actor.exception]
                raise LavaError("; ".join(reasons) or str(error)) from None
        self.time_step += lava_steps

    def close(self):
        """Stop Lava's processes; a runtime that never ran would hang, so it runs one step."""
        if self.time_step == 0:
            self._advance(1, 1, True)
        for network in self.networks:
            network.stop()


def forget_processes():
    """Empty the registries in which lava keeps every Process ever made; for when none is left."""
    ProcessServer().reset_server()
    VarServer().reset_server()
    logging.getLogger().handlers.clear()


def _feed(values, data):
    """Copy (episodes, steps given, units) into (steps, episodes, units), zeros after its end."""
    given = data.shape[1]
    values[:given] = data.swapaxes(0, 1)
    values[given:] = 0


def _name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"
