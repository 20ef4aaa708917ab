"""Brian2Executable: runs the text of a plan, for any batch, in one run of its network."""

from __future__ import annotations

import linecache
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backend import Job, Progress
from hebbgraph.backends.brian2.artefact import Artefact
from hebbgraph.backends.brian2.engine import session, standalone_device
from hebbgraph.backends.brian2.given import effective, given_arrays
from hebbgraph.backends.brian2.plan import Layout
from hebbgraph.backends.brian2.planner import make_plan
from hebbgraph.backends.brian2.recording import recording
from hebbgraph.backends.brian2.script import body, namespace
from hebbgraph.errors import EngineError, Gap, Unsupported
from hebbgraph.graph import Graph
from hebbgraph.recording import Recording

Array = NDArray[Any]

#: Seconds between two calls of a progress callback.
REPORT_PERIOD = 0.2

#: The name under which a network's state at step 0 is stored.
START = "hebbgraph_start"


class Brian2Executable:
    """A graph as a Brian2 network, built by running the text that the artefact shows.

    With ``dense="blas"`` the episodes of a batch lie side by side in one run; with ``"synapses"``
    they follow one another in one run, as batches do where weights learn. The network is built
    again only for another number of episodes side by side, or of steps where some follow others;
    names never change, so compiled code is found again. C++ standalone compiles on every run,
    into a temporary folder that lives until the next run.
    """

    def __init__(self, graph: Graph, target: str, dense: str) -> None:
        self.plan = make_plan(graph, dense, compiled=target == "cpp_standalone")
        self.target, self._name = target, graph.name
        self.layout = Layout(copies=1, rounds=1, steps=1)
        #: What was run last.
        sizes = {path: graph.flat_processes[path].output.size for path in self.plan.sources}
        self.job = Job({path: np.zeros((1, 1, size)) for path, size in sizes.items()}, 1, 1)
        #: The folder of generated C++ until the next run or `close`.
        self.folder: Path | None = None
        self._objects: dict[str, Any] = {}
        self._delete_folder: Callable[[], object] = lambda: None

    @property
    def artefact(self) -> Artefact:
        """Return the network and its parts."""
        return Artefact(self)

    def run(self, job: Job, progress: Progress | None = None) -> Recording:
        """Run every episode from zero states; raises `EngineError`.

        Raises `Unsupported` for a batch that learns together where episodes follow one another.
        """
        before, layout = self.layout, self._layout(job)
        self.job, self.layout = job, layout
        try:
            if self.target == "cpp_standalone":
                return self._run_standalone()
            if self._shape(before) != self._shape(self.layout):
                self._objects = {}
            return self._run_here(progress)
        except BaseException as error:
            self.close()
            if self._is_from_engine(error):
                cause = _first_cause(error)
                raise EngineError(f"brian2 ({self.target}) failed: {cause}") from error
            raise

    def close(self) -> None:
        """Drop the network and delete the folder of a standalone build."""
        self._objects, self.folder = {}, None
        self._delete_folder()

    def objects(self) -> Mapping[str, Any]:
        """Return the parts of the network that ran last, or of one for the next run, by name."""
        if not self._objects:
            with session("numpy") as brian2:
                self._objects = self._built(brian2)
                self._objects["network"].store(START)
        return self._objects

    def arrays(self) -> dict[str, Array]:
        """Return the arrays that the text of the network reads, for the last run."""
        return {**self.plan.arrays, **given_arrays(self.plan, self.layout, self.job)}

    def _layout(self, job: Job) -> Layout:
        copies = job.episodes
        if self.plan.in_turn:
            copies = 1
            if self.plan.plastic and job.batch > 1:
                lacking = 'brian2 learns from one episode at a time with dense="synapses"'
                remedy = 'compile with dense="blas", or use batch=1'
                raise Unsupported("brian2", [Gap("batch", lacking, remedy)])
        elif self.plan.plastic:
            copies = job.batch
        return Layout(copies, job.episodes // copies, job.steps)

    def _shape(self, layout: Layout) -> tuple[int, int]:
        """Return what of a layout is built into a network that Python runs."""
        return layout.copies, layout.steps if self.plan.restarts else 0

    def _built(self, brian2: Any) -> dict[str, Any]:
        """Run the text of the network and return what it defined."""
        objects = namespace(self.plan)
        objects |= {"b2": brian2, "np": np, "ms": brian2.ms, "inf": np.inf}
        objects["arrays"] = self.arrays()
        self._tell(objects)
        text, name = body(self.plan), f"<brian2 network {self._name}>"
        # Tracebacks show the lines of what is not a file.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), objects)
        return objects

    def _tell(self, objects: dict[str, Any]) -> None:
        """Hand over what differs from run to run."""
        layout = self.layout
        objects |= {"COPIES": layout.copies, "ROUNDS": layout.rounds, "STEPS": layout.steps}
        objects["FIRST_EPISODE"] = self.job.first_episode
        for path, values in given_arrays(self.plan, layout, self.job).items():
            if path in self.plan.sources:
                objects[f"{self.plan.sources[path]}_data"] = values

    def _run_here(self, progress: Progress | None) -> Recording:
        self.objects()
        objects, layout = self._objects, self.layout
        self._tell(objects)
        with session(self.target) as brian2, np.errstate(over="ignore"):
            objects["network"].restore(START)
            self._set_weights(objects)
            objects["network"].run(
                layout.duration * brian2.ms,
                report=_report(progress, layout.duration),
                report_period=REPORT_PERIOD * brian2.second,
                namespace={},
            )
            return recording(self.plan, layout, objects)

    def _set_weights(self, objects: Mapping[str, Any]) -> None:
        """Let plastic synapses start from the weights of the job."""
        for path, start in self.job.learned.items():
            p = self.plan.plastic[path]
            if not p.accumulator:
                objects[f"{p.name}_learner"].start(start.accumulator, start.momentum)
                if p.probed:
                    objects[f"{p.name}_recorded"].clear()
                continue
            for name, values in effective(p, start).items():
                objects[p.name].variables[name].get_value()[:] = values

    def _run_standalone(self) -> Recording:
        self.close()
        self.folder = Path(tempfile.mkdtemp(prefix="hebbgraph_brian2_"))
        self._delete_folder = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        device = standalone_device(self.folder)
        with session(self.target, device) as brian2:
            self._objects = objects = self._built(brian2)
            objects["network"].run(self.layout.duration * brian2.ms, namespace={})
            return recording(self.plan, self.layout, objects)

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


def _first_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"
