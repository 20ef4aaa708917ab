"""The surveys that every memory gets, as sweeps over the knobs that make them.

`model` is a name of `hebbgraph list models`, a `Family`, or a `Trial` that says more; further
keywords are its settings (`hebbgraph.harness.trial.trial`) and those of `sweep`: ``seeds``,
``path``, ``progress``. Without settings a memory is surveyed as its family asks for.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from hebbgraph.errors import Gap, Unsupported
from hebbgraph.family import Family
from hebbgraph.harness.sweep import Sweep, sweep
from hebbgraph.harness.trial import Trial, trial

LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
BITS = (8, 4, 3, 2)


def basin_curve(
    model: str | Family | Trial, levels: Sequence[float] = LEVELS, **settings: Any
) -> Sweep:
    """Return recall against the level of corruption: where it breaks down, the basin ends."""
    return _sweep(model, {"level": levels}, settings)


def phase_diagram(
    model: str | Family | Trial,
    x: tuple[str, Sequence[Any]],
    y: tuple[str, Sequence[Any]],
    **settings: Any,
) -> Sweep:
    """Return recall over two knobs, each (name, values), such as load and temperature."""
    return _sweep(model, dict((x, y)), settings)


def learning_curve(
    model: str | Family | Trial,
    examples: Sequence[int],
    quality: Sequence[float],
    *,
    names: tuple[str, str] = ("examples", "quality"),
    **settings: Any,
) -> Sweep:
    """Return recall against the number of examples, for each quality of the examples.

    `names` are those of the two parameters of the model.
    """
    return _sweep(model, dict(zip(names[::-1], (quality, examples), strict=True)), settings)


def quantisation_curve(
    model: str | Family | Trial,
    loads: Sequence[float],
    bits: Sequence[int] = BITS,
    *,
    parameter: str | None = None,
    **settings: Any,
) -> Sweep:
    """Return recall against load at each width of numbers: what 8, 4 and 2 bits cost.

    `parameter` is the model's width, by default its first one whose name ends in ``bits``. Raises
    `Unsupported` if it has none.
    """
    base = _trial(model, settings)
    name = parameter or bits_parameter(base)
    return _sweep(base, {name: bits, "load": loads}, settings)


def bits_parameter(base: Trial) -> str:
    """Return the parameter that says how many bits the numbers of a memory have."""
    names = inspect.signature(base.family.build).parameters
    found = [name for name in names if name.endswith("bits")]
    if not found:
        lacking = f"{base.name} has no parameter that ends in 'bits'"
        remedy = "name the parameter, or survey it in the domains float and fixed"
        raise Unsupported("quantisation_curve", [Gap(base.name, lacking, remedy)])
    return found[0]


def _trial(model: str | Family | Trial, settings: dict[str, Any]) -> Trial:
    """Return the trial that settings describe; what is left of them are those of `sweep`."""
    own = {name: settings.pop(name) for name in list(settings) if name not in _OF_SWEEP}
    return model.turned(own) if isinstance(model, Trial) else trial(model, **own)


def _sweep(
    model: str | Family | Trial, knobs: dict[str, Sequence[Any]], settings: dict[str, Any]
) -> Sweep:
    given = dict(settings)
    return sweep(_trial(model, given), knobs, **given)


_OF_SWEEP = ("seeds", "path", "progress")
