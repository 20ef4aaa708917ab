"""Can the machine learn it: every reason by hand, and the rules of the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.hardware import Hardware
from hebbgraph.preflight import check
from hebbgraph.preflight.learning import reasons_of
from hebbgraph.rules.library import LIBRARY, oja
from tests.check.machines import LOIHI, machine, programmable
from tests.check.nets import plastic

#: What a chip holds, for rules of the fixed domain.
CHIP: dict[str, Any] = {"low": -256, "high": 255}


def classified(
    rule: hg.Rule, ports: dict[str, str] | None = None, hardware: Hardware = LOIHI, steps: int = 0
) -> tuple[str, str]:
    """Return the class of `rule` and all reasons as one text."""
    graph = plastic(rule, **(ports or {}))
    report = check(graph, hardware, steps=steps or None, simulate=False)
    (finding,) = report.about("w", "learning rule")
    return str(finding.got), finding.text


# --- exact -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        hg.Rule("post*pre", epoch=2, **CHIP),
        hg.Rule("7*post*pre - 4*pre + 3*w*post", epoch=63, **CHIP),
        hg.Rule("2*post*pre - 1", epoch=126, low=-256, high=254),
        hg.Rule("post*pre", epoch=4, low=0, high=1),
        hg.Rule("128*post*pre", epoch=4, low=0, high=128),  # Willshaw, 1-bit weights
        hg.Rule("post*x1", traces={"x1": hg.Trace("pre", 4096, 100)}, epoch=2, **CHIP),
        hg.Rule("y1*pre", traces={"y1": hg.Trace("post", 0, 1)}, signal_bits=8, epoch=2, **CHIP),
    ],
)
def test_exact(rule: hg.Rule) -> None:
    assert classified(rule) == ("exact", f"dw = {rule.dw}")


# --- quantised ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dw": "9*post*pre"}, "coefficient of 9*post*pre has more than 4 mantissa bits"),
        ({"dw": "9*post*pre"}, "rounded by 11 %"),
        ({"dw": "131072*post - pre"}, "coefficients are 2**17 apart, exponents span 16"),
        ({"shift": 3}, "rounding is nearest, the chip's is random with the same mean"),
        ({"shift": 3, "rounding": "stochastic"}, "the chip rounds with random numbers of its own"),
        ({"fraction": 4}, "accumulators have 13 bits, weights 9: the lowest 4"),
        ({"low": -100, "high": 100}, "weights stop at -100 and 100"),
        ({"low": 0, "high": 100}, "weights stop at 0 and 100"),
        ({"epoch": 1}, "epoch of 1 step, 2 on the chip"),
        ({"epoch": 65}, "epoch of 65 steps, at most 63"),
        ({"epoch": 130}, "epoch of 65 steps, at most 63"),
        (
            {"dw": "post*x1", "traces": {"x1": hg.Trace("pre", 100, 2)}},
            "trace x1 is rounded at random as it decays",
        ),
        (  # 20 * 4096 / 512 = 160: 8 bits
            {"dw": "post*x1", "traces": {"x1": hg.Trace("pre", 512, 20)}},
            "trace x1 needs 8 bits of 7, the lowest 1 go",
        ),
        (
            {"dw": "post*x1", "traces": {"x1": hg.Trace("pre", 4096, -20)}},
            "trace x1 goes below 0",
        ),
    ],
)
def test_quantised(fields: dict[str, Any], words: str) -> None:
    level, text = classified(hg.Rule(**{"dw": "post*pre", "epoch": 2, **CHIP, **fields}))
    assert level == "quantised"
    assert words in text


# --- host-assisted -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "ports", "words"),
    [
        (
            hg.Rule("post*xhat", factors={"xhat": "pre"}, epoch=2, **CHIP),
            {"xhat": "signal.out"},
            "factor xhat (pre): presynaptic traces follow the spikes that its synapse transmits",
        ),
        (
            hg.Rule("target*pre", factors={"target": "post"}, epoch=2, **CHIP),
            {"target": "teacher.out"},
            "factor target (post): the chip has no third factor per postsynaptic unit",
        ),
        (hg.Rule("post*pre", epoch=2, momentum=100, **CHIP), {}, "momentum needs a second"),
        (
            hg.Rule("post*pre", epoch=2, **CHIP),
            {"post": "teacher.out"},
            "post is teacher.out, traces follow the spikes of post",
        ),
        (
            hg.Rule("post*pre", epoch=2, **CHIP),
            {"post": "spikes.out"},
            "post is spikes.out, traces follow the spikes of post",
        ),
        (
            hg.Rule("post*pre", epoch=2, **CHIP),
            {"s": "signal.out"},
            "pre values are graded, traces count spikes",
        ),
        (hg.Rule("post*pre", epoch="episode", **CHIP), {}, "weights change once an episode"),
        (
            hg.Rule(
                "post*(pre + x1 + x2)",
                traces={f"x{i}": hg.Trace("pre", 4096, i) for i in (1, 2)},
                epoch=2,
                **CHIP,
            ),
            {},
            "3 presynaptic traces (pre, x1, x2) of 2 on the chip",
        ),
        (
            hg.Rule("reward*post*pre", factors={"reward": "all"}, epoch=2, **CHIP),
            {"reward": "reward.out", "gate": "reward.out"},
            "reward and gate: the chip has one factor for all synapses",
        ),
    ],
)
def test_host_assisted(rule: hg.Rule, ports: dict[str, str], words: str) -> None:
    level, text = classified(rule, ports)
    assert level == "host-assisted"
    assert words in text


def test_a_third_factor_the_chip_has_is_only_narrower() -> None:
    reward = hg.Rule("reward*post*pre", factors={"reward": "all"}, epoch=2, **CHIP)
    assert classified(reward, {"reward": "reward.out"}) == (
        "quantised",
        "factor reward becomes a trace of 7 bits",
    )
    target = hg.Rule("target*pre", factors={"target": "post"}, epoch=2, **CHIP)
    assert classified(target, {"target": "teacher.out"}, programmable())[0] == "quantised"
    graded = hg.Rule("post*pre", epoch=2, **CHIP)
    level, text = classified(graded, {"s": "signal.out"}, programmable())
    assert (level, text) == ("quantised", "pre values become 7 unsigned bits")


def test_an_episode_of_known_length_is_an_epoch() -> None:
    rule = hg.Rule("post*pre", epoch="episode", **CHIP)
    assert classified(rule, steps=40)[0] == "exact"
    assert classified(rule, steps=65)[0] == "quantised"


def test_a_gate_alone_is_the_factor_for_all() -> None:
    assert classified(hg.Rule("post*pre", epoch=2, **CHIP), {"gate": "reward.out"})[0] == "exact"
    without = machine(learning={"third_factors": []})
    rule = hg.Rule("post*pre", epoch=2, **CHIP)
    assert classified(rule, {"gate": "reward.out"}, without)[0] == "host-assisted"


# --- impossible --------------------------------------------------------------------------------


def test_without_a_learning_engine_nothing_learns() -> None:
    graph = plastic(hg.Rule("post*pre", epoch=2, **CHIP))
    none = machine(learning=None, absent={"learning": "weights are fixed when it is made"})
    report = check(graph, none, simulate=False)
    (finding,) = report.about("w", "learning rule")
    assert (finding.verdict, finding.got) == ("fault", "impossible")
    assert finding.text == "changed cannot change weights: weights are fixed when it is made"
    assert not report.passes


# --- the library -------------------------------------------------------------------------------

ARGUMENTS: dict[str, dict[str, Any]] = {
    "covariance": {"mean_post": 0.5, "mean_pre": 0.25},
    "oja": {"rate": 0.1},
    "oja_subspace": {"rate": 0.1},
    "bcm": {"rate": 0.1, "decay": 0.1},
    "delta": {"rate": 0.1},
    "storkey": {"units": 4},
    "stdp": {"plus": 1.0, "minus": 0.5, "decay_pre": 0.1, "decay_post": 0.2},
    "three_factor": {"rate": 0.1},
}
PORTS = {
    "xhat": "signal.out",
    "target": "teacher.out",
    "delta": "teacher.out",
    "field_pre": "signal.out",
    "field_post": "teacher.out",
}
EXACT = {"willshaw"}
HOST = {"oja_subspace", "delta", "storkey", "three_factor"}


@pytest.mark.parametrize("name", LIBRARY)
def test_the_rules_of_the_library_on_loihi_1(name: str) -> None:
    fields: dict[str, Any] = {"low": -1, "high": 1, "epoch": 2}
    if name == "willshaw":
        fields = {"epoch": 2}
    library: dict[str, Any] = dict(LIBRARY)
    rule = library[name](**ARGUMENTS.get(name, {}), **fields)
    graph = plastic(rule, "float", **{port: PORTS[port] for port in rule.factors})
    report = check(graph, "loihi1", simulate=False)
    (finding,) = report.about("w", "learning rule")
    expected = "host-assisted" if name in HOST else "exact" if name in EXACT else "quantised"
    assert finding.got == expected, finding
    assert finding.text


def test_reasons_can_be_read_from_a_float_graph() -> None:
    rule = oja(0.3, epoch=2)
    graph = plastic(rule, "float")
    texts = [reason.text for reason in reasons_of(graph, "w", rule, LOIHI)]
    # 0.3 = 4.8 / 16, rounded to 5 / 16.
    assert texts == [
        "coefficient of 0.3*post*pre has more than 4 mantissa bits, rounded by 4.2 %",
        "coefficient of -0.3*post**2*w has more than 4 mantissa bits, rounded by 4.2 %",
    ]


def test_shared_plastic_weights_are_two_copies() -> None:
    rule = hg.Rule("post*pre", epoch=2, **CHIP)
    graph = plastic(rule)
    shared = hg.Graph(
        "shared",
        {**graph.processes, "back": hg.Transpose("w", 3, 4)},
        [
            *graph.connections,
            hg.Connection("post.s", "back.s"),
            hg.Connection("back.a", "pre.a"),
        ],
        domain="fixed",
    )
    (finding,) = check(shared, LOIHI, simulate=False).about("back", "copy")
    assert (finding.verdict, finding.got) == ("warning", "host-assisted")
    assert np.array_equal(shared.plastic["w"].weights, np.zeros((3, 4)))
