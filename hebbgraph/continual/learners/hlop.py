"""HLOP as a learner: the graph of `models/hlop.py`, learned on any engine, block after block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.compile import Program, compile  # noqa: A004
from hebbgraph.continual.learner import State
from hebbgraph.continual.streams import Labelled, Stream, Task
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Graph
from hebbgraph.lateral import Lateral, Residuals
from hebbgraph.models import hlop
from hebbgraph.processes import Domain
from hebbgraph.rules.rule import Rounding

#: Samples that are handed to an engine at once.
CHUNK = 512
#: Samples of a task that show how large values get, and how well rows hold what it presents.
SHOWN = 32


@dataclass(frozen=True)
class HlopSettings:
    """Hyper-parameters of HLOP with on-line training (OTTT)."""

    #: Units of the hidden layers.
    hidden: tuple[int, ...] = (100,)
    #: Subspace rows of each layer in the first task, and in each later one; empty for none at
    #: all: the naive learner.
    first_rows: tuple[int, ...] = ()
    later_rows: tuple[int, ...] = ()
    steps: int = 20
    batch: int = 32
    rate: float = 0.1
    #: Of each layer's subspace units.
    hebbian_rates: tuple[float, ...] = (0.05, 0.005)
    momentum: float = 0.9
    error: hlop.ErrorPath = "bp"
    #: Factor on the first weights.
    gain: float = 1.7
    leak: float = 0.5
    threshold: float = 1.0
    width: float = 0.5
    #: Bounds of weights and of rows; in `fixed` their 8 bits stand for them.
    limit: float = np.inf
    row_limit: float = np.inf
    #: How subspace units and residuals are realised (`hebbgraph.lateral`).
    lateral: Lateral = "linear"
    lateral_scale: float = 20.0
    lateral_steps: int = 40
    residuals: Residuals = "signed"
    #: How changes are rounded to accumulators, in `fixed`.
    rounding: Rounding = "nearest"


class HlopLearner:
    """HLOP on an engine; without subspace rows, plain on-line training on the same graph."""

    def __init__(
        self,
        settings: HlopSettings,
        *,
        backend: str = "snntorch",
        domain: Domain = "float",
        options: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        self.given = settings
        self.backend, self.domain, self.options = backend, domain, dict(options or {})
        self._name = name or ("hlop" if settings.first_rows else "naive")
        self._program: Program | None = None
        self._inference: Program | None = None
        self._weights: dict[str, NDArray[Any]] = {}
        self._episodes = 0

    @property
    def name(self) -> str:
        """Return what it is called in tables."""
        return self._name

    def settings(self) -> dict[str, Any]:
        """Return the hyper-parameters and the engine."""
        place = {"backend": self.backend, "domain": self.domain, "options": self.options}
        return asdict(self.given) | place

    # --- tasks -----------------------------------------------------------------------------

    def start(self, stream: Stream, seed: int) -> None:
        """Draw the first weights."""
        self.seed = seed
        sizes = (stream.inputs, *self.given.hidden, stream.outputs)
        self._check(sizes, len(stream))
        self.matrices = [self.given.gain * w for w in hlop.first_weights(sizes, seed)]
        self.old: list[NDArray[Any] | None] = [None] * len(self.matrices)
        self._episodes = 0
        self._sample = stream.tasks[0].train.take(np.arange(min(SHOWN, len(stream.tasks[0].train))))
        self._close()

    def begin(self, number: int, task: Task) -> None:
        """Add a block of subspace rows."""
        rows = self.given.first_rows if number == 0 else self.given.later_rows
        new = (
            [
                hlop.fresh_rows(count, matrix.shape[1], self.seed, layer, number)
                for layer, (count, matrix) in enumerate(zip(rows, self.matrices, strict=True), 1)
            ]
            if rows
            else [None] * len(self.matrices)
        )
        self._sample = task.train.take(np.arange(min(SHOWN, len(task.train))))
        self._compile(new)

    def epoch(self, number: int, epoch: int, samples: Labelled) -> dict[str, float]:
        """Learn all samples, `batch` at a time."""
        assert self._program is not None
        whole = len(samples) - len(samples) % self.given.batch
        size = max(self.given.batch, CHUNK - CHUNK % self.given.batch)
        parts = [(i, min(i + size, whole), self.given.batch) for i in range(0, whole, size)]
        if whole < len(samples) and self.domain == "float":
            parts.append((whole, len(samples), len(samples) - whole))
        for first, last, batch in parts:
            inputs = self._inputs(samples.x[first:last], samples.y[first:last])
            result = self._program.run(
                inputs,
                self.given.steps,
                batch=batch,
                weights=self._weights or None,
                first_episode=self._episodes,
            )
            self._weights = {k: v for k, v in result.weights.items() if self._plastic(k)}
            self._episodes += last - first
        self._forget_inference()
        return self._diagnosis()

    def end(self, number: int, task: Task) -> None:
        """Merge the block that learned into the old ones."""
        held = self._values()
        self.matrices = [held[f"w{i}"] for i in range(1, len(self.matrices) + 1)]
        for layer, old in enumerate(self.old):
            new = held.get(f"subspace{layer + 1}.new")
            if new is not None:
                self.old[layer] = new if old is None else np.concatenate([old, new])
        self._weights = {}
        self._close()

    def scores(self, x: NDArray[Any], number: int) -> NDArray[Any]:
        """Return the sums of the readout over an episode."""
        if self._inference is None:
            held, none = self._values(), [None] * len(self.matrices)
            weights = [held.get(f"w{i}", w) for i, w in enumerate(self.matrices, 1)]
            self._inference = self._on_engine(self._graph(weights, none, none, learning=False))
        result = self._inference.run({"x": self._shown(x)}, self.given.steps)
        return np.asarray(result.states["readout.out"][:, -1], dtype=np.float64)

    # --- going on --------------------------------------------------------------------------

    def state(self) -> State:
        """Return weights, rows, and what the rule of the present task holds."""
        found = {f"w{i}": w for i, w in enumerate(self.matrices, 1)}
        found |= {f"old{i}": h for i, h in enumerate(self.old, 1) if h is not None}
        found |= {f"run/{name}": array for name, array in self._weights.items()}
        return found | {"episodes": np.array(self._episodes)}

    def restore(self, number: int, task: Task, state: State, *, begun: bool) -> None:
        """Go on from `state`."""
        layers = range(1, len(self.matrices) + 1)
        self.matrices = [state[f"w{i}"] for i in layers]
        self.old = [state.get(f"old{i}") for i in layers]
        self._episodes = int(state["episodes"])
        self._forget_inference()
        if not begun:
            return
        self.begin(number, task)
        self._weights = {
            name.removeprefix("run/"): array
            for name, array in state.items()
            if name.startswith("run/")
        }

    def costs(self) -> dict[str, float]:
        """Return bytes of weights, rows and momentum in float64."""
        rows = sum(h.nbytes for h in self.old if h is not None)
        return {"bytes_weights": float(sum(w.nbytes for w in self.matrices)), "bytes_rows": rows}

    # --- inside ----------------------------------------------------------------------------

    def _check(self, sizes: Sequence[int], tasks: int) -> None:
        given, layers = self.given, len(sizes) - 1
        faults = []
        for title in ("first_rows", "later_rows", "hebbian_rates"):
            held = getattr(given, title)
            if held and len(held) != layers:
                need = f"must have one entry for each of {layers} layers"
                faults.append(Fault(title, repr(held), need))
        if not faults and given.first_rows:
            later = given.later_rows or (0,) * layers
            for layer, width in enumerate(sizes[:-1]):
                used = given.first_rows[layer] + (tasks - 1) * later[layer]
                if used > width:
                    need = f"{tasks} tasks must fit the {width} inputs of layer {layer + 1}"
                    faults.append(Fault("rows", str(used), need, "take fewer rows or tasks"))
        if faults:
            raise Invalid(self.name, faults)

    def _graph(
        self,
        weights: Sequence[NDArray[Any]],
        old: Sequence[NDArray[Any] | None],
        new: Sequence[NDArray[Any] | None],
        *,
        learning: bool = True,
    ) -> Graph:
        given = self.given
        return hlop.build(
            weights,
            old,
            new,
            steps=given.steps,
            rate=given.rate,
            hebbian_rates=given.hebbian_rates,
            momentum=given.momentum,
            leak=given.leak,
            threshold=given.threshold,
            width=given.width,
            error=given.error,
            learning=learning,
            limit=given.limit,
            row_limit=given.row_limit,
            lateral=given.lateral,
            lateral_scale=given.lateral_scale,
            lateral_steps=given.lateral_steps,
            residuals=given.residuals,
            rounding=given.rounding,
            seed=self.seed,
        )

    def _compile(self, new: Sequence[NDArray[Any] | None]) -> None:
        self._close()
        self._weights = {}
        self._program = self._on_engine(self._graph(self.matrices, self.old, new))
        if self.domain == "fixed":
            self._weights = _accumulators(self._program.graph, self._program.stages["given"])

    def _on_engine(self, graph: Graph) -> Program:
        data = self._inputs(self._sample.x, self._sample.y) if self.domain == "fixed" else None
        if data is not None and not graph.plastic:
            del data["target"]
        options = {"domain": self.domain, "calibration": data, **self.options}
        return compile(graph, self.backend, **options)

    def _close(self) -> None:
        self._forget_inference()
        if self._program is not None:
            self._program.close()
            self._program = None

    def _forget_inference(self) -> None:
        if self._inference is not None:
            self._inference.close()
            self._inference = None

    def _plastic(self, key: str) -> bool:
        assert self._program is not None
        return key.rpartition(".")[0] in self._program.graph.plastic

    def _values(self) -> dict[str, NDArray[np.float64]]:
        """Return the weights learned in this task by path, in the units of the float graph."""
        if self._program is None:
            return {}
        found = {}
        for path, dense in self._program.graph.plastic.items():
            assert dense.rule is not None
            scale = self._program.graph.scales.get(f"{path}.weights", 1.0)
            for kind, factor in (("accumulator", 2.0**dense.rule.fraction), ("weights", 1.0)):
                held = self._weights.get(f"{path}.{kind}")
                if held is not None:
                    found[path] = np.asarray(held / (scale * factor), dtype=np.float64)
                    break
        return found

    def _shown(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return np.repeat(np.asarray(x, np.float64)[:, np.newaxis], self.given.steps, axis=1)

    def _inputs(self, x: NDArray[Any], y: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        target = np.eye(self.matrices[-1].shape[0])[y]
        return {"x": self._shown(x), "target": self._shown(target)}

    def _diagnosis(self) -> dict[str, float]:
        """Return how far the rows that learn are from orthonormal, the worst layer."""
        errors = [
            float(np.linalg.norm(rows @ rows.T - np.eye(len(rows))) / np.sqrt(len(rows)))
            for path, rows in self._values().items()
            if path.endswith(".new")
        ]
        return {"orthonormality_error": max(errors)} if errors else {}


def _accumulators(fixed: Graph, given: Graph) -> dict[str, NDArray[np.int64]]:
    """Return accumulators that hold the weights of `given` with all their bits."""
    found = {}
    for path, dense in fixed.plastic.items():
        rule = dense.rule
        assert rule is not None
        factor = 2**rule.fraction
        wanted = given.plastic[path].weights * fixed.scales.get(f"{path}.weights", 1.0) * factor
        low, high = rule.low * factor, rule.high * factor
        found[f"{path}.accumulator"] = np.clip(np.rint(wanted), low, high).astype(np.int64)
    return found
