"""Hardware configs: what is shipped is sound; every fault is named with its place and remedy."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hebbgraph.counters import COUNTERS, LENGTHS
from hebbgraph.errors import Invalid
from hebbgraph.hardware import PLACEMENT_COUNTERS, Figure, Hardware, available, load, parse
from hebbgraph.hardware.faults import SECTIONS

SHIPPED = (
    "cpu_generic",
    "digital_45nm",
    "gpu_h200",
    "loihi1_davies2018",
    "loihi1_nahuku",
    "loihi2_scaled",
    "spinnaker1",
)


def minimal() -> dict[str, Any]:
    """Return the smallest useful config, as a file would give it."""
    cost = {
        "component": "synapse",
        "value": 23.6,
        "unit": "pJ",
        "source": "paper",
        "kind": "published",
        "low": 20,
        "high": 30,
        "note": "range assumed",
    }
    return {
        "name": "mine",
        "title": "My machine",
        "description": "A machine for tests.",
        "sources": {
            "paper": {
                "cite": "A paper, 2020",
                "doi": "10.1000/1",
                "basis": "analytic",
                "conditions": "45 nm",
            }
        },
        "costs": {"synops_ac": cost},
    }


def figures(hardware: Hardware) -> list[Figure]:
    powers = [power for power in (hardware.static, hardware.active_core) if power]
    costs = [cost for entry in hardware.costs.values() for cost in entry]
    return [*costs, *hardware.timing.values(), *powers]


# --- what is shipped ---------------------------------------------------------------------------


def test_the_shipped_configs_are_listed() -> None:
    assert set(SHIPPED) <= set(available())
    assert available() == sorted(available())


@pytest.mark.parametrize("name", available())
def test_a_shipped_config_is_sound(name: str) -> None:
    hardware = load(name)
    assert hardware.name == name
    assert figures(hardware)
    for figure in figures(hardware):
        source = hardware.sources[figure.source]
        assert source.doi or source.url or source.basis == "assumption"
        assert source.conditions
        assert figure.note
        assert 0 <= figure.low <= figure.value <= figure.high < float("inf")
        assert figure.unit == figure.UNIT
    used = {figure.source for figure in figures(hardware)}
    used |= {part.source for name in SECTIONS if (part := getattr(hardware, name))}
    used |= {law.source for law in hardware.laws.values()}
    used |= {"boyle2025"} if name == "loihi2_scaled" else set()  # what its guesses scale
    assert used == set(hardware.sources), "a source that no figure uses"
    # A section is there, or its absence has a reason; never both.
    for section in ("limits", "numerics", "timing", "static"):
        assert bool(getattr(hardware, section)) != (section in hardware.absent), section


#: Pays for what its cores compute by the time they take, not by event.
BY_TIME = "spinnaker1"


@pytest.mark.parametrize("name", [name for name in available() if name != BY_TIME])
def test_a_machine_pays_for_synapses_by_events_or_densely_not_both(name: str) -> None:
    hardware = load(name)
    assert ("synops_ac" in hardware.costs) != ("synops_dense" in hardware.costs)
    assert "synops_dense" in {*hardware.costs, *hardware.covered}
    assert {"neuron_accesses", "updates_active"} & set(hardware.costs)


def test_published_figures_are_as_published() -> None:
    davies, nahuku = load("loihi1_davies2018"), load("loihi1_nahuku")
    (synop,) = davies.costs["synops_ac"]
    assert (synop.value, synop.bound) == (23.6e-12, "lower")
    assert [davies.costs[f"updates_{kind}"][0].value for kind in ("active", "idle")] == [
        81e-12,
        52e-12,
    ]
    fitted = ("synops_ac", "neuron_accesses", "updates_active", "spikes", "packets")
    assert [nahuku.costs[c][0].value for c in fitted] == [
        35.5e-12,
        51.2e-12,
        21.6e-12,
        69.3e-12,
        111e-12,
    ]
    assert nahuku.static is not None
    assert nahuku.static.value == 0.104
    peak_rate = 67e12 / 2  # fp32 multiply-adds per second
    assert load("gpu_h200").costs["synops_dense"][0].value == pytest.approx(700 / peak_rate, 0.01)


def test_loihi_has_its_numerics_and_limits() -> None:
    hardware = load("loihi1_davies2018")
    assert hardware.numerics is not None
    assert hardware.limits is not None
    assert hardware.numerics.weight_bits == 9
    assert hardware.numerics.threshold_mantissa_bits == 17
    assert hardware.limits.synaptic_bits_per_core == 16384 * 64
    # 8-bit dense synapses take 9 bits, which gives the known 116,508 synapses per core.
    assert hardware.limits.synaptic_bits_per_core // 9 == 116508
    memory = hardware.synaptic_memory
    assert memory is not None
    block = memory.synapses_per_block * memory.weight_formats[-1] + memory.header_bits
    assert -(-block // memory.word_bits) * memory.word_bits == 9 * memory.synapses_per_block


def test_loihi_says_what_it_learns_and_which_kinds_it_has() -> None:
    hardware = load("loihi1_davies2018")
    assert hardware.learning is not None
    assert hardware.processes is not None
    assert (hardware.learning.trace_bits, hardware.learning.third_factors) == (7, ("all",))
    assert (hardware.learning.min_epoch, hardware.learning.max_epoch) == (2, 63)
    assert {"LIF", "Dense"} <= set(hardware.processes.native)
    assert "Softmax" not in {*hardware.processes.native, *hardware.processes.programmed}


# --- loading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "power"), [("fJ", -15), ("pJ", -12), ("nJ", -9), ("µJ", -6), ("mJ", -3), ("J", 0)]
)
def test_units_become_si_through_decimal_digits(unit: str, power: int) -> None:
    data = minimal()
    data["costs"]["synops_ac"]["unit"] = unit
    (cost,) = parse(data).costs["synops_ac"]
    assert (cost.value, cost.unit) == (float(f"23.6e{power}"), "J")
    assert (cost.low, cost.high) == (float(f"20e{power}"), float(f"30e{power}"))


def test_a_counter_may_have_several_costs() -> None:
    data = minimal()
    cost = data["costs"]["synops_ac"]
    data["costs"]["synops_ac"] = [cost, {**cost, "component": "memory"}]
    assert [c.component for c in parse(data).costs["synops_ac"]] == ["synapse", "memory"]


def test_a_config_cannot_be_changed() -> None:
    hardware = parse(minimal())
    with pytest.raises(ValueError, match="frozen"):
        hardware.name = "other"
    with pytest.raises(TypeError):
        hardware.costs["spikes"] = ()  # type: ignore[index]


def test_the_hash_is_of_the_content() -> None:
    data = minimal()
    same = copy.deepcopy(data)
    same["costs"]["synops_ac"] |= {"value": 0.0236, "low": 0.02, "high": 0.03, "unit": "nJ"}
    assert parse(data).content_hash == parse(dict(reversed(same.items()))).content_hash
    same["costs"]["synops_ac"]["high"] = 0.031
    assert parse(data).content_hash != parse(same).content_hash
    assert load("gpu_h200").content_hash == load("gpu_h200").content_hash


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(minimal()))
    assert load(path) == load(str(path)) == parse(minimal())


def test_importing_the_package_leaves_pydantic_and_yaml_alone() -> None:
    heavy = "{'pydantic', 'yaml'} & set(sys.modules)"
    code = f"import sys, hebbgraph; sys.exit(str({heavy}) if {heavy} else 0)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- faults ------------------------------------------------------------------------------------

COST = "costs.synops_ac"

#: path of the change, new value (None removes it), place of the fault, words of need, of remedy.
FAULTS: dict[str, tuple[str, Any, str, str, str]] = {
    "unknown key": (f"{COST}.valeu", 1, f"{COST}.valeu", "keys here are: value, unit", "value"),
    "unknown key at the top": ("statik", {}, "statik", "keys here are: name", "write static"),
    "unknown key of a source": ("sources.paper.year", 1, "sources.paper.year", "cite, doi", ""),
    "no source": (f"{COST}.source", None, f"{COST}.source", "is needed", "add it"),
    "no range": (f"{COST}.low", None, f"{COST}.low", "is needed", "add it"),
    "no note": (f"{COST}.note", "", f"{COST}.note", "must not be empty", "write it"),
    "unknown source": (f"{COST}.source", "x", f"{COST}.source", "a key of sources: paper", "add"),
    "source without doi": ("sources.paper.doi", None, "sources.paper", "a doi or a url", "add"),
    "unknown basis": ("sources.paper.basis", "hope", "sources.paper.basis", "'datasheet'", ""),
    "unknown unit": (f"{COST}.unit", "cal", f"{COST}.unit", "a unit of J: J, kJ, mJ", ""),
    "wrong unit": (f"{COST}.unit", "ns", f"{COST}.unit", "must be a unit of J", ""),
    "low above value": (
        f"{COST}.low",
        24,
        f"{COST}.low",
        "must not exceed value (23.6 pJ)",
        "swap",
    ),
    "value above high": (
        f"{COST}.high",
        23,
        f"{COST}.high",
        "not be below value (23.6 pJ)",
        "swap",
    ),
    "negative": (f"{COST}.low", -1, f"{COST}.low", "must be 0 or more", ""),
    "NaN": (f"{COST}.value", float("nan"), f"{COST}.value", "a finite number", "remove NaN"),
    "infinite": (f"{COST}.high", float("inf"), f"{COST}.high", "a finite number", "remove NaN"),
    "text for a number": (f"{COST}.value", "1e-3", f"{COST}.value", "must be a number", "1.0e-3"),
    "truth for a number": (f"{COST}.value", True, f"{COST}.value", "must be a number", ""),
    "unknown counter": ("costs.synop_ac", {}, "costs.synop_ac", "must be a counter", "synops_ac"),
    "unknown kind": (f"{COST}.kind", "guessed", f"{COST}.kind", "'published'", ""),
    "unknown component": (f"{COST}.component", "axon", f"{COST}.component", "'spike_out'", ""),
    "learning elsewhere": (f"{COST}.component", "learning", f"{COST}.component", "counters", ""),
    "not a minimum": (f"{COST}.bound", "lower", f"{COST}.low", "must equal value", "nominal"),
    "priced and covered": (
        "covered",
        {"synops_ac": "x"},
        "covered.synops_ac",
        "in costs",
        "remove",
    ),
    "power in joules": (
        "static",
        {"value": 1, "unit": "J", "source": "paper", "kind": "assumed"}
        | {"low": 1, "high": 1, "note": "x"},
        "static.unit",
        "a unit of W",
        "",
    ),
    "cost is text": (COST, "free", COST, "must be a mapping", "indent"),
    "costs empty": (COST, [], COST, "at least 1", "add one"),
    "no costs": ("costs", None, "costs", "is needed", "add it"),
    "costs a list": ("costs", [1], "costs", "must be a mapping", "indent"),
    "name with a space": ("name", "my chip", "name", "must match", ""),
    "absent of what": ("absent", {"statik": "x"}, "absent.statik", "'static'", ""),
    "fraction of a core": (
        "limits",
        {"source": "paper", "cores": 1.5},
        "limits.cores",
        "whole",
        "",
    ),
    "unknown process kind": (
        "processes",
        {"source": "paper", "native": ["LIFE"]},
        "processes.native.0",
        "must be a process kind",
        "write LIF",
    ),
    "learning of no source": (
        "learning",
        {"source": "y"},
        "learning.source",
        "a key of sources",
        "add",
    ),
    "exponents out of order": (
        "laws",
        {"linear": {"exponent": 1, "low": 2, "high": 3, "source": "paper", "kind": "assumed"}},
        "laws.linear",
        "must be in order",
        "swap",
    ),
    "law of no source": ("laws", {"x": {"source": "y"}}, "laws.x.source", "key of sources", "add"),
    "knob from 0": (
        "knobs",
        {"bits": {"value": 8, "low": 0, "high": 9, "unit": "bits", "note": "x"}},
        "knobs.bits.low",
        "must be above 0",
        "",
    ),
    "knob out of order": (
        "knobs",
        {"bits": {"value": 8, "low": 9, "high": 9, "unit": "bits", "note": "x"}},
        "knobs.bits.low",
        "must not exceed value",
        "swap",
    ),
    "limits without source": ("limits", {"cores": 1}, "limits.source", "is needed", "add it"),
    "limits of no source": ("limits", {"source": "y"}, "limits.source", "a key of sources", "add"),
}


def changed(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *parents, last = path.split(".")
    part = data
    for key in parents:
        part = part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return data


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_file_place_need_and_remedy(name: str, tmp_path: Path) -> None:
    path, value, where, need, remedy = FAULTS[name]
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(changed(minimal(), path, value)))
    with pytest.raises(Invalid) as caught:
        load(file)
    found = [f for f in caught.value.faults if f.where.endswith(f": {where}")]
    assert len(found) == 1, str(caught.value)
    assert need in found[0].need
    assert remedy in found[0].remedy
    assert found[0].got
    assert "{" not in found[0].need


def test_a_fault_names_its_line(tmp_path: Path) -> None:
    text = """\
name: mine
title: My machine
description: For tests.
sources:
  paper: {cite: A paper, doi: 10.1000/1, basis: analytic, conditions: none}
costs:
  synops_ac:
    - component: synapse
      value: 2
      low: 3
      high: 4
      unit: pJ
      source: paper
      kind: published
      note: x
    - {component: memory, value: 1, low: 1, high: 1, unit: pJ, kind: published, note: x}
limits:
  cores: 4
"""
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(Invalid) as caught:
        load(file)
    assert [fault.where.removeprefix(str(file)) for fault in caught.value.faults] == [
        ":17: limits.source",
        ":16: costs.synops_ac.1.source",
        ":10: costs.synops_ac.0.low",
    ]


def test_all_faults_come_at_once() -> None:
    data = minimal()
    changed(data, f"{COST}.source", "nowhere")
    changed(data, f"{COST}.low", 24)
    changed(data, f"{COST}.unit", "cal")
    changed(data, "sources.paper.doi", None)
    changed(data, "colour", "blue")
    changed(data, "title", "")
    data["costs"]["spikes"] = [{**minimal()["costs"]["synops_ac"], "value": -1}]
    with pytest.raises(Invalid) as caught:
        parse(data, "mine.yaml")
    places = {fault.where.removeprefix("mine.yaml: ") for fault in caught.value.faults}
    assert places == {
        f"{COST}.source",
        f"{COST}.low",
        f"{COST}.unit",
        "sources.paper",
        "colour",
        "title",
        "costs.spikes.0.value",
        "costs.spikes.0.low",
    }


def test_a_cost_names_knobs_and_laws_that_are_there() -> None:
    with pytest.raises(Invalid) as caught:
        parse(changed(minimal(), f"{COST}.scales", {"bits": "linear"}))
    knob, law = caught.value.faults
    assert knob.where == law.where == f"hardware: {COST}.scales.bits"
    assert (knob.need, law.need) == (
        "must be a key of knobs: there are none",
        "must be a key of laws: there are none",
    )


DAMAGED = {
    "a syntax error": (b"name: mine\ntitle: [1, 2\ncosts: 3\n", "line 3, column 6", "valid YAML"),
    "a tab": (b"name: mine\n\ttitle: x\n", "line 2, column 1", "valid YAML"),
    "a key twice": (b"name: a\ntitle: b\nname: c\n", "line 3, column 1", "each key once"),
    "a nested key twice": (b"costs:\n  a: 1\n  a: 2\n", "line 3, column 3", "each key once"),
    "an object": (b"name: !!python/object:os.system {}\n", "line 1, column 7", "valid YAML"),
    "two documents": (b"a: 1\n---\nb: 2\n", "line 2", "valid YAML"),
    "nothing": (b"", "", "must be a mapping"),
    "comments only": (b"# to do\n", "", "must be a mapping"),
    "a list": (b"- name\n", "", "must be a mapping"),
    "a word": (b"hello\n", "", "must be a mapping"),
    "latin-1": ("title: caf\u00e9\n".encode("latin-1"), "", "UTF-8"),
    "a control character": (b"title: \x00\n", "", "valid YAML"),
    "an impossible date": (b"title: 2020-13-45\n", "", "valid YAML"),
    "an unhashable key": (b"{[1]: 2}\n", "line 1", "valid YAML"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named_with_its_line(name: str, tmp_path: Path) -> None:
    raw, where, need = DAMAGED[name]
    file = tmp_path / "bad.yaml"
    file.write_bytes(raw)
    with pytest.raises(Invalid) as caught:
        load(file)
    (fault,) = caught.value.faults
    assert fault.where.startswith(str(file))
    assert where in fault.where
    assert need in fault.need
    assert fault.remedy


def test_a_mapping_that_holds_itself_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "loop.yaml"
    file.write_text("&a\nname: mine\ncosts: *a\n")
    with pytest.raises(Invalid, match="costs"):
        load(file)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file") as caught:
        load(tmp_path / "none.yaml")
    assert "none.yaml" in caught.value.faults[0].where
    with pytest.raises(Invalid, match="readable file"):
        load(tmp_path)
    with pytest.raises(Invalid, match="No such file"):
        load("./loihi1_nahuku")


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(Invalid, match="loihi1_davies2018, loihi1_nahuku") as caught:
        load("loihi1_nahuko")
    assert caught.value.faults[0].remedy == "write loihi1_nahuku"


def test_every_counter_can_be_priced() -> None:
    for counter in (*COUNTERS, *PLACEMENT_COUNTERS):
        data = minimal()
        cost = data["costs"].pop("synops_ac")
        learns = counter in ("weight_updates", "learning_visits", "trace_updates")
        learns = learns or counter in ("third_factor_ops", "random_draws")
        data["costs"][counter] = cost | {"component": "learning" if learns else "host"}
        assert list(parse(data).costs) == [counter]
    assert set(COUNTERS) >= LENGTHS
