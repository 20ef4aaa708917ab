"""run_recall end to end: stand-ins whose answer is known by hand, then the Hopfield memory."""

from __future__ import annotations

import dataclasses
import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hebbgraph import LIF, Connection, Dense, Graph, Input, family
from hebbgraph.counters import Counters, added
from hebbgraph.data import PatternSet, load, random_patterns, sparse_patterns
from hebbgraph.errors import Invalid
from hebbgraph.family import Family
from hebbgraph.harness import METRICS, RecallReport, RecallTask, run_recall
from hebbgraph.models import hopfield

POOL = random_patterns(20, 30, seed=0)
TASK = RecallTask(POOL, 4, "flip", 0.2, cues_per_pattern=3, seeds=(0, 1, 2), steps=6)


def stand_in(
    patterns: NDArray[np.int8], weight: float, bias: float, cue: str = "cue", memory: str = "memory"
) -> Graph:
    """Return a memory that forgets its patterns: v_i = weight s_i(t-1) + bias + cue."""
    units = patterns.shape[1]
    return Graph(
        "stand_in",
        {
            cue: Input(units, gain=abs(bias) + 1),
            memory: LIF(units, bias=bias, threshold=0),
            "loop": Dense(weight * np.eye(units)),
        },
        [
            Connection(f"{cue}.out", f"{memory}.a"),
            Connection(f"{memory}.s", "loop.s"),
            Connection("loop.a", f"{memory}.a"),
        ],
    )


holds = Family(partial(stand_in, weight=2, bias=-1))
blinks = Family(partial(stand_in, weight=-2, bias=1))
falls_silent = Family(partial(stand_in, weight=0, bias=0))
HEBBIAN = hopfield.FAMILY.bound(rule="hebbian")


def without_time(report: RecallReport) -> dict[str, Any]:
    """Return the metrics per seed but for the one that is a clock's."""
    return {name: row for name, row in report.per_seed.items() if name != "wall_seconds"}


# --- stand-ins ---------------------------------------------------------------------------------


def test_a_memory_that_holds_its_cue_recalls_what_the_baseline_knows() -> None:
    report = run_recall(TASK, holds)
    flipped = round(0.2 * 30)
    assert report.metrics["overlap"].mean == pytest.approx(1 - 12 / 30, abs=1e-15)
    assert report.metrics["overlap"] == report.metrics["cue_overlap"]
    assert report.metrics["hamming"].mean == flipped
    assert report.metrics["exact"].mean == 0
    assert report.metrics["settled"].mean == 1
    assert report.metrics["steps_to_settle"].mean == 0
    assert report.metrics["spurious"].mean == 1
    assert report.per_seed["identification"] == tuple(
        _nearest_by_hand(POOL.patterns[TASK.stored(s)], TASK.cues(s, TASK.stored(s)))
        for s in TASK.seeds
    )
    assert report.metrics["identification"] == report.baselines["nearest_stored"]


def _nearest_by_hand(stored: NDArray[np.int8], cues: NDArray[np.int8]) -> float:
    right = 0
    for episode, cue in enumerate(cues):
        distances = [int((cue != pattern).sum()) for pattern in stored]
        best = min(distances)
        right += distances.count(best) == 1 and distances.index(best) == episode // 3
    return right / len(cues)


def test_clean_cues_held_are_exact() -> None:
    report = run_recall(dataclasses.replace(TASK, level=0.0), holds)
    for name in ("overlap", "exact", "identification", "settled"):
        assert report.per_seed[name] == (1.0, 1.0, 1.0)
    assert report.metrics["spurious"].mean == 0


def test_a_memory_that_blinks_never_settles() -> None:
    report = run_recall(TASK, blinks)
    assert report.metrics["settled"].mean == 0
    assert report.metrics["period_two"].mean == 1
    for name in ("steps_to_settle", "spurious", "mixture"):
        assert report.metrics[name].n == 0
        assert math.isnan(report.metrics[name].mean)
    assert report.as_dict()["metrics"]["spurious"]["mean"] is None
    # An even number of steps ends in the negative of the cue.
    assert report.metrics["overlap"].mean == pytest.approx(-(1 - 12 / 30), abs=1e-15)


def test_spikes_and_synops_of_a_memory_that_falls_silent_are_those_of_the_cues() -> None:
    report = run_recall(TASK, falls_silent)
    per_seed = [
        np.count_nonzero(TASK.cues(seed, TASK.stored(seed)) > 0) / TASK.recalls
        for seed in TASK.seeds
    ]
    assert report.per_seed["spikes_per_recall"] == tuple(per_seed)
    assert report.per_seed["synops_per_recall"] == (0, 0, 0)  # all weights are 0
    assert report.metrics["steps_to_settle"].mean == 1
    assert report.recalls == 36
    assert report.counters.episodes == 36
    assert report.counters.timesteps == 36 * 6
    assert report.counters.total("spikes") == pytest.approx(sum(per_seed) * TASK.recalls)


def test_holding_costs_one_synop_per_spike_delivered() -> None:
    report = run_recall(TASK, holds)
    spikes = np.array(report.per_seed["spikes_per_recall"])
    # The spikes of the last step are still under way when the episode ends.
    assert report.per_seed["synops_per_recall"] == pytest.approx(spikes * 5 / 6)


def test_processes_can_have_other_names() -> None:
    renamed = dataclasses.replace(
        holds.bound(cue="query", memory="net"),
        present=lambda cues: {"query": cues[:, np.newaxis]},
        read=lambda result: 2 * result.spikes["net"].astype(np.int8) - 1,
    )
    report = run_recall(TASK, renamed)
    assert without_time(report) == without_time(run_recall(TASK, holds))


def test_added_counters_sum_count_by_count() -> None:
    report = run_recall(TASK, holds)
    parts = [run_recall(dataclasses.replace(TASK, seeds=(s,)), holds).counters for s in TASK.seeds]
    total = added(added(parts[0], parts[1]), parts[2])
    assert total == report.counters
    assert total.totals() == {k: sum(p.totals()[k] for p in parts) for k in total.totals()}
    assert isinstance(total, Counters)


# --- what is kept ------------------------------------------------------------------------------


def test_examples_show_the_recall_of_the_first_seed() -> None:
    report = run_recall(TASK, holds, examples=3)
    assert len(report.examples) == 3
    for example in report.examples:
        assert example.seed == 0
        assert example.row in TASK.stored(0)
        assert np.array_equal(example.target, POOL.patterns[example.row])
        assert example.states.shape == (6, 30)
        assert (example.states == example.cue).all()
        assert np.count_nonzero(example.cue != example.target) == 6
    assert len({example.row for example in report.examples}) == 3
    assert report.raster is not None
    assert np.array_equal(report.raster, report.examples[0].states > 0)


def test_no_examples_wanted_none_kept() -> None:
    report = run_recall(TASK, holds, examples=0)
    assert report.examples == ()
    assert report.raster is None


def test_results_are_kept_while_they_fit() -> None:
    everything = run_recall(TASK, holds).results
    assert list(everything) == [0, 1, 2]
    assert everything[1].spikes["memory"].shape == (12, 6, 30)
    one = everything[0]
    size = sum(a.nbytes for part in (one.spikes, one.weights) for a in part.values())
    assert list(run_recall(TASK, holds, keep_bytes=2 * size).results) == [0, 1]
    assert list(run_recall(TASK, holds, keep_bytes=2 * size - 1).results) == [0]
    assert list(run_recall(TASK, holds, keep_bytes=0).results) == []


def test_progress_rises_to_the_total() -> None:
    told: list[tuple[int, int, str]] = []
    run_recall(TASK, holds, progress=lambda *said: told.append(said))
    done = [one[0] for one in told]
    assert done == sorted(done)
    assert done[-1] == 18
    assert {one[1] for one in told} == {18}
    assert told[-1][2] == "seed 2 (3 of 3)"


def test_the_report_is_json_with_every_metric_explained() -> None:
    report = run_recall(TASK, holds)
    document = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert document["task"]["units"] == 30
    assert document["task"]["seeds"] == [0, 1, 2]
    assert document["backend"] == "reference"
    assert set(document["metrics"]) == set(METRICS) - {"class_accuracy"}  # no labels here
    assert len(document["per_seed"]["overlap"]) == 3
    assert len(document["graph_hashes"]) == 3


def test_runs_repeat_and_seeds_are_independent_of_each_other() -> None:
    noisy = dataclasses.replace(TASK, level=0.3)
    first = without_time(run_recall(noisy, HEBBIAN))
    assert first == without_time(run_recall(noisy, HEBBIAN))
    alone = without_time(run_recall(dataclasses.replace(noisy, seeds=(2,)), HEBBIAN))
    assert alone == {name: row[2:] for name, row in first.items()}
    assert len(set(first["overlap"])) > 1


# --- the Hopfield memory -----------------------------------------------------------------------


def digits_task(**changes: Any) -> RecallTask:
    pytest.importorskip("sklearn", reason="digits need scikit-learn")
    given: dict[str, Any] = {"level": 0.1, "cues_per_pattern": 4, "seeds": (0, 1, 2)}
    return RecallTask(load("digits"), 10, **(given | {"per_class": 1, "steps": 15} | changes))


def test_pseudo_inverse_recalls_digits_and_hebbian_collapses_onto_their_mean() -> None:
    good = run_recall(digits_task(), hopfield.FAMILY.bound(rule="pseudo_inverse"))
    assert good.metrics["exact"].mean > 0.97
    assert good.metrics["class_accuracy"].mean > 0.97
    assert good.metrics["overlap"].mean > good.metrics["cue_overlap"].mean
    bad = run_recall(digits_task(), HEBBIAN)
    assert bad.metrics["mean_image_overlap"].mean > 0.95
    assert bad.metrics["mixture"].mean > 0.5
    assert bad.metrics["identification"].mean < 0.3
    # The same cues, whatever the memory: the baselines are equal, and shame the Hebbian rule.
    assert bad.baselines == good.baselines
    assert set(good.baselines) == {"nearest_stored", "nearest_mean", "nearest_stored_class"}
    assert bad.baselines["nearest_mean"].mean > bad.metrics["class_accuracy"].mean


@pytest.mark.parametrize(
    ("corruption", "level"), [("flip", 0.15), ("occlusion", 0.3), ("salt_and_pepper", 0.4)]
)
def test_both_domains_recall_alike(corruption: str, level: float) -> None:
    task = digits_task(corruption=corruption, level=level, seeds=(0, 1))
    floating, fixed = (run_recall(task, hopfield.FAMILY, domain=d) for d in ("float", "fixed"))
    assert (floating.domain, fixed.domain) == ("float", "fixed")
    assert without_time(floating) == without_time(fixed)
    for seed in task.seeds:
        ours, theirs = floating.results[seed].spikes, fixed.results[seed].spikes
        assert np.array_equal(ours["memory"], theirs["memory"])
    for one in (floating, fixed):
        first = one.results[0].spikes["memory"][:, 0]
        assert np.array_equal(first, task.cues(0, task.stored(0)) > 0)  # step 0 shows the cue


# --- what can be wrong -------------------------------------------------------------------------


def test_a_task_names_every_fault() -> None:
    with pytest.raises(Invalid) as error:
        RecallTask(POOL, 0, "blur", 1.5, cues_per_pattern=0, seeds=(), steps=1)
    wheres = [fault.where for fault in error.value.faults]
    assert wheres == ["corruption", "level", "count", "cues_per_pattern", "steps", "seeds"]


@pytest.mark.parametrize(
    ("seeds", "need"),
    [((0, 0), "distinct"), ((0.5,), "whole numbers"), (7, "a list"), ("01", "a list")],
)
def test_bad_seeds_are_named(seeds: Any, need: str) -> None:
    with pytest.raises(Invalid, match=need):
        RecallTask(POOL, 2, seeds=seeds)


def test_a_task_asks_for_no_more_patterns_than_there_are() -> None:
    with pytest.raises(Invalid, match=r"\[1, 20\]"):
        RecallTask(POOL, 21)
    with pytest.raises(Invalid, match="has no classes"):
        RecallTask(POOL, 4, per_class=1)


def test_seeds_may_be_a_range() -> None:
    assert RecallTask(POOL, 2, seeds=range(3)).seeds == (0, 1, 2)


def test_a_graph_that_breaks_the_contract_is_answered_with_all_faults() -> None:
    with pytest.raises(Invalid) as error:
        run_recall(TASK, holds.bound(cue="query"))
    text = str(error.value)
    assert "cue: must be an Input of 30 units, to show cues to (got no such process)" in text
    assert "query: must not be there" in text
    with pytest.raises(Invalid, match=r"must be an Input of 30 units.*got 29 units"):
        run_recall(TASK, Family(lambda patterns: holds.build(patterns[:, :-1])))
    half = dataclasses.replace(holds, read=lambda result: family.read_signs(result)[..., ::2])
    with pytest.raises(Invalid, match=r"states read: .* \(12, 6, 15\)"):
        run_recall(TASK, half)


def test_patterns_of_another_alphabet_are_refused() -> None:
    task = RecallTask(sparse_patterns(4, 30, 0), 2, "move", 0.5)
    with pytest.raises(Invalid, match="must be bipolar patterns for this memory"):
        run_recall(task, holds)


def test_a_second_input_is_named() -> None:
    def build(patterns: NDArray[np.int8]) -> Graph:
        graph = holds.build(patterns)
        return dataclasses.replace(graph, processes={**graph.processes, "teacher": Input(3)})

    with pytest.raises(Invalid, match="teacher: must not be there"):
        run_recall(TASK, Family(build))


def test_unknown_engines_and_options_are_named() -> None:
    with pytest.raises(Invalid, match="back ends are reference"):
        run_recall(TASK, holds, backend="abacus")
    with pytest.raises(Invalid, match="options of reference are"):
        run_recall(TASK, holds, options={"beads": 10})


def test_labels_bring_class_accuracy() -> None:
    pool = PatternSet("pairs", POOL.patterns, labels=np.arange(20) // 2)
    report = run_recall(RecallTask(pool, 6, "flip", 0.4, seeds=(0, 1), per_class=2), holds)
    assert report.metrics["class_accuracy"] == report.baselines["nearest_stored_class"]
    assert report.metrics["class_accuracy"].mean >= report.metrics["identification"].mean
