"""What is done bit by bit, block by block or in place equals the plain expression."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hebbgraph.backends.snntorch import bounds
from hebbgraph.backends.snntorch.arithmetic import gated
from hebbgraph.backends.snntorch.bounds import in_octets, row_sums
from hebbgraph.backends.snntorch.parts.graded import GradedUnit, PolynomialUnit
from hebbgraph.processes import Domain, Graded, Polynomial

EXTREME = [0.0, -0.0, 1.5, -3.0, torch.inf, -torch.inf, torch.nan, 1e-45, 2.0**60]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_off_is_chosen_bit_by_bit(dtype: torch.dtype) -> None:
    value = torch.tensor(EXTREME, dtype=dtype).repeat(4, 1)
    on = torch.tensor([0.0, 1.0, -2.0, torch.nan], dtype=dtype).reshape(4, 1).expand_as(value)
    expected = gated(on, value, 0.0)
    with torch.inference_mode():
        found = gated(on, value, 0.0)
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.nan_to_num(7), expected.nan_to_num(7))
    assert found[1].isnan().any()
    assert not found[0].any()


@pytest.mark.parametrize("last", [127.0, -127.0, -128.0, 128.0, 0.5, torch.nan, torch.inf, 256.0])
def test_weights_fit_8_bits_or_do_not(last: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BLOCK", 10)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    weights = torch.arange(-60.0, 60.0).reshape(40, 3)
    weights[-1, -1] = last
    made = in_octets(weights)
    if abs(last) == 127:
        assert made is not None
        assert torch.equal(made.float(), weights)
    else:
        assert made is None
    halved = in_octets(2 * weights, 2)
    assert (halved is None) == (made is None)


def test_row_sums_of_either_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BLOCK", 12)
    matrix = torch.tensor(np.random.default_rng(0).integers(-9, 9, (7, 5)), dtype=torch.float32)
    assert torch.equal(row_sums(matrix), matrix.abs().sum(1))
    assert torch.equal(row_sums(matrix.t()), matrix.abs().sum(0))


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("zone", [0, 3])
@pytest.mark.parametrize("coefficients", [[5], [0, 2], [4, 0, -1], [0, 3, 0, 7], [0, 0, 0, 0, 1]])
def test_a_polynomial_in_place(coefficients: list[int], zone: int, domain: Domain) -> None:
    process = Polynomial(9, coefficients, divisor=3, dead_zone=zone, limit=20)
    unit = PolynomialUnit(process, domain)
    x = torch.arange(-13.0, 14.0, dtype=torch.float64).reshape(3, 9)
    on, out = torch.ones(3, 9, dtype=torch.float64), torch.full_like(x, 99)
    on[1] = 0
    with torch.inference_mode():
        unit(x, on=on, constants=unit.constants(), out=out)
    assert torch.equal(out, unit(x, on=on))
    exact = sum(c * x**k for k, c in enumerate(coefficients)) / 3
    assert isinstance(exact, torch.Tensor)
    exact = exact if domain == "float" else exact.floor()
    assert torch.allclose(out, torch.where((x.abs() >= zone) & (on != 0), exact, 0.0))


@pytest.mark.parametrize("domain", ["float", "fixed"])
@pytest.mark.parametrize("zone", [0, 2])
def test_clipping_in_place(zone: int, domain: Domain) -> None:
    unit = GradedUnit(Graded(9, bias=1, low=-4, high=5, dead_zone=zone), domain)
    x = torch.tensor(EXTREME, dtype=torch.float64).repeat(3, 1)
    out = torch.full_like(x, 99)
    with torch.inference_mode():
        unit(x, constants=unit.constants(), out=out)
    assert torch.equal(out, unit(x).detach())
    assert not out[:, 6].any()  # what is no number reaches no dead zone
