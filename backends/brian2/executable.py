"""Brian2Executable: runs a plan for any batch in one run of its network."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Progress
from hebbgraph.backends.brian2.artefact import Artefact
from hebbgraph.backends.brian2.build import Layout, Simulation, build
from hebbgraph.backends.brian2.engine import session, standalone_device
from hebbgraph.backends.brian2.plan import Plan, make_plan
from hebbgraph.errors import EngineError
from hebbgraph.graph import Graph
from hebbgraph.processes import Input
from hebbgraph.result import Trace

Array = NDArray[Any]

#: Seconds between two calls of a progress callback.
REPORT_PERIOD = 0.2

#: The name under which a network's state at step 0 is stored.
START = "hebbgraph_start"


class Brian2Executable:
    """A graph as a Brian2 network.

    With ``dense="blas"`` all episodes of a batch lie side by side in one run; with ``"synapses"``
    they follow one another in one run. The network is built again only for another number of
    episodes (blas) or steps (synapses); names never change, so compiled code is found again. C++
    standalone compiles on every run, into a temporary folder that lives until the next run.
    """

    def __init__(self, graph: Graph, target: str, dense: str) -> None:
        self.plan = make_plan(graph, dense)
        self.target = target
        self.layout = Layout(episodes=1, steps=1, in_turn=dense == "synapses")
        #: What each Input emitted in the last run.
        self.inputs: Mapping[str, Array] = {
            path: np.zeros((1, 1, process.size)) for path, process in graph.of_kind(Input).items()
        }
        #: The folder of generated C++ until the next run or `close`.
        self.folder: Path | None = None
        self._simulation: Simulation | None = None
        self._delete_folder: Callable[[], object] = lambda: None

    @property
    def artefact(self) -> Artefact:
        """Return the network and its parts."""
        return Artefact(self)

    def run(
        self, inputs: Mapping[str, Array], steps: int, progress: Progress | None = None
    ) -> Trace:
        """Run every episode for `steps` steps from zero states; raises `EngineError`."""
        episodes = next((len(values) for values in inputs.values()), 1)
        before, self.inputs = self.layout, dict(inputs)
        self.layout = replace(before, episodes=episodes, steps=steps)
        try:
            if self.target == "cpp_standalone":
                return self._run_standalone()
            if self._shape(before) != self._shape(self.layout):
                self._simulation = None
            return self._run_here(progress)
        except BaseException as error:
            self.close()
            if self._is_from_engine(error):
                cause = _first_cause(error)
                raise EngineError(f"brian2 ({self.target}) failed: {cause}") from error
            raise

    def close(self) -> None:
        """Drop the network and delete the folder of a standalone build."""
        self._simulation, self.folder = None, None
        self._delete_folder()

    def simulation(self) -> Simulation:
        """Return the network that ran last, or one of the shape of the next run."""
        if self._simulation is None:
            with session("numpy") as brian2:
                self._simulation = build(brian2, self.plan, self.layout, None)
                self._simulation.inputs.update(self.inputs)
                self._simulation.network.store(START)
        return self._simulation

    def _shape(self, layout: Layout) -> int:
        """Return what of a layout is built into a network that Python runs."""
        return layout.steps if layout.in_turn else layout.episodes

    def _run_here(self, progress: Progress | None) -> Trace:
        simulation = self.simulation()
        simulation.inputs.update(self.inputs)
        simulation.layout = self.layout
        with session(self.target) as brian2:
            simulation.network.restore(START)
            simulation.network.run(
                self.layout.duration * brian2.ms,
                report=_report(progress, self.layout.duration),
                report_period=REPORT_PERIOD * brian2.second,
                namespace={},
            )
            return _trace(simulation, self.plan)

    def _run_standalone(self) -> Trace:
        self.close()
        self.folder = Path(tempfile.mkdtemp(prefix="hebbgraph_brian2_"))
        self._delete_folder = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        device = standalone_device(self.folder)
        with session(self.target, device) as brian2:
            self._simulation = built = build(brian2, self.plan, self.layout, self.inputs)
            built.network.run(self.layout.duration * brian2.ms, namespace={})
            return _trace(built, self.plan)

    def _is_from_engine(self, error: BaseException) -> bool:
        """Return whether Brian2 or its compiler raised `error`, not the callback or a signal."""
        compiling = self.target == "cpp_standalone" and isinstance(error, RuntimeError | OSError)
        return compiling or type(error).__module__.startswith("brian2")


def _report(progress: Progress | None, steps: int) -> Any:
    """Return `progress` as Brian2 calls it."""
    if progress is None:
        return None

    def report(elapsed: Any, completed: float, start: Any, duration: Any) -> None:  # noqa: ARG001
        progress(round(completed * steps), steps)

    return report


def _trace(simulation: Simulation, plan: Plan) -> Trace:
    """Return what the monitors hold as arrays (episodes, steps, units)."""
    layout = simulation.layout
    spikes, states = {}, {}
    for path, monitor in simulation.spike_monitors.items():
        units = plan.population(path).units
        raster = np.zeros((layout.episodes, layout.steps, units), dtype=bool)
        row, unit = np.rint(np.asarray(monitor.t_) * 1000).astype(np.int64), np.asarray(monitor.i)
        if layout.in_turn:
            raster.reshape(-1, units)[row, unit] = True
        else:
            raster[unit // units, row, unit % units] = True
        spikes[path] = raster
    for path, monitor in simulation.state_monitors.items():
        units = plan.population(path).units
        for variable in plan.probes[path]:
            values = np.asarray(getattr(monitor, variable))  # (units, steps)
            if layout.in_turn:
                states[f"{path}.{variable}"] = values.T.reshape(layout.episodes, -1, units)
            else:
                by_episode = values.reshape(layout.episodes, units, layout.steps)
                states[f"{path}.{variable}"] = by_episode.transpose(0, 2, 1)
    return Trace(spikes, {key: np.ascontiguousarray(array) for key, array in states.items()})


def _first_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"
