"""Specs: every fault at once with its line, ranges, strategies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hebbgraph.errors import Invalid
from hebbgraph.sweep import plan, read
from hebbgraph.sweep.example import SPEC
from hebbgraph.sweep.values import values_of
from tests.sweep.specs import planned

BAD = """\
name: bad
subjects:
  a:
    model: hopfield
    settings: {weight_bts: 4, steps: ten, hop_cost: 2}
  b: {model: hopfeld}
knobs:
  neuron_per_core: [16]
  density: [0.5, 2]
  steps: []
  state_bits: {from: 8, to: 32, count: 4}
  level: {uniform: [0, 1]}
  seed: [1, 2]
  law.weight_bits: [100]
seeds: [1, 1]
hardware: [loihi1_nahuku, loihi2_scaled]
objectives: [acuracy]
"""


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    spec, source = read(file)
    with pytest.raises(Invalid) as caught:
        plan(spec, source)
    text = str(caught.value)
    for line, words in (
        (5, "write weight_bits"),
        (5, "steps: must be a whole number"),
        (5, "hop_cost: must be under `knobs:`"),
        (6, "models are"),
        (8, "write neurons_per_core"),
        (9, "density: must be a number in 0 to 1 (got 2)"),
        (10, "steps: must have one value or more"),
        (11, "state_bits: must be a number in 2 to 24 (got 32)"),
        (12, "level: a grid needs a list or a range"),
        (13, "must be `seeds:`"),
        (14, "loihi1_nahuku: must be 2 to 9 bits"),
        (15, "all different"),
        (16, "allow_synthetic: true"),
        (17, "write accuracy"),
    ):
        found = [told for told in text.splitlines() if f"bad.yaml:{line}:" in told]
        assert any(words in told for told in found), (line, words, found)


def test_unknown_keys_and_bad_yaml_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("subject: {model: hopfield}\nknob: {level: [0]}\nhost: few\n")
    with pytest.raises(Invalid, match="write knobs") as caught:
        read(file)
    assert "bad.yaml:2: knob" in str(caught.value)
    assert "bad.yaml:3: host" in str(caught.value)
    file.write_text("subject: {model: hopfield}\nsubject: {model: bam}\n")
    with pytest.raises(Invalid, match="twice"):
        read(file)
    file.write_text("subject: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(Invalid, match="must be valid YAML"):
        read(file)
    with pytest.raises(Invalid, match="--example"):
        read(tmp_path / "none.yaml")


def test_one_subject_is_called_as_the_file_has_it(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("subject:\n  model: hopfield\n  settings: {stepps: 3}\n")
    spec, source = read(file)
    with pytest.raises(Invalid, match=r"one.yaml:3: subject.settings.stepps.*write steps"):
        plan(spec, source)


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ([1, 2], (1, 2)),
        (3, (3,)),
        ({"from": 0, "to": 4, "count": 3}, (0, 2, 4)),
        ({"from": 0.1, "to": 0.5, "step": 0.2}, (0.1, 0.3, 0.5)),
        ({"from": 1, "to": 100, "count": 3, "log": True}, (1, 10, 100)),
        ({"from": 4, "to": 64, "count": 3, "log": True, "whole": True}, (4, 16, 64)),
        ([[50], [100, 50]], ((50,), (100, 50))),
    ],
)
def test_lists_and_ranges(given: Any, values: tuple[Any, ...]) -> None:
    found, faults = values_of("knob", given)
    assert not faults
    assert found.listed == values
    assert [type(v) for v in found.listed] == [type(v) for v in values]


@pytest.mark.parametrize(
    "given",
    [
        [],
        [1, 1],
        [{}],
        [float("nan")],
        {"from": 0, "to": 1},
        {"from": 0, "to": 1, "count": 2, "log": True},
        {"from": 0, "to": 1, "step": -1},
        {"from": 0, "to": 1, "count": 0},
        {"from": "a", "to": 1, "count": 2},
        {"uniform": [1, 0]},
        {"log_uniform": [0, 1]},
        {"integers": [0.5, 2]},
        {"unifrom": [0, 1]},
        {},
    ],
)
def test_bad_values_are_refused(given: Any) -> None:
    assert values_of("knob", given)[1]


def test_settings_that_do_not_go_together_are_told_before_anything_runs() -> None:
    subject = {"model": "hopfield", "settings": {}}
    with pytest.raises(Invalid, match="domain must be fixed") as caught:
        planned(subject=subject, knobs={"steps": [1], "state_bits": [9]})
    assert "steps must be a whole number" in str(caught.value)


def test_random_points_are_those_of_the_seed() -> None:
    knobs = {"level": {"uniform": [0.0, 0.3]}, "count": {"log_integers": [2, 10]}}
    made = [planned(knobs=knobs, strategy={"kind": "random", "n": 7, "seed": s}) for s in (1, 1, 2)]
    first, again, other = ([dict(p.at) for p in one.points] for one in made)
    assert first == again != other
    assert len(first) == 7
    assert all(0 <= at["level"] <= 0.3 and 2 <= at["count"] <= 10 for at in first)
    few = planned(knobs={"count": [2, 3]}, strategy={"kind": "random", "n": 50})
    assert len(few.points) == 2


def test_listed_points() -> None:
    points = [{"level": 0.1}, {"level": 0.2, "neurons_per_core": 16}]
    made = planned(knobs={}, strategy={"kind": "points", "points": points})
    assert [dict(p.at) for p in made.points] == points
    assert made.placing
    with pytest.raises(Invalid, match=r"strategy.points.0.levle.*write level"):
        planned(knobs={}, strategy={"kind": "points", "points": [{"levle": 0.1}]})


def test_the_example_is_a_spec(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC)
    made = plan(*read(file))
    assert len(made.points) == 27
    assert len(made.jobs) == 27
