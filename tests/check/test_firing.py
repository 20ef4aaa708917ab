"""Will it still fire: silence, wraps, saturations and residues, on nets made to have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import Job
from hebbgraph.errors import Invalid
from hebbgraph.models import hopfield
from hebbgraph.preflight import CheckReport, Finding, check
from hebbgraph.preflight.samples import EPISODES, STEPS
from hebbgraph.preflight.watch import LOOKS, watched_run
from hebbgraph.processes import KINDS
from tests.check.machines import LOIHI
from tests.check.nets import FORGETFUL, feed_forward, memory


def one(report: CheckReport, path: str, aspect: str) -> Finding:
    (finding,) = report.about(path, aspect)
    return finding


def spikes(*rows: list[int]) -> dict[str, Any]:
    return {"data": np.array(rows)}


# --- what quantising does to the activity --------------------------------------------------------


def test_a_model_that_survives() -> None:
    graph, inputs, steps = hopfield.example()
    report = check(graph, "loihi1", inputs, steps)
    assert report.passes
    assert (report.data, report.steps) == ("the data given", 8)
    assert one(report, "memory", "agreement").got == "100 %"
    rate = one(report, "memory", "rate")
    result = hg.compile(graph, domain="fixed").run(inputs, steps)
    assert rate.got == pytest.approx(result.spikes["memory"].mean())
    assert one(report, "memory", "dead units").got == 0
    assert one(report, "memory", "arithmetic").got == 7 * 8 * 24


def test_a_net_that_dies_when_quantised() -> None:
    # On the scale on which 1000 fits 8 bits, 0.5 is 0.127 of a weight: no synapse is left.
    graph = feed_forward(np.array([[1000, 0.5]]), "float", threshold=0.2)
    report = check(graph, LOIHI, spikes([0, 1], [0, 0], [0, 1], [0, 0]))
    finding = one(report, "unit", "dead units")
    assert (finding.verdict, finding.got, finding.limit) == ("fault", 1, 1)
    assert "1 of them not in float" in finding.text
    assert not report.passes
    agreement = one(report, "unit", "agreement")
    assert (agreement.verdict, agreement.got) == ("note", "50 %")
    assert agreement.text.endswith("the first that differs is 1")
    rate = one(report, "unit", "rate")
    assert rate.got == 0
    assert "0.5 in float" in rate.text
    assert [f.aspect for f in report.about("w") if f.part == "approximation"] == ["weights"]


def test_some_dead_units_are_a_warning_and_old_ones_a_note() -> None:
    weights = np.array([[1000, 0.5], [1000, 300], [1000, 0]])
    graph = feed_forward(weights, "float", threshold=0.2)
    finding = one(check(graph, LOIHI, spikes([0, 1], [0, 0])), "unit", "dead units")
    assert (finding.verdict, finding.got) == ("warning", 2)
    assert finding.text == "units in fixed; 1 of them not in float"
    finding = one(
        check(feed_forward(weights[1:], "float"), LOIHI, spikes([0, 1], [0, 0])),
        "unit",
        "dead units",
    )
    assert (finding.verdict, finding.got) == ("note", 1)


def test_silence_in_both_domains_is_blamed_on_the_data() -> None:
    report = check(feed_forward(np.array([[2.0]]), "float", threshold=5), LOIHI, spikes([1], [1]))
    finding = one(report, "unit", "dead units")
    assert (finding.verdict, finding.remedy) == ("warning", "try other data, weights or thresholds")
    assert report.passes


def test_units_that_never_stop() -> None:
    graph = feed_forward(np.array([[1.0], [1.0]]), "float", bias=np.array([2, 0]), threshold=1)
    finding = one(check(graph, LOIHI, spikes([0], [1], [0])), "unit", "always on")
    assert (finding.verdict, finding.got, finding.limit) == ("note", 1, 2)


def test_graded_units_are_judged_by_their_events() -> None:
    graph = hg.Graph(
        "graded",
        {"data": hg.Input(2), "unit": hg.Graded(2, dead_zone=5)},
        [hg.Connection("data.out", "unit.a")],
    )
    report = check(graph, LOIHI, spikes([8, 1], [8, 2]))
    assert one(report, "unit", "dead units").got == 1
    assert one(report, "unit", "rate").text.startswith("events per unit and step")
    assert not report.about("unit", "agreement")


# --- arithmetic --------------------------------------------------------------------------------


def test_a_net_that_wraps() -> None:
    # 600 weights of 254 at once: 64 * 152,400 is beyond 2**23, 64 * 254 is not.
    graph = feed_forward(np.full((2, 600), 254), threshold=1000)
    report = check(graph, LOIHI, spikes([1] * 600, [1] + [0] * 599))
    finding = one(report, "unit", "u wraps")
    # Synapses take one step: the second row arrives after the last step.
    assert (finding.verdict, finding.got, finding.limit) == ("fault", 2, 4)
    assert "in 2 units" in finding.text
    assert not report.passes
    assert not check(graph, LOIHI, spikes([1] + [0] * 599, [0] * 600)).about("unit", "u wraps")


def test_v_that_saturates() -> None:
    graph = feed_forward(
        np.array([[2]]), decay_v=0, bias=-4096, bias_exponent=7, threshold=1
    )  # -2**19 a step: -2**23 + 1 is passed in step 15
    report = check(graph, LOIHI, spikes(*[[0]] * 18))
    finding = one(report, "unit", "v saturates")
    assert (finding.verdict, finding.got, finding.limit) == ("warning", 3, 18)
    assert report.passes


def test_a_spike_that_the_residue_decides() -> None:
    # Step 0 leaves v = -6,400,000; of it -1,563 is left, more than the 64 of step 1.
    graph = hg.Graph(
        "residue",
        {"data": hg.Input(1), "unit": hg.LIF(1, **FORGETFUL, threshold=0)},
        [hg.Connection("data.out", "unit.a")],
        domain="fixed",
    )
    finding = one(check(graph, LOIHI, spikes([-100000], [1])), "unit", "decided by residue")
    assert (finding.verdict, finding.got, finding.limit) == ("warning", 1, 2)
    assert not check(graph, LOIHI, spikes([-1000], [1])).about("unit", "decided by residue")


def fixed(process: hg.Input | Any, port: str = "a", size: int = 1) -> hg.Graph:
    return hg.Graph(
        "single",
        {"data": hg.Input(size), "unit": process},
        [hg.Connection("data.out", f"unit.{port}", 1 if port == "s" else 0)],
        domain="fixed",
    )


BIG, WIDE = 2**23 - 1, "payload saturates"
#: Process, its port, what arrives, the event, how often it happens.
EVENTS: dict[str, tuple[Any, str, list[list[int]], str, int]] = {
    "integrator": (hg.LeakyIntegrator(1), "a", [[BIG], [0], [1]], "state saturates", 1),
    "sign": (hg.Sign(1, integrates=True), "a", [[BIG], [1], [-1]], "state saturates", 1),
    "graded": (hg.Graded(1, bits=8), "a", [[127], [128], [-128]], WIDE, 2),
    "graded shifted": (hg.Graded(1, exponent=-1, bits=8), "a", [[255], [256]], WIDE, 1),
    "polynomial": (hg.Polynomial(1, [0, 0, 1], limit=20, bits=8), "a", [[11], [12]], WIDE, 1),
    "polynomial limit": (hg.Polynomial(1, [1], limit=20), "a", [[20], [-21]], "input clipped", 1),
    "bus": (hg.Bus(2, bits=4), "x", [[3, 4], [4, 4]], WIDE, 1),
    "sigma-delta": (hg.SigmaDelta(1), "a", [[BIG]] * 257, "sum wraps", 1),
    "ternary": (hg.TernaryLIF(1, **FORGETFUL), "a", [[2**17 - 1], [2**17 + 1]], "u wraps", 1),
}


@pytest.mark.parametrize("name", EVENTS)
def test_every_register_is_watched(name: str) -> None:
    process, port, rows, event, count = EVENTS[name]
    report = check(fixed(process, port, len(rows[0])), LOIHI, {"data": np.array(rows)})
    assert one(report, "unit", event).got == count


@pytest.mark.parametrize(
    ("synapses", "rows", "count"),
    [
        (hg.Dense([[255]] * 3, 7), [[2**17], [2**16], [0]], 3),  # 255 * 2**24 beyond 2**31, once
        (hg.Dense([[255]], delays=[[1]]), [[BIG], [0], [0]], 0),
        (hg.Dense([[255, 255]], delays=[[1, 0]]), [[BIG, 0], [0, BIG], [0, 0]], 1),
        (hg.Conv2d(np.full((1, 1, 1, 2), 200), (1, 2)), [[2**15, 2**15], [1, 1], [0, 0]], 1),
    ],
)
def test_sums_of_synapses_are_watched(synapses: Any, rows: list[list[int]], count: int) -> None:
    report = check(fixed(synapses, "s", len(rows[0])), LOIHI, {"data": np.array(rows)})
    found = report.about("unit", "sum wraps")
    assert [f.got for f in found] == ([count] if count else [])


def test_watching_changes_nothing() -> None:
    graph, inputs, steps = hopfield.example()
    program = hg.compile(graph, domain="fixed")
    expected = program.run(inputs, steps)
    from hebbgraph.feed import encode_inputs

    episodes, emitted, steps = encode_inputs(program.source, inputs, steps)
    recording, watch = watched_run(program.graph, Job(emitted, episodes, steps))
    assert np.array_equal(recording.spikes["memory"], expected.spikes["memory"])
    for target, values in recording.states.items():
        assert np.array_equal(values, expected.states[target])
    assert watch.updates == {"memory": 7 * 8 * 24, "recurrent": 7 * 8 * 24}


def test_only_kinds_are_watched() -> None:
    assert set(LOOKS) <= set(KINDS)


# --- data and domains --------------------------------------------------------------------------


def test_made_up_data_are_described() -> None:
    graph = hg.Graph(
        "inputs",
        {
            "spikes": hg.Input(3, signal="spike"),
            "ternary": hg.Input(3, signal="ternary"),
            "graded": hg.Input(3),
            "unit": hg.LIF(3),
        },
        [hg.Connection(f"{name}.out", "unit.a") for name in ("spikes", "ternary", "graded")],
    )
    report = check(graph, LOIHI)
    assert "made-up data (seed 0)" in report.data
    assert report.steps == STEPS
    assert one(report, "unit", "arithmetic").got == EPISODES * STEPS * 3
    assert check(graph, LOIHI, steps=5).steps == 5
    assert check(graph, LOIHI) == report


def test_a_graph_without_inputs_runs_too() -> None:
    graph = hg.Graph("alone", {"unit": hg.LIF(2, bias=2)})
    report = check(graph, LOIHI)
    assert report.data == "no input data"
    assert one(report, "unit", "always on").got == 2


def test_nothing_runs_without_simulate() -> None:
    report = check(memory(4), LOIHI, simulate=False)
    assert (report.data, report.steps) == ("", 0)
    assert not [f for f in report.findings if f.part == "firing"]


def test_data_that_do_not_fit_are_bad_input() -> None:
    with pytest.raises(Invalid, match="inputs"):
        check(memory(4), LOIHI, {"cue": np.zeros((3, 5))})


def test_a_fixed_graph_is_run_as_it_is() -> None:
    report = check(memory(4), LOIHI)
    assert not [f for f in report.findings if f.aspect == "agreement"]
    assert one(report, "memory", "rate").text == "spikes per unit and step in fixed"


def test_a_machine_of_floating_point_is_run_in_float() -> None:
    graph, inputs, steps = hopfield.example()
    report = check(graph, "cpu_generic", inputs, steps)
    assert one(report, "memory", "rate").text == "spikes per unit and step in float"
    assert not [f for f in report.findings if f.part == "approximation"]


def test_a_graph_without_a_fixed_form_is_a_fault_with_the_reason() -> None:
    graph = feed_forward(np.array([[1.0]]), "float", threshold=-1)
    report = check(graph, LOIHI, spikes([1]))
    (fault,) = report.of("fault")
    assert (fault.path, fault.aspect, fault.got) == ("unit", "threshold", "-1")
    assert fault.remedy
    assert one(report, "unit", "rate").text.endswith("in float")


def test_a_plastic_graph_is_run_in_order() -> None:
    from tests.check.nets import plastic

    rule = hg.Rule("post*pre", low=-256, high=255)
    report = check(plastic(rule), LOIHI, steps=12)
    assert one(report, "post", "rate").part == "firing"
    assert one(report, "w", "learning rule").part == "learning"
