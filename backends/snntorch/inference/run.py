"""Runs of a network: chunks of steps, batches of episodes."""

from __future__ import annotations

import functools
import math
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hebbgraph.backend import Job
from hebbgraph.backends.snntorch.bounds import Bounds
from hebbgraph.backends.snntorch.inference.build import Builder, Records, chunk_of
from hebbgraph.backends.snntorch.inference.lane import Lane
from hebbgraph.backends.snntorch.learning import Learning, plastic_of
from hebbgraph.backends.snntorch.network import GraphNetwork
from hebbgraph.backends.snntorch.shares import side_by_side
from hebbgraph.recording import Learned, Recording

#: How often progress is told in one run, at most.
REPORTS = 50
#: Numbers that one process emits in a chunk of steps: 4 MiB in float64, within a CPU's cache.
CHUNK = 2**19

#: Numbers that the widest process emits in one step, from which on episodes run some after others:
#: what was emitted is then heard while still in a cache, and in memory that is taken only once;
#: threads take such batches in lanes of their own, for they wait less for each other.
SIDE = 2**21
#: So many of them run side by side at least: products with fewer rows take longer.
ROWS = 128

#: How what is observed is recorded: spikes, spikes with a sign, whether something was emitted.
RECORDED = {"spike": torch.bool, "ternary": torch.int8, "graded": torch.bool}

Array = NDArray[Any]


class Run:
    """One job on one network: go through `parts`, then take `recording`."""

    def __init__(self, network: GraphNetwork, job: Job) -> None:
        self.network, self.graph, self.job = network, network.graph, job
        self.like = network.like
        self.size, self._wide = self._divided()
        self.data = {path: _tensor(values, self.like) for path, values in job.inputs.items()}
        #: Whether records hold all episodes.
        self._in_place = self.like.device.type == "cpu" or self.size == job.episodes
        self.plastic = {path: self._plastic(path) for path in self.graph.plastic}
        self.records = self._records()
        least = math.ceil(job.steps * job.episodes / self.size / REPORTS)
        self.chunk = chunk_of(network, self.size, job.steps, CHUNK, least)
        builder = Builder(
            network,
            Bounds(network, self.data),
            {path: values[: self.size] for path, values in self.data.items()},
            self.plastic,
            self.records,
            episodes=self.size,
            steps=job.steps,
            chunk=self.chunk,
        )
        self.lanes = [
            Lane(builder.build(), network.stages, job.steps, self.chunk) for _ in range(self._wide)
        ]
        self._collected: dict[str, dict[str, Array]] = {"outputs": {}, "states": {}}

    def parts(self) -> Generator[tuple[int, int], None, None]:
        """Do the job bit by bit; yield the steps done and those in all, over all batches."""
        starts = range(0, self.job.episodes, self.size)
        done, in_all = 0, len(starts) * self.job.steps
        # Whoever is ready takes the next batch; the last repeats some episodes where they are few.
        batches = iter([min(start, self.job.episodes - self.size) for start in starts])
        works = [functools.partial(self._batches, lane, batches) for lane in self.lanes]
        for steps in side_by_side(works) if len(works) > 1 else works[0]():
            done += steps
            yield done, in_all

    def recording(self) -> Recording:
        """Return everything that was recorded."""
        if self._in_place:
            self._collect(0)
        spikes: dict[str, Array] = {}
        active: dict[str, Array] = {}
        for path, values in self._collected["outputs"].items():
            graded = self.graph.flat_processes[path].output.signal == "graded"
            (active if graded else spikes)[path] = values
        learned = {path: self._learned(plastic) for path, plastic in self.plastic.items()}
        return Recording(spikes, active, self._collected["states"], learned)

    # --- its parts -------------------------------------------------------------------------

    def _divided(self) -> tuple[int, int]:
        """Return how many episodes run side by side in one lane, and the number of lanes."""
        episodes = self.job.episodes
        if self.graph.plastic or self.like.device.type != "cpu":
            return self.job.batch if self.graph.plastic else episodes, 1
        widest = max(process.output.size for process in self.graph.flat_processes.values())
        batches = math.ceil(episodes / max(ROWS, SIDE // widest))
        if batches < 2:
            return episodes, 1
        lanes = min(torch.get_num_threads(), math.ceil(episodes / ROWS))
        return math.ceil(episodes / (lanes * math.ceil(batches / lanes))), lanes

    def _batches(self, lane: Lane, batches: Iterator[int]) -> Iterator[int]:
        """Run the batches of which it gets the first episodes; yield how many steps were done."""
        for episode in batches:
            data = {p: v[episode : episode + self.size] for p, v in self.data.items()}
            number = self.job.first_episode + episode
            yield from lane.run(data, number, episode if self._in_place else 0)
            if not self._in_place:
                self._collect(episode)

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
        """Take what was recorded of all episodes, or of the batch that begins with `episode`."""
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


def _tensor(values: Array, like: Tensor) -> Tensor:
    """Return `values` with the dtype and on the device of `like`."""
    return torch.from_numpy(np.require(values, requirements=["C", "W"])).to(like)
