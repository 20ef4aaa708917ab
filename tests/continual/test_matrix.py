"""The accuracy matrix: measures by hand, and what is no matrix."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from hebbgraph.continual.matrix import MEASURES, report
from hebbgraph.errors import Invalid

NAN = float("nan")
R = [[0.9, 0.2, NAN], [0.95, 0.8, 0.3], [0.6, 0.7, 0.85]]


def test_measures_by_hand() -> None:
    found = report(R, baseline=[0.1, 0.1, 0.1])
    assert found.acc == pytest.approx((0.6 + 0.7 + 0.85) / 3)
    assert found.bwt == pytest.approx((-0.3 - 0.1) / 2)
    assert found.fwt == pytest.approx((0.1 + 0.2) / 2)
    assert found.forgetting == pytest.approx((0.35 + 0.1) / 2)  # task 0 was best after task 1
    assert found.forgetting_first == pytest.approx(-found.bwt)
    assert found.learning_accuracy == pytest.approx((0.9 + 0.8 + 0.85) / 3)
    assert found.average_incremental == pytest.approx((0.9 + 0.875 + (0.6 + 0.7 + 0.85) / 3) / 3)
    assert "ACC 71.67 %, BWT -20.00" in str(found)


def test_one_task_has_no_transfer() -> None:
    found = report([[0.5]], baseline=[0.1])
    assert found.acc == found.learning_accuracy == 0.5
    assert math.isnan(found.bwt)
    assert math.isnan(found.fwt)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["bwt"] is None


def test_every_measure_is_explained() -> None:
    assert set(report(R).as_dict()) - {"matrix"} == set(MEASURES)


@pytest.mark.parametrize(
    ("matrix", "need"),
    [
        ([[1, 2], [3, 4]], "divide percentages by 100"),
        ([[0.5, 0.5]], "must be \\(tasks, tasks\\)"),
        ([[0.5], [0.5, 0.5]], "square array"),
        ([[0.5, NAN], [NAN, 0.5]], "matrix\\[1, 0\\]"),
        (np.zeros((0, 0)), "must be \\(tasks, tasks\\)"),
    ],
)
def test_what_is_no_matrix_is_named(matrix: object, need: str) -> None:
    with pytest.raises(Invalid, match=need):
        report(matrix)  # type: ignore[arg-type]


def test_a_baseline_has_one_number_a_task() -> None:
    with pytest.raises(Invalid, match="one accuracy for each of 3 tasks"):
        report(R, baseline=[0.1])
