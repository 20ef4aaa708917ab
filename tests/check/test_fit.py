"""Does it fit: sizes, delays, widths, kinds and homes, each with the path and the numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.errors import Invalid
from hebbgraph.hardware import Hardware, load
from hebbgraph.preflight import CheckReport, Finding, check
from hebbgraph.preflight.machine import find
from tests.check.machines import LOIHI, machine, programmable
from tests.check.nets import FORGETFUL, feed_forward, memory


def fit(graph: hg.Graph, hardware: Any = LOIHI, **options: Any) -> CheckReport:
    return check(graph, hardware, simulate=False, **options)


def one(report: CheckReport, path: str, aspect: str) -> Finding:
    (finding,) = report.about(path, aspect)
    return finding


# --- size --------------------------------------------------------------------------------------


def test_4000_units_all_to_all_do_not_fit_one_chip_but_two() -> None:
    graph = memory(4000)
    report = fit(graph)
    assert not report.passes
    cores = one(report, "(graph)", "cores")
    assert (cores.verdict, cores.got, cores.limit) == ("fault", 134, 128)
    assert "memory, where synaptic memory binds" in cores.text
    assert "2 chips" in cores.remedy
    assert (report.cores, report.chips) == (134, 2)
    assert one(report, "memory", "synaptic memory").got == 4000 * 256
    assert one(report, "memory", "axons in").got == 4000
    assert fit(graph, chips=2).passes


def test_512_units_fit_three_cores() -> None:
    report = fit(memory(512))
    assert report.passes
    assert not report.of("warning")
    neurons = one(report, "memory", "neurons")
    assert (neurons.verdict, neurons.got, neurons.limit) == ("ok", 230, 1024)
    assert "512 units on 3 cores; synaptic memory binds" in neurons.text
    assert one(report, "(graph)", "cores").got == 3


def test_a_fan_in_that_no_core_can_hold_is_a_fault_of_its_population() -> None:
    report = fit(feed_forward(np.ones((2, 4100), np.int64)))
    finding = one(report, "unit", "axons in")
    assert (finding.verdict, finding.got, finding.limit) == ("fault", 4100, 4096)
    assert finding.remedy


# --- delays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("into", "own", "out", "total"), [(62, 0, 0, 62), (2, 60, 0, 62)])
def test_a_delay_of_62_fits(into: int, own: int, out: int, total: int) -> None:
    finding = one(fit(delayed(into, own, out)), "w", "delay")
    assert (finding.verdict, finding.got, finding.limit) == ("ok", total, 62)


def test_delays_in_a_row_are_added() -> None:
    report = fit(delayed(60, 0, 5))
    finding = one(report, "w", "delay")
    assert (finding.verdict, finding.got, finding.limit) == ("fault", 65, 62)
    assert finding.text == "steps: 60 into the synapses, 0 of their own, 5 out"
    with pytest.raises(Invalid, match="delay"):
        delayed(63, 0, 0)  # one connection alone cannot be built


def delayed(into: int, own: int, out: int) -> hg.Graph:
    return hg.Graph(
        "delayed",
        {
            "data": hg.Input(2, signal="spike"),
            "w": hg.Dense([[2, 3]], delays=own),
            "unit": hg.LIF(1, **FORGETFUL),
        },
        [hg.Connection("data.out", "w.s", into), hg.Connection("w.a", "unit.a", out)],
        domain="fixed",
    )


def test_a_wire_between_units_in_the_same_step_is_named() -> None:
    def chained(delay: int) -> CheckReport:
        units = {name: hg.LIF(2, **FORGETFUL) for name in ("first", "second")}
        return fit(
            hg.Graph("chain", units, [hg.Connection("first.s", "second.a", delay)], domain="fixed")
        )

    finding = one(chained(0), "second", "delay")
    assert (finding.verdict, finding.remedy[:7]) == ("warning", "give th")
    assert not chained(1).about("second", "delay")


# --- widths ------------------------------------------------------------------------------------


def test_weights_exponents_and_thresholds_are_compared_with_the_machine() -> None:
    graph = feed_forward(np.array([[254, -2]]), threshold=100000, bias=2000, bias_exponent=7)
    report = fit(graph)
    assert (one(report, "w", "weight bits").got, one(report, "w", "weight bits").limit) == (9, 9)
    assert one(report, "unit", "threshold bits").got == 17
    assert one(report, "unit", "bias bits").got == 12
    assert report.passes
    narrow = machine(
        limits={"weight_bits": 4},
        numerics={"threshold_mantissa_bits": 8, "max_bias_exponent": 3, "state_bits": 16},
    )
    faults = {(f.path, f.aspect) for f in fit(graph, narrow).of("fault")}
    assert faults == {("w", "weight bits"), ("unit", "threshold bits"), ("unit", "bias exponent")}
    assert one(fit(graph, narrow), "unit", "state bits").verdict == "warning"


def test_an_exponent_out_of_range_is_a_fault() -> None:
    graph = hg.Graph(
        "shifted",
        {"data": hg.Input(1, signal="spike"), "w": hg.Dense([[2]], -8), "unit": hg.LIF(1)},
        [hg.Connection("data.out", "w.s"), hg.Connection("w.a", "unit.a")],
        domain="fixed",
    )
    assert one(fit(graph), "w", "exponent").verdict == "ok"
    finding = one(fit(graph, machine(numerics={"min_weight_exponent": -4})), "w", "exponent")
    assert (finding.verdict, finding.numbers()) == ("fault", "-8 in -4 to 7")


def test_a_narrower_machine_is_quantised_for() -> None:
    graph = feed_forward(np.array([[0.5, 0.3], [-0.7, 0.11]]), "float", threshold=0.4)
    five = machine(limits={"weight_bits": 5}, numerics={"weight_bits": 5})
    finding = one(fit(graph, five), "w", "weight bits")
    assert (finding.verdict, finding.limit) == ("ok", 5)
    assert finding.got <= 5  # type: ignore[operator]


# --- kinds -------------------------------------------------------------------------------------


def mixed(domain: Any = "fixed") -> hg.Graph:
    """Return a chain of kinds: spikes, sigma-delta, winners, softmax."""
    return hg.Graph(
        "mixed",
        {
            "data": hg.Input(4),
            "first": hg.LIF(4, **(FORGETFUL if domain == "fixed" else {})),
            "into": hg.Dense(np.full((4, 4), 2)),
            "sigma": hg.SigmaDelta(4, threshold=3),
            "on": hg.Dense(np.full((4, 4), 4)),
            "winner": hg.WinnerTakeAll(4),
        },
        [
            hg.Connection("data.out", "first.a"),
            hg.Connection("first.s", "into.s"),
            hg.Connection("into.a", "sigma.a"),
            hg.Connection("sigma.out", "on.s"),
            hg.Connection("on.a", "winner.a"),
        ],
        domain=domain,
    )


def test_loihi_1_has_spiking_units_only() -> None:
    report = fit(mixed())
    verdicts = {f.path: f.verdict for f in report.findings if f.aspect == "process"}
    host = ("into", "sigma", "on", "winner")
    assert verdicts == {"data": "ok", "first": "ok"} | dict.fromkeys(host, "warning")
    assert one(report, "sigma", "process").text == "loihi1_davies2018 has no SigmaDelta"
    assert "sigma.out has 24 bits, a spike carries no payload" in one(report, "on", "process").text
    assert "sigma, where it ends" in one(report, "into", "process").text
    note = one(report, "data", "input")
    assert (note.verdict, note.got) == ("note", "4 values a step")
    # What is on the host takes no core.
    assert {f.path for f in report.findings if f.aspect == "neurons"} == {"first"}
    assert report.passes


def test_a_programmable_chip_takes_them_with_a_program() -> None:
    report = fit(mixed(), programmable())
    verdicts = {f.path: f.verdict for f in report.findings if f.aspect == "process"}
    assert verdicts == {
        **dict.fromkeys(("data", "first", "into", "on"), "ok"),
        **dict.fromkeys(("sigma", "winner"), "note"),
    }
    assert "program" in one(report, "sigma", "process").text
    assert {f.path for f in report.findings if f.aspect == "neurons"} == {
        "first",
        "sigma",
        "winner",
    }


def test_a_payload_wider_than_a_spike_carries_goes_through_the_host() -> None:
    narrow = programmable()
    eight = machine(
        limits={"spike_payload_bits": 8},
        processes={"programmed": ["SigmaDelta", "WinnerTakeAll"]},
    )
    assert one(fit(mixed(), narrow), "on", "process").verdict == "ok"
    assert one(fit(mixed(), eight), "on", "process").text == (
        "sigma.out has 24 bits, a spike carries 8 bits"
    )


def test_noise_gates_and_held_spikes_are_named() -> None:
    graph = hg.Graph(
        "glauber",
        {
            "noise": hg.Noise(3),
            "mask": hg.Noise(3, "bernoulli", 0.5),
            "unit": hg.LIF(3, **FORGETFUL, when_off="hold"),
        },
        [hg.Connection("noise.out", "unit.n"), hg.Connection("mask.out", "unit.on")],
        domain="fixed",
    )
    warned = {(f.path, f.aspect) for f in fit(graph).of("warning")}
    assert warned == {
        ("noise", "process"),
        ("mask", "process"),
        *(("unit", aspect) for aspect in ("port n", "port on", "when_off")),
    }


def test_synapses_into_synapses_have_no_place() -> None:
    graph = hg.Graph(
        "chain",
        {
            "data": hg.Input(2, signal="spike"),
            "first": hg.Dense([[2, 1]]),
            "second": hg.Dense([[3]]),
            "unit": hg.LIF(1, **FORGETFUL),
        },
        [
            hg.Connection("data.out", "first.s"),
            hg.Connection("first.a", "second.s"),
            hg.Connection("second.a", "unit.a"),
        ],
        domain="fixed",
    )
    finding = one(fit(graph, programmable()), "second", "process")
    assert (finding.verdict, finding.text) == (
        "warning",
        "first.a enters it with no unit between them",
    )


# --- machines ----------------------------------------------------------------------------------


def test_loihi1_is_both_configs_with_the_same_limits() -> None:
    hardware, remark = find("loihi1")
    assert hardware.name == "loihi1_davies2018"
    assert "loihi1_nahuku holds the same" in remark
    assert find("loihi1_nahuku") == (load("loihi1_nahuku"), "")
    assert find("gpu")[0].name == "gpu_h200"
    assert fit(memory(4), "loihi1").remark == remark
    one_of = [fit(memory(4), f"loihi1_{name}").findings for name in ("davies2018", "nahuku")]
    assert one_of[0] == one_of[1]


def test_unknown_and_ambiguous_names_list_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid, match="loihi1_davies2018, loihi1_nahuku"):
        find("loihi3")

    def other(name: str) -> Hardware:
        return machine(limits={"cores": 64 if name.endswith("nahuku") else 128})

    monkeypatch.setattr("hebbgraph.preflight.machine.load", other)
    with pytest.raises(Invalid, match="must say which"):
        find("loihi1")


def test_a_machine_that_names_no_limits_says_so() -> None:
    report = fit(memory(4), "cpu_generic")
    assert report.passes
    assert (report.cores, report.chips) == (0, 0)
    assert one(report, "(graph)", "limits").verdict == "note"


@pytest.mark.parametrize("chips", [0, 1.5, True])
def test_bad_arguments_are_named(chips: Any) -> None:
    with pytest.raises(Invalid, match="chips"):
        check(memory(4), LOIHI, chips=chips)
    with pytest.raises(Invalid, match="must be a Graph"):
        check({}, LOIHI)  # type: ignore[arg-type]


def test_a_nested_graph_is_named_by_full_paths() -> None:
    graph = hg.Graph("outer", {"layer": memory(4)}, domain="fixed")
    assert one(fit(graph), "layer.memory", "neurons").got == 4


# --- the report --------------------------------------------------------------------------------


def test_the_report_as_text_and_as_json() -> None:
    report = fit(memory(512), machine(limits={"cores": 2}))
    lines = str(report).splitlines()
    assert lines[0] == report.headline()
    start = "memory does not pass on changed, 3 cores on 2 chips: 1 fault, 0 warnings, 0 notes"
    assert lines[0] == start
    assert "does it fit?" in lines
    assert any(line.split()[:3] == ["fault", "(graph)", "cores"] for line in lines)
    document = json.loads(json.dumps(report.as_dict()))
    assert document["passes"] is False
    assert document["graph_hash"] == memory(512).content_hash
    found = [Finding(**entry) for entry in document["findings"]]
    assert tuple(found) == report.findings
    assert str(found[0]) == "ok: cue process: Input, 512 wide; comes from outside"
