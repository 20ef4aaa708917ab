"""Monte Carlo of dense memories outside any graph: long runs at a temperature, many at once.

A memory of p-body couplings between distinct units with the weights w_h (hidden units, N)::

    H(sigma) = -sum_h e_p(w_h1 sigma_1 .. w_hN sigma_N) = -sum_i sigma_i h_i / p
    h_i      = sum_h w_hi e_{p-1}({w_hj sigma_j}, j != i)

Two ways to spare the N**(p-1) terms of h_i:

- `glauber` is exact: e_{p-1} follows from the overlaps S_h alone (for w_hj**2 = 1), and a flip
  changes each S_h by one weight. An update costs as many operations as there are hidden units.
- `mean_field` is an approximation, the expansion of Plefka (J. Phys. A 15, 1982,
  doi:10.1088/0305-4470/15/6/035): probabilities instead of samples, all units at once. First order
  is naive; second order adds the reaction of the other units. The papers on dense Hebbian networks
  (arXiv:2211.14067, 2212.00606) speed up their Monte Carlo by Plefka's approximation too; the form
  here was derived for the visible-hidden network and not taken from them.

Temperatures are those of the plain fields. The couplings of all hidden units count alike, so that a
pattern that is stored once has a field of e_{p-1}(N - 1 units) at itself: `signal`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.processes.polynomial import distinct
from hebbgraph.random import stream

Values = NDArray[np.float64]

#: The most units whose states are enumerated, and states looked at at once.
ENUMERATED, CHUNK = 20, 8192


def signal(units: int, p: int) -> float:
    """Return the field of one stored pattern at itself, C(N - 1, p - 1)."""
    return float(math.comb(units - 1, p - 1))


def fields(weights: ArrayLike, states: ArrayLike, p: int) -> Values:
    """Return h_i of `states` (..., N) of -1 and +1, from overlaps only, shape (..., N)."""
    w, sigma = np.asarray(weights, np.float64), np.asarray(states, np.float64)
    overlaps = sigma @ w.T
    own = overlaps[..., np.newaxis] - w * sigma[..., np.newaxis, :]
    return np.asarray((w * _elementary(own, p, w.shape[1])).sum(axis=-2))


def glauber(
    weights: ArrayLike,
    starts: ArrayLike,
    p: int,
    temperature: float,
    sweeps: int,
    *,
    every: int = 1,
    seed: int = 0,
) -> NDArray[np.int8]:
    """Return states after every `every`-th of `sweeps` sweeps, (runs, samples, N).

    `weights` (H, N) and `starts` (runs, N) hold -1 and +1. A sweep visits the N units in a random
    order, the same for all runs; each takes +1 with probability 1 / (1 + exp(-2 h / T)). Its
    random numbers belong to `seed` and the sweep: runs are independent, and the first ones of many
    are those of few. Raises `Invalid` with every fault of the arguments.
    """
    w, sigma = _checked(weights, starts, p, temperature)
    faults = [*whole_faults("sweeps", sweeps, 1, 2**31), *whole_faults("every", every, 1, 2**31)]
    if faults:
        raise Invalid("glauber", faults)
    runs, units = sigma.shape
    columns = np.ascontiguousarray(w.T)
    overlaps = sigma @ columns
    samples = []
    for sweep in range(sweeps):
        draw = stream(seed, "montecarlo", "glauber", step=sweep)
        order = draw.permutation(units)
        logits = _logits(draw, units, runs)
        for i, logit in zip(order, logits, strict=True):
            column = columns[i]
            others = overlaps - np.outer(sigma[:, i], column)
            field = _elementary(others, p, units) @ column
            now = np.where(2 * field + temperature * logit > 0, 1.0, -1.0)
            if temperature == 0:
                now = np.where(field == 0, sigma[:, i], now)
            changed = np.flatnonzero(now != sigma[:, i])
            overlaps[changed] = others[changed] + np.outer(now[changed], column)
            sigma[changed, i] = now[changed]
        if (sweep + 1) % every == 0:
            samples.append(sigma.astype(np.int8))
    return np.stack(samples, axis=1)


def boltzmann(
    energies: ArrayLike, temperature: float, samples: int, *, seed: int = 0
) -> NDArray[np.int8]:
    """Return independent states of probability exp(-H / T), (samples, N): what glauber tends to.

    `energies` are those of all 2**N states (`all_energies`). Raises `Invalid` for a temperature or
    number of samples that is none.
    """
    energy = np.asarray(energies, dtype=np.float64)
    faults = whole_faults("samples", samples, 1, 2**31)
    if not 0 < temperature < np.inf:
        faults.append(Fault("temperature", repr(temperature), "must be above 0", "use glauber"))
    if faults:
        raise Invalid("boltzmann", faults)
    shares = np.cumsum(np.exp((energy.min() - energy) / temperature))
    draws = stream(seed, "montecarlo", "boltzmann").random(samples) * shares[-1]
    units = len(energy).bit_length() - 1
    return _spelled(np.searchsorted(shares, draws, side="right"), units).astype(np.int8)


def all_energies(weights: ArrayLike, p: int) -> Values:
    """Return H of all 2**N states, bit i of the index set where unit i is +1.

    Raises `Invalid` for more than `ENUMERATED` units.
    """
    w, _ = _checked(weights, np.asarray(weights)[:1], p, 1.0)
    units = w.shape[1]
    faults = whole_faults("weights: units", units, 1, ENUMERATED)
    if faults:
        raise Invalid("all_energies", faults)
    coefficients, divisor = distinct(p + 1, units)
    energies = []
    for first in range(0, 2**units, CHUNK):
        overlaps = _spelled(np.arange(first, min(first + CHUNK, 2**units)), units) @ w.T
        energies.append(-_horner(coefficients, overlaps).sum(axis=1) / divisor)
    return np.concatenate(energies)


def _spelled(numbers: NDArray[np.int64], units: int) -> Values:
    """Return whole numbers as rows of -1 and +1, the lowest bit first."""
    bits = (numbers[:, np.newaxis] >> np.arange(units)) & 1
    return np.asarray(2 * bits - 1, dtype=np.float64)


def _logits(draw: np.random.Generator, units: int, runs: int) -> Values:
    """Return logistic noise (units, runs): a run's is the same however many there are."""
    uniform = np.clip(draw.random((runs, units)), 1e-300, 1 - 1e-16)
    return np.ascontiguousarray(np.log(uniform / (1 - uniform)).T)


def _elementary(overlaps: Values, p: int, units: int) -> Values:
    """Return e_{p-1} of N - 1 variables of -1 and +1 whose sums are `overlaps`."""
    coefficients, divisor = distinct(p, units - 1)
    return _horner(coefficients, overlaps) / divisor


def _horner(coefficients: list[int], x: Values) -> Values:
    value = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        value *= x
        value += c
    return value


def mean_field(
    weights: ArrayLike,
    starts: ArrayLike,
    p: int,
    temperature: float,
    steps: int = 200,
    *,
    order: int = 1,
    damping: float = 0.5,
) -> Values:
    """Return the magnetisations <sigma_i> (runs, N) after `steps` steps of the effective dynamics.

    With e_{p-1} of the products w_hj m_j (power sums, so that no pattern of indices repeats)::

        m_i <- damping m_i + (1 - damping) tanh((h_i(m) - reaction_i) / T)
        reaction_i = m_i (p - 1) V q**(p-2) (1 - q) / T,   q = mean m**2          order 2, else 0

    where V = H C(N - 1, p - 1) is the variance of the crosstalk: the reaction of an Ising p-spin
    glass (p = 2: Thouless, Anderson and Palmer, Phil. Mag. 35, 1977). The part of a retrieved
    pattern in it is 1/N and left out; for p = 2 the crosstalk of a Hopfield network has further
    orders, which are left out too. Raises `Invalid` with every fault of the arguments.
    """
    w, m = _checked(weights, starts, p, temperature, soft=True)
    faults = whole_faults("steps", steps, 1, 2**31)
    if order not in (1, 2):
        faults.append(Fault("order", repr(order), "must be 1 (naive) or 2 (with reaction)"))
    if temperature == 0:
        faults.append(Fault("temperature", "0", "must be above 0 here", "use glauber"))
    if faults:
        raise Invalid("mean_field", faults)
    hidden, units = w.shape
    spread = hidden * signal(units, p)
    for _ in range(steps):
        field = _mean_fields(w, m, p)
        if order == 2:
            q = (m**2).mean(axis=1, keepdims=True)
            field -= m * (p - 1) * spread * q ** (p - 2) * (1 - q) / temperature
        m = damping * m + (1 - damping) * np.tanh(field / temperature)
    return m


def _mean_fields(w: Values, m: Values, p: int) -> Values:
    """Return the mean of h_i over independent units of means m (runs, N)."""
    found = np.empty_like(m)
    for run, means in enumerate(m):
        y = w * means
        powers = [(y**k).sum(axis=1, keepdims=True) - y**k for k in range(1, p)]
        # Newton: k e_k = sum_{i=1}^{k} (-1)**(i-1) e_{k-i} p_i, power sums without unit i
        e: list[Any] = [np.ones_like(y)]
        for k in range(1, p):
            terms = [(-1) ** (i - 1) * e[k - i] * powers[i - 1] for i in range(1, k + 1)]
            e.append(sum(terms) / k)
        found[run] = (w * e[p - 1]).sum(axis=0)
    return found


def _checked(
    weights: ArrayLike, starts: ArrayLike, p: object, temperature: object, soft: bool = False
) -> tuple[Values, Values]:
    w, faults = checked_patterns(weights, "bipolar", where="weights")
    sigma, more = checked_patterns(starts, "real" if soft else "bipolar", where="starts")
    faults += more + whole_faults("p", p, 2, 12)
    number = isinstance(temperature, int | float | np.number)
    if not number or not 0 <= temperature < np.inf:  # type: ignore[operator]
        faults.append(Fault("temperature", repr(temperature), "must be a number of 0 or more"))
    if not faults and w.shape[1] != sigma.shape[1]:
        got = f"{sigma.shape[1]} units, weights have {w.shape[1]}"
        faults.append(Fault("starts", got, "must be as many"))
    if faults:
        raise Invalid("monte carlo", faults)
    return w.astype(np.float64), sigma.astype(np.float64)
