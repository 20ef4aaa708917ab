"""Plans: what runs, what only prices, what a job is named by."""

from __future__ import annotations

import pytest

from hebbgraph.errors import Invalid
from hebbgraph.hardware import load
from hebbgraph.sweep.jobs import Job
from hebbgraph.sweep.variants import followed, with_architecture, with_numerics
from tests.sweep.specs import planned


def test_architecture_shares_jobs_and_numerics_do_not() -> None:
    knobs = {"state_bits": [12, 24], "neurons_per_core": [8, 16, 1024], "hop_cost": [1.0, 4.0]}
    made = planned(knobs=knobs)
    assert len(made.points) == 12
    assert len(made.jobs) == 4  # two widths, two seeds
    assert len({point.key for point in made.points}) == 12
    assert all(job.keep for job in made.jobs)
    assert not any(job.keep for job in planned().jobs)


def test_every_setting_is_part_of_a_jobs_name() -> None:
    base = planned(knobs={"level": [0.1]}, seeds=[0]).jobs[0]
    for knobs, seeds in (
        ({"level": [0.2]}, [0]),
        ({"level": [0.1]}, [1]),
        ({"level": [0.1], "state_bits": [12]}, [0]),
        ({"level": [0.1], "density": [0.5]}, [0]),
        ({"level": [0.1], "weight_bits": [4]}, [0]),
    ):
        assert planned(knobs=knobs, seeds=seeds).jobs[0].key != base.key
    again = planned(knobs={"level": [0.1], "neurons_per_core": [4]}, seeds=[0]).jobs[0]
    assert again.key == base.key
    assert "numpy" in base.work["version"]
    assert Job({**base.work, "version": "another"}).key != base.key


def test_a_width_goes_to_the_model_where_it_has_one_else_to_the_chip() -> None:
    own = planned(knobs={"weight_bits": [4]}).jobs[0].work
    assert own["parameters"]["weight_bits"] == 4
    assert not own["numerics"]
    subject = {"model": "dense", "settings": {"domain": "fixed"}}
    chip = planned(subject=subject, knobs={"weight_bits": [4], "graded_bits": [8]}).jobs[0].work
    assert chip["numerics"] == {"weight_bits": 5}  # and the bit that mixed signs lose
    assert chip["parameters"]["payload_bits"] == 8
    straight = planned(knobs={"numerics.weight_bits": [5]}).jobs[0].work
    assert straight["numerics"] == {"weight_bits": 5}


def test_a_subject_has_knobs_of_its_own() -> None:
    subjects = {
        "a": {"model": "hopfield", "settings": {"domain": "fixed"}},
        "b": {"model": "bam", "knobs": {"level": [0.0, 0.1, 0.2], "steps": None}},
    }
    made = planned(subject=None, subjects=subjects, knobs={"level": [0.1], "steps": [4, 6]})
    counts = {name: sum(p.subject == name for p in made.points) for name in subjects}
    assert counts == {"a": 2, "b": 3}


def test_variants_change_one_thing_and_are_called_by_it() -> None:
    base = load("loihi1_nahuku")
    small = with_architecture(base, {"neurons_per_core": 16, "mesh_width": 2, "hop_cost": 3.0})
    assert small.limits is not None
    assert base.limits is not None
    assert small.limits.neurons_per_core == 16
    assert small.limits.axons_in_per_core == base.limits.axons_in_per_core
    assert small.mesh is not None
    assert small.mesh.width == 2
    assert small.costs["hops_x"][0].value == pytest.approx(3 * base.costs["hops_x"][0].value)
    assert small.costs["packets"] == base.costs["packets"]
    assert small.name.startswith("loihi1_nahuku+")
    assert small.content_hash != base.content_hash
    assert with_architecture(base, {"hop_cost": 1.0}).costs == base.costs
    plain = load("digital_45nm")
    assert with_architecture(plain, {"neurons_per_core": 16}) == plain
    narrow = with_numerics(base, {"state_bits": 12})
    assert narrow.numerics is not None
    assert narrow.numerics.state_bits == 12


def test_laws_follow_the_runs_knobs_within_their_range() -> None:
    base = load("loihi1_nahuku")
    assert followed(base, {}, {"weight_bits": 4}) == {"law.weight_bits": 4.0}
    assert followed(base, {}, {"weight_bits": 1}) == {"law.weight_bits": 2.0}
    assert followed(base, {"law.weight_bits": 8}, {"weight_bits": 4}) == {}


def test_a_continual_subject_is_checked() -> None:
    pytest.importorskip("snntorch")
    subject = {"kind": "continual", "preset": "quick"}
    made = planned(subject=subject, knobs={"weight_bits": [2, 4], "state_bits": [12, 24]}, seeds=1)
    assert len({job.group for job in made.jobs}) == 2  # one training for both widths of the chip
    with pytest.raises(Invalid, match="weight_bits must be 0"):
        planned(subject=subject, knobs={"weight_bits": [1]})
    with pytest.raises(Invalid, match="process graph"):
        planned(subject=subject, knobs={"state_bits": [12], "trainer": ["bptt"]})
