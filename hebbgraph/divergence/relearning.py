"""relearning: the reference's `Plastic` with one law altered, and weights that act late."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from hebbgraph.backends.reference.learning import Plastic
from hebbgraph.backends.reference.steps import STEPS
from hebbgraph.backends.reference.steps.common import Array, State, Step
from hebbgraph.divergence.altered import Altered, Site, law
from hebbgraph.rules import Rule

#: Bounds that no weight reaches.
FAR = 2**30


def learning(
    make: Callable[..., Plastic], applies: Callable[[Any, str], bool] | None = None
) -> Callable[[Site], Iterator[Altered]]:
    """Return what tries another `Plastic` for all that learns, where it applies to a suspect."""

    def tried(site: Site) -> Iterator[Altered]:
        rules = {path: site.graph.plastic[path].rule for path in site.learners()}
        if any(applies is None or applies(rule, site.domain) for rule in rules.values()):
            yield Altered(plastic=make)
            for path in rules if len(site.graph.plastic) > 1 else ():
                yield Altered(f"in {path} only", plastic=_only(path, make))

    return tried


def _only(path: str, make: Callable[..., Plastic]) -> Callable[..., Plastic]:
    return lambda where, *given: (make if where == path else Plastic)(where, *given)


def with_rule(**changes: Any) -> Callable[..., Plastic]:
    """Return `Plastic` whose rule has other fields; a field may be a function of the rule."""

    def made(path: str, rule: Rule, *given: Any) -> Plastic:
        values = {name: v(rule) if callable(v) else v for name, v in changes.items()}
        return Plastic(path, replace(rule, **values), *given)

    return made


def rounds(*names: str) -> Callable[[Any, str], bool]:
    """Return whether a rule divides in `fixed` and rounds in one of these ways."""
    return lambda rule, domain: domain == "fixed" and rule.shift > 0 and rule.rounding in names


def divides(rule: Any, domain: str) -> bool:
    """Return whether a rule divides in `fixed`."""
    return domain == "fixed" and rule.shift > 0


def has_fraction(rule: Any, domain: str) -> bool:
    """Return whether accumulators have more bits than weights."""
    return domain == "fixed" and rule.fraction > 0


def in_fixed(_rule: Any, domain: str) -> bool:
    """Return whether the arithmetic is `fixed`."""
    return domain == "fixed"


def has_bounds(rule: Any, _domain: str) -> bool:
    """Return whether weights have bounds."""
    return bool(np.isfinite(rule.low) or np.isfinite(rule.high))


def epochs(rule: Any, _domain: str) -> bool:
    """Return whether learning happens every so many steps."""
    return rule.epoch != "episode" and rule.epoch > 1


class RoundsDown(Plastic):
    """Divides sums rounding down."""

    def _random(self, shape: tuple[int, ...], bits: int, episode: int, step: int) -> Array:
        return np.zeros((1, 1), np.int64)


class SameNumbers(Plastic):
    """Draws the random numbers of step 0 of episode 0 for ever."""

    def _random(self, shape: tuple[int, ...], bits: int, episode: int, step: int) -> Array:
        return super()._random(shape, bits, 0, 0)


class EpisodesForgotten(Plastic):
    """Draws the random numbers of episode 0 in every episode."""

    def _random(self, shape: tuple[int, ...], bits: int, episode: int, step: int) -> Array:
        return super()._random(shape, bits, 0, step)


class LosesFraction(Plastic):
    """Takes the weight from its accumulator rounding down instead of to the nearest."""

    def _effective(self) -> Array:
        return self.accumulator >> self.rule.fraction


class HearsLate(Plastic):
    """Reads the signals of the step before."""

    _late: Mapping[str, Array] | None = None

    def begin(self, episodes: int) -> None:
        """Begin with no signals."""
        super().begin(episodes)
        self._late = None

    def read(self, signals: Mapping[str, Array]) -> None:
        """Take the signals that came before these."""
        before = self._late or {name: np.zeros_like(values) for name, values in signals.items()}
        self._late = dict(signals)
        super().read(before)


class _FromStart(Rule):
    """A rule whose epochs end with steps 0, k, 2k instead of k - 1, 2k - 1."""

    def learns_at(self, step: int, steps: int) -> bool:
        return step % int(self.epoch) == 0


def epochs_from_start(path: str, rule: Rule, *given: Any) -> Plastic:
    """Return `Plastic` that learns in the first step of each epoch instead of the last."""
    if not epochs(rule, ""):
        return Plastic(path, rule, *given)
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    return Plastic(path, _FromStart(**values), *given)


def late_weights() -> dict[tuple[str, str], Step]:
    """Return the steps of synapses that use the weights of the step before."""
    held: dict[int, Array] = {}

    def altered(step: Step) -> Step:
        def taken(process: Any, state: State, arriving: dict[str, Array]) -> Array:
            now = state["weights"]
            state["weights"] = held.get(id(process), now)
            held[id(process)] = now
            return step(process, state, arriving)

        return taken

    return {key: altered(STEPS[key]) for key in STEPS if key[0] in ("Dense", "Transpose")}


def weights_late(site: Site) -> Iterator[Altered]:
    """Try weights that act a step late, forwards, backwards and both."""
    if site.learners():
        yield from law(late_weights)(site)
