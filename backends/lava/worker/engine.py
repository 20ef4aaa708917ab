"""Engine: one graph on the real Lava runtime, run in chunks through shared memory."""

import logging

from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps

from hebbgraph.backends.lava.worker import buffers as shared
from hebbgraph.backends.lava.worker import guard
from hebbgraph.backends.lava.worker.fused.kernel import Kernel
from hebbgraph.backends.lava.worker.network.network import GraphRunConfig, Network

#: Messages that a Lava channel holds; 64 is lava's default and costs memory in wide graphs.
CHANNEL_SIZE = 8


class LavaError(Exception):
    """Raised when a Lava process failed, with its own exception in words."""


class Engine:
    """A graph compiled and started by Lava; `close` it.

    lava loses all but one of several unconnected parts of a SubProcessModel, so the model of
    standard parts is given each connected part of the graph as a Network of its own.
    """

    def __init__(self, plan, model, chunk):
        self.plan, self.model = plan, model
        self.buffers = shared.Buffers(plan, model, chunk)
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

    def run(self, inputs, learned, episodes, steps, batch=1, first_episode=0):
        """Yield (first episode, episodes, first step, rasters and states) chunk by chunk.

        `learned` holds (accumulator, momentum) by path; where weights learn, `batch` episodes run
        side by side.
        """
        self.buffers.announce(inputs)
        for path, (accumulator, momentum) in learned.items():
            self.buffers.learned[path].accumulator[...] = accumulator
            self.buffers.learned[path].momentum[...] = momentum
        size = batch if self.plan.plastic else self.buffers.batch(episodes)
        size = 1 if self.model == "parts" else size
        most = max(1, min(self.buffers.steps, self.buffers.cells // size))
        for start in range(0, episodes, size):
            here = min(size, episodes - start)
            for t in range(0, steps, most):
                length = min(most, steps - t)
                fed, rasters, states = self.buffers.chunk(length, here)
                for path, values in fed.items():
                    _feed(values, inputs[path][start : start + here, t : t + length])
                self._advance(
                    steps=length,
                    episodes=here,
                    fresh=t == 0,
                    begin=start == t == 0,
                    end=start + here == episodes and t + length == steps,
                    place=(t, steps, first_episode + start),
                )
                yield start, here, t, rasters, states

    def learned(self):
        """Return what plastic synapses hold after a run, by path."""
        return self.buffers.learned

    def _advance(self, steps, episodes, fresh, begin, end, place):
        self.chunk_size = steps * episodes
        control = self.buffers.control
        control[shared.ORIGIN] = self.time_step
        control[[shared.FRESH, shared.BEGIN, shared.END]] = fresh, begin, end
        control[[shared.STEPS, shared.EPISODES]] = steps, episodes
        control[[shared.STEP, shared.LENGTH, shared.EPISODE]] = place
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
            self._advance(1, 1, fresh=True, begin=True, end=False, place=(0, 1, 0))
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
