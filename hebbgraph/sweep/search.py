"""search: points that an optimiser asks for, told in turn how they did.

Optuna (T. Akiba et al., KDD 2019, doi:10.1145/3292500.3330701) asks and is told in generations of
`Strategy.batch` points, so that what is tried depends on the spec alone: not on how many workers
there are, nor on which of them is done first, and a search that was killed goes on to the same end.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

from hebbgraph.errors import Unavailable
from hebbgraph.sweep.found import UNRUN, Found
from hebbgraph.sweep.jobs import Point
from hebbgraph.sweep.planning import Plan, Space
from hebbgraph.sweep.values import Values

#: Runs points and returns what they gave.
Run = Callable[[Sequence[Point]], Found]


def require() -> Any:
    """Return Optuna; raise `Unavailable` with the remedy if it is not installed."""
    try:
        return importlib.import_module("optuna")
    except ImportError as error:
        text = "sweep: a search needs optuna, which is not installed; pip install optuna"
        raise Unavailable(text) from error


def search(plan: Plan, run: Run) -> list[Point]:
    """Return the points that were tried, each subject with its own budget, in their order."""
    return [point for space in plan.spaces for point in _search(plan, space, run)]


def _search(plan: Plan, space: Space, run: Run) -> list[Point]:
    optuna = require()
    strategy = plan.spec.strategy
    assert strategy.n is not None
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        ways = ["minimize" if o.minimise else "maximize" for o in plan.objectives]
        sampler = optuna.samplers.TPESampler(seed=strategy.seed)
        study = optuna.create_study(directions=ways, sampler=sampler)
        tried: dict[str, Point] = {}
        while (left := strategy.n - len(study.trials)) > 0:
            trials = [study.ask() for _ in range(min(strategy.batch, left))]
            points = [plan.point(space, _at(trial, space)) for trial in trials]
            found = run(list({point.key: point for point in points}.values()))
            rows = {row.point.key: row for row in found.rows}
            for trial, point in zip(trials, points, strict=True):
                values = [found.value(rows[point.key], o)[0] for o in plan.objectives]
                if any(math.isnan(value) for value in values):
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)
                else:
                    study.tell(trial, values)
                tried.setdefault(point.key, point)
            if any(UNRUN in row.error for row in found.rows):
                break  # as many ran as may run now: what comes next depends on the others
        return list(tried.values())
    finally:
        optuna.logging.set_verbosity(before)


def _at(trial: Any, space: Space) -> dict[str, Any]:
    return {name: _asked(trial, name, values) for name, values in space.knobs.items()}


def _asked(trial: Any, name: str, values: Values) -> Any:
    if values.listed:
        # Optuna takes plain values as categories; lists go by their place.
        place = trial.suggest_categorical(name, list(range(len(values.listed))))
        return values.listed[place]
    log = values.distribution.startswith("log")
    if "integers" in values.distribution:
        return trial.suggest_int(name, int(values.low), int(values.high), log=log)
    low, high = values.low, values.high
    if values.distribution == "normal":
        low, high = low - 2 * high, low + 2 * high
    return float(f"{trial.suggest_float(name, low, high, log=log):.12g}")
