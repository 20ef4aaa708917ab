"""Runs of a network: chunks of steps, batches of episodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hebbgraph.backend import Job
from hebbgraph.backends.snntorch.bounds import Bounds
from hebbgraph.backends.snntorch.inference.build import Builder, Records, chunk_of
from hebbgraph.backends.snntorch.learning import Learning, plastic_of
from hebbgraph.backends.snntorch.network import GraphNetwork
from hebbgraph.recording import Learned, Recording

#: How often progress is told in one run, at most.
REPORTS = 50
#: Numbers that one process emits in a chunk of steps: 4 MiB in float64, within a CPU's cache.
CHUNK = 2**19

#: Numbers that the widest process emits in one step, from which on episodes run some after others:
#: what was emitted is then heard while still in a cache, and in memory that is taken only once.
SIDE = 2**21
#: So many of them run side by side at least: products with fewer rows take longer.
ROWS = 128

#: How what is observed is recorded: spikes, spikes with a sign, whether something was emitted.
RECORDED = {"spike": torch.bool, "ternary": torch.int8, "graded": torch.bool}

Array = NDArray[Any]
#: Runs one stage from a first step to before a last one.
Worker = Callable[[int, int], None]


class Run:
    """One job on one network: go through `parts`, then take `recording`."""

    def __init__(self, network: GraphNetwork, job: Job) -> None:
        self.network, self.graph, self.job = network, network.graph, job
        self.like = network.like
        #: How many episodes run side by side.
        self.size = job.batch if self.graph.plastic else self._beside()
        self.data = {path: _tensor(values, self.like) for path, values in job.inputs.items()}
        #: Whether records hold all episodes.
        self._in_place = self.like.device.type == "cpu" or self.size == job.episodes
        self.plastic = {path: self._plastic(path) for path in self.graph.plastic}
        self.records = self._records()
        least = math.ceil(job.steps * job.episodes / self.size / REPORTS)
        self.chunk = chunk_of(network, self.size, job.steps, CHUNK, least)
        self._built = Builder(
            network,
            Bounds(network, self.data),
            {path: values[: self.size] for path, values in self.data.items()},
            self.plastic,
            self.records,
            episodes=self.size,
            steps=job.steps,
            chunk=self.chunk,
        ).build()
        self._work = list(self._workers())
        self._collected: dict[str, dict[str, Array]] = {"outputs": {}, "states": {}}

    def parts(self) -> Iterator[tuple[int, int]]:
        """Do the job bit by bit; yield the steps done and those in all, over all batches."""
        steps, batches = self.job.steps, range(0, self.job.episodes, self.size)
        for index, start in enumerate(batches):
            episode = min(start, self.job.episodes - self.size)  # some of the last twice
            self._begin(episode)
            for first in range(0, steps, self.chunk):
                last = min(first + self.chunk, steps)
                for emitter in self._built.emitters.values():
                    emitter.line.turn(first)
                for work in self._work:
                    work(first, last)
                if last == steps:
                    self._collect(episode)
                yield index * steps + last, len(batches) * steps

    def recording(self) -> Recording:
        """Return everything that was recorded."""
        spikes: dict[str, Array] = {}
        active: dict[str, Array] = {}
        for path, values in self._collected["outputs"].items():
            graded = self.graph.flat_processes[path].output.signal == "graded"
            (active if graded else spikes)[path] = values
        learned = {path: self._learned(plastic) for path, plastic in self.plastic.items()}
        return Recording(spikes, active, self._collected["states"], learned)

    # --- its parts -------------------------------------------------------------------------

    def _beside(self) -> int:
        """Return how many episodes run side by side where nothing learns: on a CPU, as fits."""
        if self.like.device.type != "cpu":
            return self.job.episodes
        widest = max(process.output.size for process in self.graph.flat_processes.values())
        batches = math.ceil(self.job.episodes / max(ROWS, SIDE // widest))
        return math.ceil(self.job.episodes / max(1, batches))

    def _begin(self, episode: int) -> None:
        """Begin the batch whose first episode is `episode`."""
        for path, given in self._built.given.items():
            given.begin(self.data[path][episode : episode + self.size])
        for emitter in self._built.emitters.values():
            emitter.begin(episode if self._in_place else 0)
        for learner in self._built.learners.values():
            number = self.job.first_episode + episode
            learner.begin(self.size, number, episode if self._in_place else 0)

    def _workers(self) -> Iterator[Worker]:
        """Yield what runs each stage."""
        emitters, learners = self._built.emitters, self._built.learners
        for stage in self.network.stages:
            paths = [path for path in stage.paths if path in emitters]
            if stage.stepwise:
                moves: list[Callable[[int], None]] = [emitters[path].step for path in paths]
                moves += [learners[path].step for path in paths if path in learners]
                yield _loop(moves)
            elif paths:
                yield emitters[paths[0]].advance

    def _records(self) -> Records:
        """Return what is to be filled."""
        outputs, states = {}, {}
        for path in self.graph.observed:
            port = self.graph.flat_processes[path].output
            outputs[path] = self._record(port.size, RECORDED[port.signal])
        for probe in self.graph.state_probes:
            process = self.graph.flat_processes[probe.path]
            size = process.output.size
            if probe.variable == "weights":
                size = process.matrix().size
            states[probe.target] = self._record(size, self.like.dtype)
        return Records(outputs, states)

    def _record(self, size: int, dtype: torch.dtype) -> Tensor:
        """Return zeros for all episodes; where the host does not hold them, for one batch."""
        shape = (self.job.steps, self.job.episodes if self._in_place else self.size, size)
        if self.like.device.type != "cpu":
            return self.like.new_zeros(shape, dtype=dtype)
        # Memory that is never written takes no time, and no room either.
        return torch.from_numpy(np.zeros(shape, torch.empty(0, dtype=dtype).numpy().dtype))

    def _collect(self, episode: int) -> None:
        """Take what was recorded of the batch whose first episode is `episode`."""
        if self._in_place and episode + self.size < self.job.episodes:
            return
        whole = torch.int64 if self.graph.domain == "fixed" else torch.float64
        kinds: tuple[tuple[str, Mapping[str, Tensor], torch.dtype | None], ...] = (
            ("outputs", self.records.outputs, None),
            ("states", self.records.states, whole),
        )
        for kind, records, dtype in kinds:
            for key, record in records.items():
                values = record.to(dtype or record.dtype).transpose(0, 1).cpu().numpy()
                if self._in_place:
                    self._collected[kind][key] = values
                    continue
                if key not in self._collected[kind]:
                    shape = (self.job.episodes, *values.shape[1:])
                    self._collected[kind][key] = np.empty(shape, values.dtype)
                self._collected[kind][key][episode : episode + self.size] = values
                record.zero_()

    def _plastic(self, path: str) -> Learning:
        """Return the synapses at `path` as the job gives them."""
        rule, learned = self.graph.plastic[path].rule, self.job.learned[path]
        assert rule is not None
        held = (_tensor(values, self.like) for values in (learned.accumulator, learned.momentum))
        fixed = self.graph.domain == "fixed"
        return plastic_of(path, rule, *held, fixed=fixed, episodes=self.size)

    def _learned(self, plastic: Learning) -> Learned:
        dtype = torch.int64 if self.graph.domain == "fixed" else torch.float64
        accumulator, momentum = (
            values.to(dtype).cpu().numpy() for values in (plastic.accumulator, plastic.momentum)
        )
        return Learned(accumulator, momentum, plastic.events, plastic.changed)


def _loop(moves: list[Callable[[int], None]]) -> Worker:
    """Return what runs some processes step by step."""

    def work(first: int, last: int) -> None:
        for t in range(first, last):
            for move in moves:
                move(t)

    return work


def _tensor(values: Array, like: Tensor) -> Tensor:
    """Return `values` with the dtype and on the device of `like`."""
    return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(like)
