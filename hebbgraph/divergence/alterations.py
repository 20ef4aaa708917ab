"""ALTERATIONS: every way of being wrong that is tried, with its cause code, in one table.

Of those that explain an engine equally long the first one is named. To add one: a row here, and if
it needs a new law, a function in `laws` (steps), `rewiring` (delays), `relearning` or `renoising`.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from hebbgraph.backends.reference.loihi import wrap24
from hebbgraph.divergence import laws, relearning, renoising
from hebbgraph.divergence.altered import Alteration, law
from hebbgraph.divergence.laws import firing, replaced, with_fields
from hebbgraph.divergence.relearning import learning, with_rule
from hebbgraph.divergence.renoising import noise
from hebbgraph.divergence.rewiring import by, delayed, immediate, synapses_by

LIF = ("LIF",)


def _steps(**functions: Any) -> Any:
    """Return what tries the reference's steps with `functions` replaced."""
    return law(functools.partial(replaced, **functions))


def _fires(**parts: Any) -> Any:
    """Return what tries LIF and TernaryLIF with parts of their firing altered."""
    return law(functools.partial(firing, **parts))


def _fields(kinds: tuple[str, ...], change: Any) -> Any:
    """Return what tries processes with other parameters."""
    return law(functools.partial(with_fields, kinds, change))


def _traces(division: Any) -> Any:
    """Return what tries rules whose traces and momentum are divided in another way."""

    def made(*given: Any) -> Any:
        return laws.replaced_learning(towards_zero=division)(*given)

    return learning(made, relearning.in_fixed)


def _rounds_down(path: str, rule: Any, *given: Any) -> Any:
    return relearning.RoundsDown(path, replace(rule, rounding="shared"), *given)


def _reaches() -> Any:
    """Return LIF and TernaryLIF that fire where v reaches the threshold."""
    return replaced(
        _fire=laws.fire(np.greater_equal),
        _fire_ternary=laws.fire_ternary(np.greater_equal, np.less_equal),
    )


TIES = (
    Alteration(
        "THRESHOLD-TIE", "it fires where v equals the threshold (>= instead of >)", law(_reaches)
    ),
    Alteration(
        "THRESHOLD-TIE",
        "its segments need more than the threshold (> instead of >=)",
        _fields(("Dendrite",), lambda p: {"threshold": laws.just_above(p.threshold)}),
    ),
    Alteration(
        "THRESHOLD-TIE",
        "it stays silent on the border of the dead zone",
        _fields(("Graded", "Polynomial"), lambda p: {"dead_zone": laws.just_above(p.dead_zone)}),
    ),
    Alteration(
        "THRESHOLD-TIE",
        "it sends only changes above the threshold (> instead of >=)",
        _fields(("SigmaDelta",), lambda p: {"threshold": laws.just_above(p.threshold)}),
    ),
    Alteration(
        "THRESHOLD-TIE",
        "among equal scores the higher index wins",
        _steps(_winners=laws.winners_from_the_end),
    ),
    Alteration(
        "THRESHOLD-TIE",
        "a score that equals the floor wins",
        _fields(("WinnerTakeAll",), lambda p: {"floor": laws.just_below(p.floor)}),
    ),
    Alteration("THRESHOLD-TIE", "a field of 0 decides for 1", _steps(_decide=laws.decided_as(1))),
    Alteration("THRESHOLD-TIE", "a field of 0 decides for -1", _steps(_decide=laws.decided_as(-1))),
    Alteration("THRESHOLD-TIE", "a field of 0 decides for 0", _steps(_decide=laws.decided_as(0))),
)

RESETS = (
    Alteration(
        "RESET", "v is reset by subtracting the threshold", _fires(reset=laws.by_subtraction)
    ),
    Alteration("RESET", "v is not reset", _fires(reset=laws.no_reset)),
    Alteration("RESET", "u is reset too", _fires(resets_u=True)),
    Alteration(
        "RESET",
        "v is reset a step late",
        law(functools.partial(replaced, _fire=laws.fire(late=True))),
    ),
    Alteration("RESET", "v is recorded before its reset", law(laws.shown_before_reset)),
    Alteration(
        "RESET",
        "the refractory period is one step longer",
        _fields(LIF, lambda p: {"refractory": p.refractory + bool(p.refractory)}),
    ),
    Alteration(
        "RESET",
        "the refractory period is one step shorter",
        _fields(LIF, lambda p: {"refractory": max(p.refractory - 1, 0)}),
    ),
    Alteration("RESET", "there is no refractory period", _fields(LIF, lambda _: {"refractory": 0})),
)

DELAYS = (
    Alteration("DELAY", "connections take one step more", by(1, delayed)),
    Alteration("DELAY", "connections take one step less", by(-1, delayed)),
    Alteration(
        "DELAY", "the delays of single synapses are ignored", synapses_by(lambda d, _: 0 * d)
    ),
    Alteration(
        "DELAY", "every synapse takes one step more", synapses_by(lambda d, w: d + (w != 0))
    ),
    Alteration(
        "DELAY", "every delay of a synapse is one step shorter", synapses_by(lambda d, _: d - 1)
    ),
)

ORDERS = (
    Alteration(
        "ORDER",
        "v integrates u of the step before",
        law(functools.partial(replaced, _fire=laws.fire(voltage=laws.old_current))),
    ),
    Alteration("ORDER", "v is compared before it integrates", law(laws.compares_first)),
    Alteration("ORDER", "same-step wires arrive a step late", by(1, immediate)),
    Alteration("ORDER", "learned weights act a step late", relearning.weights_late),
    Alteration(
        "ORDER", "learning reads the signals of the step before", learning(relearning.HearsLate)
    ),
    Alteration(
        "ORDER",
        "learning happens in the first step of an epoch instead of the last",
        learning(relearning.epochs_from_start, relearning.epochs),
    ),
)

ROUNDINGS = (
    Alteration(
        "ROUND",
        "decay rounds down instead of towards zero",
        _steps(towards_zero=laws.rounded_down),
    ),
    Alteration(
        "ROUND",
        "decay rounds to the nearest integer instead of towards zero",
        _steps(towards_zero=laws.rounded_to_nearest),
    ),
    Alteration(
        "ROUND",
        "decay rounds away from zero instead of towards it",
        _steps(towards_zero=laws.rounded_away),
    ),
    Alteration(
        "ROUND",
        "shifts round to the nearest integer instead of down",
        _steps(shift=laws.shift_to_nearest),
    ),
    Alteration(
        "ROUND",
        "shifts round towards zero instead of down",
        _steps(shift=laws.shift_towards_zero),
    ),
    Alteration(
        "ROUND",
        "quotients are rounded towards zero instead of down",
        law(lambda: {("Polynomial", "fixed"): laws.integer_division}),
    ),
    *(
        Alteration(
            "ROUND",
            f"changes of weights are rounded {words}",
            learning(with_rule(rounding=name), relearning.rounds(*others)),
        )
        for name, words, others in (
            ("nearest", "to the nearest integer", ("truncate", "stochastic", "shared")),
            ("truncate", "towards zero", ("nearest", "stochastic", "shared")),
            ("stochastic", "at random", ("nearest", "truncate")),
            ("shared", "at random, alike for all", ("nearest", "truncate")),
        )
    ),
    Alteration(
        "ROUND",
        "changes of weights are rounded down",
        learning(_rounds_down, relearning.divides),
    ),
    Alteration(
        "ROUND",
        "weights are taken from their accumulators rounding down",
        learning(relearning.LosesFraction, relearning.has_fraction),
    ),
    Alteration(
        "ROUND",
        "traces and momentum round down instead of towards zero",
        _traces(laws.rounded_down),
    ),
    Alteration(
        "ROUND",
        "traces and momentum round to the nearest integer instead of towards zero",
        _traces(laws.rounded_to_nearest),
    ),
)

SATURATIONS = (
    Alteration(
        "SATURATE",
        "values of 24 bits do not saturate",
        _steps(saturate_v=laws.unbounded),
    ),
    Alteration("SATURATE", "values of 24 bits wrap", _steps(saturate_v=laws.wrapped_v)),
    Alteration("SATURATE", "values saturate at -2**23", _steps(saturate_v=laws.lowest_kept)),
    Alteration("SATURATE", "payloads do not saturate", _steps(saturate=laws.unbounded)),
    Alteration("SATURATE", "payloads wrap", _steps(saturate=laws.wrapped)),
    Alteration("SATURATE", "payloads keep their lowest value", _steps(saturate=laws.lowest_kept)),
    Alteration(
        "SATURATE",
        "outputs are not clipped to low and high",
        _fields(
            ("Graded",),
            lambda p: {
                "low": np.full_like(p.low, -laws.FAR),
                "high": np.full_like(p.high, laws.FAR),
            },
        ),
    ),
    Alteration(
        "SATURATE",
        "weights are not clipped to their bounds",
        learning(with_rule(low=-relearning.FAR, high=relearning.FAR), relearning.has_bounds),
    ),
    Alteration(
        "SATURATE",
        "signals of rules do not saturate",
        learning(with_rule(signal_bits=60), relearning.in_fixed),
    ),
)

WRAPS = (
    Alteration("WRAP", "u does not wrap", _steps(wrap_u=laws.unbounded)),
    Alteration("WRAP", "u saturates instead of wrapping", _steps(wrap_u=laws.clipped_at(24))),
    Alteration("WRAP", "u wraps by more than one turn", _steps(wrap_u=wrap24)),
    Alteration("WRAP", "sums of 32 bits do not wrap", _steps(wrap32=laws.unbounded)),
    Alteration("WRAP", "sums of 32 bits saturate", _steps(wrap32=laws.clipped_at(32))),
    Alteration("WRAP", "sums of 24 bits do not wrap", _steps(wrap24=laws.unbounded)),
    Alteration("WRAP", "sums of 24 bits saturate", _steps(wrap24=laws.clipped_at(24))),
)

RANDOM = (
    Alteration("RNG", "there is no noise", noise(renoising.silent)),
    Alteration("RNG", "the noise is that of the next seed", noise(renoising.next_seed)),
    Alteration("RNG", "the noise is that of the next episode", noise(renoising.next_episode)),
    Alteration("RNG", "every episode hears the noise of episode 0", noise(renoising.same_episode)),
    Alteration("RNG", "the noise comes a step late", noise(renoising.step_late)),
    Alteration("RNG", "the noise comes a step early", noise(renoising.step_early)),
    Alteration("RNG", "the noise is finer than 8 bits", noise(renoising.fine)),
    Alteration(
        "RNG",
        "weights are rounded by the numbers of the next seed",
        learning(
            with_rule(seed=lambda rule: rule.seed + 1), relearning.rounds("stochastic", "shared")
        ),
    ),
    Alteration(
        "RNG",
        "one random number rounds all weights",
        learning(with_rule(rounding="shared"), relearning.rounds("stochastic")),
    ),
    Alteration(
        "RNG",
        "every weight is rounded by a random number of its own",
        learning(with_rule(rounding="stochastic"), relearning.rounds("shared")),
    ),
    Alteration(
        "RNG",
        "weights are rounded by the same random numbers in every episode",
        learning(relearning.EpisodesForgotten, relearning.rounds("stochastic", "shared")),
    ),
    Alteration(
        "RNG",
        "weights are rounded by the same random numbers in every step",
        learning(relearning.SameNumbers, relearning.rounds("stochastic", "shared")),
    ),
)

ALTERATIONS: tuple[Alteration, ...] = (
    *TIES,
    *RESETS,
    *DELAYS,
    *ORDERS,
    *ROUNDINGS,
    *SATURATIONS,
    *WRAPS,
    *RANDOM,
)
