"""Variants of a machine: files that extend others, and knobs that scale costs by laws."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from hebbgraph.energy import energy
from hebbgraph.errors import Invalid
from hebbgraph.hardware import available, load, priceable
from tests.energy.test_energy import COUNTERS

OWN = "name: mine\ntitle: Mine\ndescription: A variant.\n"
COST = (
    "{component: synapse, value: 5, low: 4, high: 6, unit: pJ, source: boyle2025, kind: assumed,"
    " note: for a test}"
)


def variant(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


# --- extends -----------------------------------------------------------------------------------


def test_a_variant_says_only_what_differs(tmp_path: Path) -> None:
    text = f"{OWN}extends: loihi1_nahuku\ncosts:\n  synops_ac: {COST}\n"
    text += "limits: {source: davies2018, cores: 64}\nmesh: null\n"
    found, base = load(variant(tmp_path, text)), load("loihi1_nahuku")
    (cost,) = found.costs["synops_ac"]
    assert (cost.value, cost.scales, found.name) == (5e-12, {}, "mine")
    assert {k: v for k, v in found.costs.items() if k != "synops_ac"} == {
        k: v for k, v in base.costs.items() if k != "synops_ac"
    }
    assert found.limits is not None
    assert (found.limits.cores, found.limits.neurons_per_core) == (64, 1024)
    assert found.mesh is None
    assert (found.timing, found.numerics) == (base.timing, base.numerics)
    assert found.content_hash != base.content_hash
    # 250 synaptic operations at 5 pJ in place of 35.5.
    saved = energy(COUNTERS, base).dynamic.nominal - energy(COUNTERS, found).dynamic.nominal
    assert saved == pytest.approx(250 * 30.5e-12, rel=1e-12)


def test_the_hash_is_of_what_a_variant_means_not_of_how_it_is_written(tmp_path: Path) -> None:
    same = f"{OWN}extends: loihi1_nahuku\n"
    other = f"{OWN}extends: loihi1_nahuku\ncosts:\n  synops_ac: {COST}\n"
    first = load(variant(tmp_path, same, "a.yaml"))
    assert first.content_hash == load(variant(tmp_path, same + "\n# note\n", "b.yaml")).content_hash
    assert first.content_hash != load(variant(tmp_path, other, "c.yaml")).content_hash


def test_variants_extend_variants_beside_them(tmp_path: Path) -> None:
    variant(tmp_path, f"{OWN}extends: digital_45nm\nabsent: {{static: not told}}\n", "base.yaml")
    child = variant(tmp_path, f"{OWN}extends: base.yaml\ncovered: {{barriers: none}}\n")
    found = load(child)
    assert found.absent["static"] == "not told"
    assert found.absent["timing"] == load("digital_45nm").absent["timing"]
    assert found.covered["barriers"] == "none"


FAULTS = {
    "unknown base": ("extends: loihi1_nahuko\n", "mine.yaml: extends", "write loihi1_nahuku"),
    "no name": ("extends: [loihi1_nahuku]\n", "mine.yaml: extends", "name of a shipped config"),
    "no such file": ("extends: none.yaml\n", "none.yaml", "readable file"),
    "itself": ("extends: mine.yaml\n", "mine.yaml: extends", "mine.yaml -> mine.yaml"),
    "no source": (
        "extends: loihi1_nahuku\nlimits: {cores: 64}\n",
        "limits.source",
        "the source of what the variant changes",
    ),
    "covered in the base": (
        f"extends: loihi1_nahuku\ncosts:\n  synaptic_words: {COST}\n",
        "covered.synaptic_words",
        "must not stand in costs too",
    ),
    "half a figure": (
        "extends: loihi1_nahuku\ncosts:\n  synops_ac: {value: 3}\n",
        "costs.synops_ac.unit",
        "is needed",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_variant_is_refused(name: str, tmp_path: Path) -> None:
    text, where, words = FAULTS[name]
    with pytest.raises(Invalid) as caught:
        load(variant(tmp_path, OWN + text))
    assert where in str(caught.value)
    assert words in str(caught.value)


def test_a_circle_of_files_is_printed(tmp_path: Path) -> None:
    for name, base in (("a", "b"), ("b", "c"), ("c", "a")):
        variant(tmp_path, f"{OWN}extends: {base}.yaml\n", f"{name}.yaml")
    with pytest.raises(Invalid, match=r"a\.yaml -> b\.yaml -> c\.yaml -> a\.yaml"):
        load(tmp_path / "a.yaml")


def test_a_variant_needs_a_name_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load(variant(tmp_path, "extends: loihi1_nahuku\n"))
    places = {fault.where.rpartition(" ")[2] for fault in caught.value.faults}
    assert places == {"name", "title", "description"}


# --- laws --------------------------------------------------------------------------------------


def nominal(machine: Any, counter: str, component: str) -> float:
    return sum(c.value for c in machine.costs[counter] if c.component == component)


def test_laws_meet_the_published_points() -> None:
    """Additions 0.03 and 0.1 pJ, multiplications 0.2 and 3.1 pJ at 8 and 32 bits; reads of SRAM."""
    wide = load("digital_45nm")
    narrow = wide.at(state_bits=8)
    assert nominal(wide, "synops_ac", "synapse") == pytest.approx(0.1e-12)
    assert nominal(narrow, "synops_ac", "synapse") == pytest.approx(0.03e-12, rel=1e-3)
    assert nominal(wide, "synops_mac", "synapse") == pytest.approx(3.2e-12)
    assert nominal(narrow, "synops_mac", "synapse") == pytest.approx(0.23e-12, rel=1e-3)
    for size, published in ((8, 10e-12), (32, 20e-12), (1024, 100e-12)):
        (cost,) = wide.at(synaptic_kib=size).costs["synaptic_words"]
        assert cost.value == pytest.approx(published, rel=0.15)  # the points are no exact line
        assert cost.low <= published <= cost.high


@pytest.mark.parametrize("name", [n for n in available() if load(n).knobs])
def test_a_turned_knob_gives_another_machine_in_order(name: str) -> None:
    base = load(name)
    for knob, held in base.knobs.items():
        for value in (held.low, math.sqrt(held.low * held.high), held.high):
            found = base.at(**{knob: value})
            if value == held.value:
                assert found is base
                continue
            assert found.content_hash != base.content_hash
            assert found.name.startswith(f"{name}@{knob}=")
            assert found.knobs[knob].value == value
            for counter, entry in found.costs.items():
                for cost, before in zip(entry, base.costs[counter], strict=True):
                    assert 0 <= cost.low <= cost.value <= cost.high
                    assert (cost == before) == (knob not in cost.scales)


def test_setting_a_knob_back_is_no_change_twice() -> None:
    base = load("digital_45nm")
    once = base.at(state_bits=16)
    (back, _), (cost, _) = once.at(state_bits=32).costs["synops_ac"], base.costs["synops_ac"]
    assert back.value == pytest.approx(cost.value, rel=1e-14)
    assert back.high >= cost.high  # the width of the law is paid twice


def test_knobs_out_of_range_are_refused_all_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        load("digital_45nm").at(state_bits=64, synaptic_kb=1, state_kib="8")  # type: ignore[arg-type]
    text = str(caught.value)
    assert "must be 8 to 32 bits, where its laws hold (got 64)" in text
    assert "knobs are: state_bits, state_kib, synaptic_kib (got 1); write synaptic_kib" in text
    assert "must be a number of KiB" in text


# --- synthetic ---------------------------------------------------------------------------------


def test_guessed_energies_are_refused_unless_allowed() -> None:
    assert "loihi2_scaled" in set(available()) - set(priceable())
    with pytest.raises(Invalid, match="no energy of a Loihi 2 event was ever published") as caught:
        energy(COUNTERS, "loihi2_scaled")
    assert "--allow-synthetic" in caught.value.faults[0].remedy
    report = energy(COUNTERS, "loihi2_scaled", allow_synthetic=True)
    assert "SYNTHETIC" in str(report)
    assert "SYNTHETIC: no energy" in report.explain()
    assert report.as_dict()["synthetic"]
    assert report.latency is not None  # times and structure are the vendor's
    assert not energy(COUNTERS, "loihi1_nahuku", allow_synthetic=True).synthetic


def test_cores_in_use_draw_power_beside_chips() -> None:
    """Ten steps of 1 ms: one chip at 0.35 W and one core at 0.034 W."""
    report = energy(COUNTERS, "spinnaker1")
    assert report.static is not None
    assert report.static.nominal == pytest.approx(10e-3 * (0.35 + 0.034), rel=1e-12)
    assert report.static_reason.startswith("static power of 1 chip and 1 core in use")
    assert report.dynamic.nominal == pytest.approx(40e-9)  # 40 spikes at 1 nJ
