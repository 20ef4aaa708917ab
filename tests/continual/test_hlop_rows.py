"""How many rows a layer needs, and whether rows have converged: known answers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from hebbgraph.continual.rows import (
    Capacity,
    NotConverged,
    convergence,
    residual,
    rows_by_energy,
    spectrum,
    warn_unless_converged,
)
from hebbgraph.errors import Invalid

#: Signals along four orthogonal directions of energies 64, 25, 9 and 1; 99 in all.
AXES = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
SIGNALS = np.diag([8.0, 5.0, 3.0, 1.0]) @ AXES[:4]


def test_energies_are_those_of_the_directions() -> None:
    np.testing.assert_allclose(spectrum(SIGNALS), [64, 25, 9, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(spectrum(SIGNALS, AXES[[1]]), [64, 9, 1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(residual(SIGNALS, AXES[:4]), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("share", "rows"), [(0.6, 1), (64 / 99, 1), (0.65, 2), (89 / 99, 2), (0.9, 3), (0.99, 4)]
)
def test_the_fewest_rows_that_hold_enough(share: float, rows: int) -> None:
    assert rows_by_energy(SIGNALS, share=share) == rows


def test_what_old_rows_hold_need_not_be_held_again() -> None:
    assert rows_by_energy(SIGNALS, AXES[[0]], share=0.6) == 0
    assert rows_by_energy(SIGNALS, AXES[[0]], share=0.9) == 2
    assert rows_by_energy(SIGNALS, AXES[[1]], share=0.9) == 2
    # Old rows elsewhere hold nothing of it, but take room.
    assert rows_by_energy(SIGNALS, AXES[[4]], share=0.9) == 3
    assert rows_by_energy(SIGNALS, AXES[[4, 5, 3]], share=1.0, most=2) == 2
    assert rows_by_energy(np.eye(6), AXES[[0, 1]], share=1.0) == 4
    assert rows_by_energy(np.zeros((3, 6)), share=1.0) == 0


def test_convergence_is_measured_against_principal_directions() -> None:
    good = convergence(AXES[:2], SIGNALS)
    assert good is not None
    assert good.converged
    assert good.explained == pytest.approx(89 / 99) == good.possible
    # A fresh orthonormal row that points elsewhere; rows that have died; rows that doubled.
    for rows in (AXES[[3, 4]], 0.1 * AXES[:2], 1.5 * AXES[:2]):
        held = convergence(rows, SIGNALS)
        assert held is not None
        assert not held.converged
    assert convergence(np.zeros((0, 6)), SIGNALS) is None
    again = convergence(AXES[[1]], SIGNALS, old=AXES[[0]])
    assert again is not None
    assert again.explained == pytest.approx(25 / 35)


def test_one_warning_names_every_layer_that_did_not_converge() -> None:
    good, bad = convergence(AXES[:2], SIGNALS), convergence(AXES[[4]], SIGNALS)
    with pytest.warns(NotConverged, match=r"hlop, task 1: rows .* layer 2 .*, layer 3") as caught:
        assert warn_unless_converged("hlop", "task 1", [good, bad, bad, None])
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not warn_unless_converged("hlop", "task 1", [good, None])


def test_capacity_is_told_layer_by_layer() -> None:
    held = Capacity((16, 25), (64, 100))
    assert held.left == (48, 75)
    assert held.text() == "layer 1: 16 of 64 rows (25 %)\nlayer 2: 25 of 100 rows (25 %)"


def test_bad_input_is_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        rows_by_energy(SIGNALS, np.eye(3), share=0.0, most=-1)
    assert [fault.where for fault in caught.value.faults] == ["old", "share", "most"]
    with pytest.raises(Invalid, match="finite numbers"):
        rows_by_energy(np.full((2, 3), np.nan))
