"""Memory: any associative memory as an estimator, fit and recall, on any engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph import catalogue, metrics
from hebbgraph.alphabets import VALUES, checked_patterns, value_faults
from hebbgraph.checks import DOMAINS, whole_faults
from hebbgraph.compile import Program, compile  # noqa: A004
from hebbgraph.errors import Fault, Gap, HebbgraphError, Invalid, Unsupported
from hebbgraph.family import Family, Learner
from hebbgraph.graph import Graph
from hebbgraph.harness.capacity import CapacityCurve, capacity_curve
from hebbgraph.harness.corrupt import cues as corrupted
from hebbgraph.harness.task import REAL_TOLERANCE
from hebbgraph.processes import Domain
from hebbgraph.result import Result

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware


class NotFitted(HebbgraphError):
    """A memory was asked before it stored anything."""


class Memory:
    """An associative memory in scikit-learn's manner: fit patterns, recall them from cues.

    ::

        memory = Memory("hopfield", rule="storkey", backend="lava", domain="fixed").fit(patterns)
        memory.recall(cue)                  # one cue (N,), or many (episodes, N)
        memory.score(patterns, level=0.2)   # mean overlap of what spoiled cues recall

    `model` is a name of `hebbgraph list models`, and further keywords are parameters of its
    `build`. Nothing is checked before `fit`, as scikit-learn asks for. After a recall ``result_``
    holds everything the engine recorded: spikes, states, counters for pricing.
    """

    def __init__(
        self,
        model: str = "hopfield",
        *,
        backend: str = "reference",
        domain: Domain = "float",
        hardware: Hardware | str | None = None,
        options: Mapping[str, Any] | None = None,
        random_state: int = 0,
        **parameters: Any,
    ) -> None:
        self.model = model
        self.backend = backend
        self.domain = domain
        self.hardware = hardware
        self.options = options
        self.random_state = random_state
        self.parameters = parameters
        self._graph: Graph | None = None
        self._program: Program | None = None
        self._learned: dict[str, NDArray[Any]] = {}
        self._lessons = 0

    # --- parameters ------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what the memory was made with, by name."""
        own = ("model", "backend", "domain", "hardware", "options", "random_state")
        return {name: getattr(self, name) for name in own} | self.parameters

    def set_params(self, **parameters: Any) -> Self:
        """Change what the memory is made with, and forget what it stored."""
        own = {"model", "backend", "domain", "hardware", "options", "random_state"}
        for name, value in parameters.items():
            if name in own:
                setattr(self, name, value)
            else:
                self.parameters[name] = value
        self._forget()
        return self

    def __repr__(self) -> str:
        others = {k: v for k, v in self.get_params().items() if k != "model" and v is not None}
        said = "".join(f", {name}={value!r}" for name, value in others.items())
        return f"Memory({self.model!r}{said})"

    @property
    def family(self) -> Family:
        """Return what the model declares; raises `Invalid` if it is unknown or no memory."""
        return catalogue.family(self.model)

    # --- learning --------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Store the patterns `X` (K, N) and forget all others.

        Raises `Invalid` with every fault of the patterns and parameters, before any work.
        """
        stored = self._checked(X)
        self._forget()
        family = self.family.bound(**self.parameters)
        self._graph = family.checked(family.build(stored), stored)
        self.patterns_ = stored
        self.n_features_in_ = stored.shape[1]
        return self

    def partial_fit(self, X: ArrayLike, y: None = None) -> Self:
        """Store one or more further patterns, (N,) or (n, N), one after another.

        The graph itself learns them by its local rule, on the engine of this memory. Raises
        `Unsupported` if the model has no local rule, `Invalid` on bad patterns.
        """
        learner = self._learner()
        new = self._checked(np.atleast_2d(np.asarray(X)))
        if self._lessons and new.shape[1] != self.n_features_in_:
            need = f"must have {self.n_features_in_} units, as those before"
            raise Invalid("Memory.partial_fit", [Fault("X", f"{new.shape[1]} units", need)])
        if self._graph is not None and not self._lessons:
            self._forget()  # what `fit` stored has no learned weights to go on from
        graph = learner.build(new.shape[1], **self.parameters)
        with self._compile(graph) as program:
            result = program.run(
                learner.teach(new),
                learner.steps,
                weights=self._learned or None,
                first_episode=self._lessons,
            )
        self._learned = dict(result.weights)
        self._close()
        self._graph = learner.memory(result, **self.parameters)
        held = getattr(self, "patterns_", new[:0]) if self._lessons else new[:0]
        self.patterns_ = np.concatenate([held, new])
        self.n_features_in_ = new.shape[1]
        self._lessons += len(new)
        return self

    def _learner(self) -> Learner:
        self._check_settings()
        if self.family.learner is None:
            having = [name for name, one in catalogue.families().items() if one.learner]
            lacking = f"{self.model} stores all patterns at once; its weights have no local rule"
            remedy = f"use fit, or one of {', '.join(having) or 'none'}"
            raise Unsupported("partial_fit", [Gap(self.model, lacking, remedy)])
        return self.family.learner

    # --- recall ----------------------------------------------------------------------------

    @property
    def graph_(self) -> Graph:
        """Return the graph that recalls; raises `NotFitted` before `fit`."""
        if self._graph is None:
            raise NotFitted(f"{self!r} has stored nothing yet; call fit(X) or partial_fit(X) first")
        return self._graph

    def recall(self, cue: ArrayLike, steps: int | None = None) -> NDArray[Any]:
        """Return what is recalled from one cue (N,) or from many (episodes, N), same shape.

        Runs `steps` steps, by default as many as the model asks for. Cues may hold 0 for unknown.
        Raises `NotFitted` before `fit`, `Invalid` on a bad cue.
        """
        given = _array(cue, "cue")
        final = self.trajectory(np.atleast_2d(given), steps)[:, -1]
        return final[0] if given.ndim == 1 else final

    def trajectory(self, cues: ArrayLike, steps: int | None = None) -> NDArray[Any]:
        """Return the states after every step, (episodes, steps, N), from cues (episodes, N)."""
        graph = self.graph_
        given = self._checked_cues(_array(cues, "cue"), steps)
        if self._program is None:
            self._program = self._compile(graph)
        result = self._program.run(self.family.present(given), steps or self.family.steps)
        self.result_: Result = result
        return self.family.read(result)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return `recall(X)`."""
        return self.recall(X)

    def score(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        corruption: str | None = None,
        level: float = 0.0,
        steps: int | None = None,
    ) -> float:
        """Return the mean overlap of what is recalled from `X` (n, N) with `y`, by default `X`.

        With `level`, cues are `X` spoiled at that level by `corruption`, by default the one the
        model names, drawn with ``random_state``.
        """
        shown = np.atleast_2d(_array(X, "X"))
        wanted = shown if y is None else np.atleast_2d(_array(y, "y"))
        if wanted.shape != shown.shape:
            need = f"must have the shape of X, {shown.shape}"
            raise Invalid("Memory.score", [Fault("y", f"shape {wanted.shape}", need)])
        cues = self._spoiled(shown, corruption, level)
        return float(metrics.overlap(self.recall(cues, steps), wanted).mean())

    def energy_(self, state: ArrayLike) -> NDArray[np.float64] | float:
        """Return the energy of one state (N,) or of many (..., N).

        Raises `NotFitted` before `fit`, `Unsupported` if the model has no energy function.
        """
        _ = self.graph_
        family = self.family
        if family.energy is None:
            lacking = f"{self.model} has no energy function"
            raise Unsupported("energy_", [Gap(self.model, lacking, "use another model")])
        given = _array(state, "state")
        if given.ndim == 0 or given.shape[-1] != self.n_features_in_:
            need = f"must have {self.n_features_in_} units, as the patterns have"
            raise Invalid("Memory.energy_", [Fault("state", f"shape {given.shape}", need)])
        found = family.energy(self.patterns_, np.atleast_2d(given), **self.parameters)
        return float(found[0]) if given.ndim == 1 else found

    # --- surveys ---------------------------------------------------------------------------

    def capacity_curve(
        self, loads: Sequence[float], units: int | None = None, **arguments: Any
    ) -> CapacityCurve:
        """Return overlap against load for random patterns of `units` units.

        By default as many as the stored patterns have. Further arguments are those of
        `hebbgraph.harness.capacity_curve`.
        """
        self._check_settings()
        size = units or getattr(self, "n_features_in_", None) or self.family.survey[1]
        given: dict[str, Any] = {
            "backend": self.backend,
            "domain": self.domain,
            "hardware": self.hardware,
            "options": self.options,
        }
        family = self.family.bound(**self.parameters)
        return capacity_curve(size, loads, family, **(given | arguments))

    def basin(
        self,
        levels: Sequence[float] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        *,
        corruption: str | None = None,
        cues_per_pattern: int = 5,
        steps: int | None = None,
    ) -> NDArray[np.float64]:
        """Return the share of recalls that end in the stored pattern, per level: (levels, K).

        Cues are the stored patterns spoiled at each level; a row per level, a column per pattern.
        """
        _ = self.graph_
        tolerance = REAL_TOLERANCE if self.family.alphabet == "real" else 0.0
        wanted = np.repeat(self.patterns_, cues_per_pattern, axis=0)
        rows = []
        for level in levels:
            cues = self._spoiled(self.patterns_, corruption, level, cues_per_pattern)
            right = metrics.exact(self.recall(cues, steps), wanted, tolerance)
            rows.append(right.reshape(len(self.patterns_), cues_per_pattern).mean(axis=1))
        return np.array(rows)

    def spurious(
        self, cues: int = 100, steps: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return states at rest that are no stored pattern, nor its negative, and their counts.

        They are what `cues` random patterns end in, each state once, the most frequent first.
        """
        _ = self.graph_
        tolerance = REAL_TOLERANCE if self.family.alphabet == "real" else 0.0
        starts = self.family.patterns(cues, self.n_features_in_, self.random_state)
        states = self.trajectory(starts, steps)
        final = states[metrics.settling(states, tolerance).settled, -1]
        odd = final[metrics.spurious(final, self.patterns_, tolerance)]
        found, counts = np.unique(odd, axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return found[order], counts[order]

    # --- inside ----------------------------------------------------------------------------

    def close(self) -> None:
        """Release what the engine holds; the memory can still be used."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._program is not None:
            self._program.close()
            self._program = None

    def _forget(self) -> None:
        self._close()
        self._graph, self._learned, self._lessons = None, {}, 0

    def _compile(self, graph: Graph) -> Program:
        return compile(
            graph,
            self.backend,
            domain=self.domain,
            hardware=self.hardware,
            **(self.options or {}),
        )

    def _check_settings(self) -> None:
        catalogue.check_parameters(catalogue.model(self.model), self.parameters)
        faults = whole_faults("random_state", self.random_state, 0, 2**63)
        if self.domain not in DOMAINS:
            need = f"must be one of {', '.join(DOMAINS)}"
            faults.append(Fault("domain", repr(self.domain), need))
        if faults:
            raise Invalid("Memory", faults)

    def _checked(self, X: ArrayLike) -> NDArray[Any]:
        self._check_settings()
        stored, faults = checked_patterns(X, self.family.alphabet, where="X")
        if faults:
            raise Invalid(f"patterns of {self.model}", faults)
        return stored

    def _checked_cues(self, cues: NDArray[Any], steps: int | None) -> NDArray[Any]:
        faults = [] if steps is None else whole_faults("steps", steps, 1, 2**31)
        if cues.ndim != 2 or cues.shape[1] != self.n_features_in_ or not len(cues):
            need = f"must be ({self.n_features_in_},) or (cues, {self.n_features_in_})"
            faults.append(Fault("cue", f"shape {cues.shape}", need))
        elif VALUES[self.family.alphabet] == (-1, 1):
            faults += value_faults(cues, "ternary", "cue")  # 0 is unknown
        else:
            faults += value_faults(cues, self.family.alphabet, "cue")
        if faults:
            raise Invalid("Memory.recall", faults)
        return cues

    def _spoiled(
        self, patterns: NDArray[Any], corruption: str | None, level: float, per_pattern: int = 1
    ) -> NDArray[Any]:
        made = corrupted(
            patterns,
            corruption or self.family.corruption[0],
            level,
            seed=self.random_state,
            per_pattern=per_pattern,
            alphabet=self.family.alphabet,
        )
        return made.reshape(len(patterns) * per_pattern, patterns.shape[1])


def _array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return `values` as an array; raises `Invalid` for rows of mixed length and for no numbers."""
    try:
        given = np.asarray(values)
        reason = "" if given.dtype.kind in "biuf" else f"dtype {given.dtype}"
    except ValueError:
        given, reason = np.zeros(0), "rows of mixed length"
    if reason:
        raise Invalid("Memory", [Fault(name, reason, "must be one array of real numbers")])
    return given
