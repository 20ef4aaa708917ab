"""parity: one graph on every engine, held against the reference event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hebbgraph import backend as registry
from hebbgraph.backend import Backend, Progress
from hebbgraph.backends.reference import BACKEND as REFERENCE
from hebbgraph.checks import DOMAINS, Domain
from hebbgraph.compile import lower_stages
from hebbgraph.divergence.altered import Site
from hebbgraph.divergence.cause import Cause, find_cause
from hebbgraph.divergence.event import Divergence, NotComparable, timing
from hebbgraph.divergence.learned import learned_distances
from hebbgraph.divergence.measures import measure
from hebbgraph.divergence.replay import Runs, first_of_parts
from hebbgraph.divergence.report import EngineParity, ParityReport
from hebbgraph.divergence.scene import Scene, scene
from hebbgraph.divergence.trial import Limits, Trial, prepare, run_given, run_watched
from hebbgraph.errors import EngineError, Fault, Invalid, Unavailable, Unsupported
from hebbgraph.graph import Graph
from hebbgraph.result import Result

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: How far a float value may lie from the reference's, relative to max(1, |x|).
TOLERANCE = 1e-9
#: Called with (done, total, what is being done).
Teller = Callable[[int, int, str], None]
#: What is said of data that came without words.
GIVEN = "the data given"


def parity(
    graph: Graph,
    inputs: Mapping[str, Any] | None = None,
    backends: Iterable[str | Backend] | None = None,
    *,
    steps: int | None = None,
    domain: Domain | None = None,
    hardware: Hardware | str | None = None,
    calibration: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    episodes: int | None = None,
    batch: int = 1,
    first_episode: int = 0,
    weights: Mapping[str, Any] | None = None,
    score: Callable[[Result], float] | None = None,
    score_name: str = "score",
    explain: bool = True,
    limits: Limits | None = None,
    data: str = GIVEN,
    progress: Teller | None = None,
) -> ParityReport:
    """Return how every engine compares with the reference: the first divergent event, and why.

    `backends` are names of back ends or back ends of your own; without them, all there are but the
    reference. Both domains are compared unless `domain` names one, or the graph is `fixed`.
    `inputs`, `steps`, `episodes`, `batch`, `first_episode` and `weights` are those of
    ``Program.run``, `hardware` and `calibration` those of `compile`, `options` are by name of the
    back end. `score` is given a `Result` and returns a number, such as the accuracy of a task.

    Every engine runs the graph twice: as it is given, which is what its user gets, and with every
    state, graded output and learned weight recorded, within `limits`. Either may diverge. Spikes
    and everything in `fixed` must be equal, float values within `tolerance` max(1, |x|). The cause
    of a divergence is found by running the reference again with one law altered at a time, unless
    `explain` is false.

    An engine that is not usable here, lacks something or fails gets a row that says so. Raises
    `Invalid` on bad arguments before any engine runs.
    """
    chosen = _engines(backends)
    settings = dict(options or {})
    _check(graph, chosen, settings, domain, tolerance)
    domains = (domain,) if domain else DOMAINS if graph.domain == "float" else (graph.domain,)
    trials = [
        prepare(
            lower_stages(graph, each, hardware, calibration).get("quantise", graph),
            inputs or {},
            steps=steps,
            episodes=episodes,
            batch=batch,
            first_episode=first_episode,
            weights=weights or {},
            limits=limits or Limits(),
        )
        for each in domains
    ]
    how = _How(tolerance, score, explain, progress)
    parts = [_in_domain(trial, how, chosen, settings) for trial in trials]
    return ParityReport(
        graph.name,
        graph.content_hash,
        data,
        trials[0].episodes,
        trials[0].steps,
        batch,
        tolerance,
        tuple(row for rows, _, _ in parts for row in rows),
        score_name if score else "",
        {name: value for _, scores, _ in parts for name, value in scores.items()},
        tuple(note for _, _, notes in parts for note in notes),
    )


def _in_domain(
    trial: Trial,
    how: _How,
    chosen: Mapping[str, Backend],
    options: Mapping[str, Mapping[str, Any]],
) -> tuple[list[EngineParity], dict[str, float], list[str]]:
    """Return how every engine compares in one domain, the reference's score, and notes."""
    definition = _Definition.of(trial, how)
    notes = [f"{trial.domain}: {note}" for note in trial.notes]
    if definition.is_silent:
        notes.append(f"{trial.domain}: nothing spikes in the reference, so little is compared")
    scores: dict[str, float] = {}
    if how.score:
        scores[trial.domain] = float(how.score(definition.given))
    rows = [
        _row(trial, how, definition, name, engine, options.get(name, {}))
        for name, engine in chosen.items()
    ]
    return rows, scores, notes


@dataclass(frozen=True)
class _How:
    """How engines are compared."""

    #: Of float values; in `fixed` there is none.
    float_tolerance: float
    score: Callable[[Result], float] | None
    explain: bool
    progress: Teller | None

    def tolerance(self, trial: Trial) -> float:
        """Return how far values may lie apart, relative to max(1, |x|)."""
        return 0.0 if trial.domain == "fixed" else self.float_tolerance

    def telling(self, text: str) -> Progress | None:
        """Return what tells how far the work called `text` is."""
        if self.progress is None:
            return None
        tell = self.progress
        return lambda done, total: tell(done, total, text)


class _Definition:
    """What the reference does: run as given once, watched wherever it is looked at."""

    def __init__(self, trial: Trial, given: Result) -> None:
        self.trial, self.given = trial, given
        self._watched: dict[int, list[Result]] = {}

    @classmethod
    def of(cls, trial: Trial, how: _How) -> _Definition:
        """Return the reference's run of a trial."""
        tell = how.telling(f"reference {trial.domain}, as given")
        return cls(trial, run_given(trial, REFERENCE, {}, tell))

    @property
    def is_silent(self) -> bool:
        """Return whether there are units that could spike, and none does."""
        rasters = self.given.spikes.values()
        return bool(rasters) and not any(raster.any() for raster in rasters)

    def watched(self, first: int) -> list[Result]:
        """Return its runs of the window from an episode on."""
        if first not in self._watched:
            self._watched = {first: run_watched(self.trial, REFERENCE, {}, self.trial.parts(first))}
        return self._watched[first]


def _row(
    trial: Trial,
    how: _How,
    definition: _Definition,
    name: str,
    engine: Backend,
    options: Mapping[str, Any],
) -> EngineParity:
    """Return how one engine compares."""
    row = EngineParity(name, trial.domain, "identical", dict(options))
    try:
        return _compared(trial, how, definition, row, engine)
    except Unavailable as error:
        return replace(row, outcome="unavailable", reason=str(error))
    except Unsupported as error:
        reason = "; ".join(map(str, error.gaps))
        lacking = f"{len(error.gaps)} gap{'s' if len(error.gaps) != 1 else ''} for this graph"
        cause = Cause("UNSUPPORTED", lacking)
        return replace(row, outcome="unsupported", reason=reason, cause=cause)
    except (EngineError, NotComparable) as error:
        return replace(row, outcome="failed", reason=str(error))


def _compared(
    trial: Trial, how: _How, definition: _Definition, row: EngineParity, engine: Backend
) -> EngineParity:
    name = f"{row.backend} {trial.domain}"
    given = run_given(trial, engine, row.options, how.telling(f"{name}, as given"))
    batch, graph = trial.batch, trial.graph.flat()
    tolerance = how.tolerance(trial)
    rules = tolerance, batch, trial.steps
    plain = first_of_parts(graph, [definition.given], [given], [range(trial.episodes)], *rules)
    first = trial.window_about(plain.episode if plain else None)
    parts = trial.parts(first)
    tell = how.telling(f"{name}, everything recorded")
    expected = definition.watched(first)
    got = run_watched(trial, engine, row.options, parts, tell)
    deep = first_of_parts(graph, expected, got, parts, *rules)
    when = timing(graph, batch)
    event = min((e for e in (deep, plain) if e), key=lambda e: when(e)[:3], default=None)
    row = replace(
        row,
        outcome="diverged" if event else "identical",
        options=dict(given.provenance.options),
        versions=dict(given.provenance.versions),
        divergence=event,
        measures=measure(definition.given, given, zip(expected, got, strict=True)),
        learned=learned_distances(graph, expected, got, batch),
        score=float(how.score(given)) if how.score else None,
        seconds=given.provenance.wall_seconds,
        notes=_notes(plain, deep, first, trial),
    )
    if event is None:
        return row
    if event is deep:
        site = _site(trial, trial.watched_graph, event, expected[0])
        runs = Runs(site, parts, expected, got)
    else:
        site = _site(trial, trial.graph, event, definition.given)
        runs = Runs(site, [range(trial.episodes)], [definition.given], [given])
    cause = find_cause(runs, tolerance, how.telling(f"{name}, cause")) if how.explain else None
    return replace(row, cause=cause, scene=_scene(runs, event, tolerance))


def _site(trial: Trial, graph: Graph, event: Divergence, recorded: Result) -> Site:
    stages = lower_stages(graph)
    lowered = stages[next(reversed(stages))]
    ports = {
        f"{path}.{next(iter(lowered.flat_processes[path].outputs))}" for path in recorded.spikes
    }
    seen = frozenset({*recorded.states, *ports})
    return Site(lowered, stages["flatten"], trial.job, event, seen)


def _scene(runs: Runs, event: Divergence, tolerance: float) -> Scene:
    triples = zip(runs.parts, runs.expected, runs.got, strict=True)
    part, ours, theirs = next(triple for triple in triples if event.episode in triple[0])
    return scene(runs.site.graph, event, ours, theirs, part.start, tolerance)


def _notes(
    plain: Divergence | None, deep: Divergence | None, first: int, trial: Trial
) -> tuple[str, ...]:
    """Return what is to be known where only one of two runs diverged."""
    notes: list[str] = []
    covered = plain is not None and first <= plain.episode < first + trial.window
    if plain and not deep and covered:
        notes.append("it diverges as it was given, and does not while everything is recorded")
    spikes = deep is not None and deep.kind == "spike"
    if deep and spikes and not plain:
        notes.append("it diverges while everything is recorded, and does not as it was given")
    return tuple(notes)


# --- arguments ---------------------------------------------------------------------------------


def _engines(given: Iterable[str | Backend] | None) -> dict[str, Backend]:
    """Return the engines by name, each once."""
    if given is None:
        given = [name for name in registry.names() if name != "reference"]
    if isinstance(given, str):
        given = [given]
    found: dict[str, Backend] = {}
    for one in given:
        engine = registry.get(one) if isinstance(one, str) else one
        found[engine.capability.name] = engine
    return found


def _check(
    graph: Graph,
    chosen: Mapping[str, Backend],
    options: Mapping[str, Mapping[str, Any]],
    domain: Domain | None,
    tolerance: float,
) -> None:
    """Raise `Invalid` for what is no graph, domain, tolerance or option."""
    faults: list[Fault] = []
    if not isinstance(graph, Graph):
        faults.append(Fault("graph", type(graph).__name__, "must be a Graph", "build or load one"))
    if domain is not None and domain not in DOMAINS:
        faults.append(Fault("domain", repr(domain), f"must be one of {', '.join(DOMAINS)}"))
    if not isinstance(tolerance, int | float | np.number) or not 0 <= tolerance < 1:
        faults.append(Fault("tolerance", repr(tolerance), "must be a number from 0 to below 1"))
    for name in options:
        if name not in chosen:
            need = f"back ends that are compared are {', '.join(chosen) or 'none'}"
            faults.append(Fault(f"options of {name}", str(dict(options[name])), need))
    if not chosen:
        faults.append(Fault("backends", "none", "must name at least one back end"))
    if faults:
        raise Invalid("parity", faults)
    for name, given in options.items():
        chosen[name].capability.resolve_options(given)
