"""Couplings: the rules that program a recurrent memory of -1/+1 patterns, and few-bit forms.

xi (K, N) are the patterns, J (N, N) the couplings with diagonal 0, theta (N,) constant fields:
unit i is drawn to the sign of sum_j J_ij sigma_j + theta_i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream
from hebbgraph.theory.hopfield import gardner_margin

Rule = Literal["hebbian", "centred", "pseudo_inverse", "storkey", "perceptron"]
RULES: tuple[Rule, ...] = get_args(Rule)
#: Rules of which J is symmetric, so that there is an energy.
SYMMETRIC: tuple[Rule, ...] = ("hebbian", "centred", "pseudo_inverse", "storkey")
#: Sweeps over all patterns after which the perceptron gives up.
SWEEPS = 2000
#: Couplings of so few bits are clipped at so many standard deviations instead of at the largest.
CLIPPED_BITS, CLIP = 4, 3.0

#: Widest weight of the chip, with its sign.
CHIP_BITS = 8
#: A field of more than this many grains could be decided by Loihi's voltage residue.
FIELD_LIMIT = 4095
#: Couplings of a smaller deviation than this many grains would be mostly zeros.
LEAST_DEVIATION = 0.5

Matrix = NDArray[np.floating[Any]]


class Couplings(NamedTuple):
    """What a rule programs."""

    #: J (N, N), diagonal 0.
    matrix: Matrix
    #: theta (N,); 0 but for ``centred``.
    field: NDArray[np.float64]
    #: The field that a stored pattern feels where there is little crosstalk: the unit of T.
    unit: float
    #: What was not reached, in words.
    notes: tuple[str, ...] = ()


class Integers(NamedTuple):
    """Couplings as whole numbers, in float64: no sum of them is ever rounded."""

    matrix: Matrix
    field: NDArray[np.float64]
    #: Whole numbers per unit of J, on average where they were rounded or clipped.
    gain: float


def couplings(patterns: NDArray[Any], rule: Rule, margin: float | None = None) -> Couplings:
    """Return what `rule` programs for `patterns` (K, N), values -1 and +1.

    - ``hebbian``: J_ij = sum_mu xi_i xi_j (capacity alpha_c = 0.138; Amit, Gutfreund and
      Sompolinsky, Phys. Rev. Lett. 55, 1985, doi:10.1103/PhysRevLett.55.1530).
    - ``centred``: J_ij = sum_mu d_i d_j with d = xi - c, c the mean pattern, and
      theta_i = lambda c_i - sum_j J_ij c_j with lambda the mean of ||d||^2, so that the field at a
      stored pattern is lambda (c + d) but for crosstalk. For correlated patterns (covariance
      storage, after Amit, Gutfreund and Sompolinsky, Phys. Rev. A 35, 1987,
      doi:10.1103/PhysRevA.35.2293, there with one mean for all units).
    - ``pseudo_inverse``: J the projector on the span of the patterns, capacity alpha = 1
      (Personnaz, Guyon and Dreyfus, J. Physique Lett. 46, 1985,
      doi:10.1051/jphyslet:01985004608035900). Its diagonal is removed: kept, it pins the cue.
    - ``storkey``: J_ij += (xi_i xi_j - xi_i h_ji - h_ij xi_j) / N, one pattern after another,
      with h_ij = sum_{k not in {i, j}} J_ik xi_k (Storkey, ICANN 1997, doi:10.1007/BFb0020196).
    - ``perceptron``: J_ij += xi_i xi_j / N for every pattern and unit with
      xi_i h_i < `margin` |J_i|, again and again, from the Hebbian couplings on (Gardner,
      J. Phys. A 21, 1988, doi:10.1088/0305-4470/21/1/030): all are stable up to alpha = 2. The
      margin is by default half of the largest there is at this load. J is not symmetric.

    The unit of T is N for the first two rules and 1 for the others.
    """
    xi = patterns.astype(np.float64)
    units = xi.shape[1]
    field = np.zeros(units)
    matrix: Matrix
    notes: tuple[str, ...] = ()
    if rule == "hebbian":
        narrow = patterns.astype(np.float32)  # whole numbers: exact
        matrix = narrow.T @ narrow
    elif rule == "centred":
        centre = xi.mean(axis=0)
        deviation = xi - centre
        matrix = deviation.T @ deviation
        np.fill_diagonal(matrix, 0.0)
        field = (deviation**2).sum() / len(xi) * centre - matrix @ centre
    elif rule == "pseudo_inverse":
        matrix = np.linalg.pinv(xi) @ xi
    elif rule == "storkey":
        matrix = _storkey(xi)
    else:
        matrix, notes = _perceptron(xi, margin)
    if rule not in ("hebbian", "perceptron"):
        matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 0.0)
    return Couplings(matrix, field, unit_of(rule, units), notes)


def unit_of(rule: Rule, units: int) -> float:
    """Return the field that a stored pattern feels where there is little crosstalk."""
    return float(units) if rule in ("hebbian", "centred") else 1.0


def _storkey(xi: NDArray[np.float64]) -> NDArray[np.float64]:
    units = xi.shape[1]
    matrix = np.zeros((units, units))
    for pattern in xi:
        # h_ij leaves out the terms k = i and k = j of the full field.
        field = matrix @ pattern - np.diag(matrix) * pattern
        local = field[:, None] - matrix * pattern[None, :]
        np.fill_diagonal(local, field)
        cross = local * pattern[None, :]
        matrix += (np.outer(pattern, pattern) - cross - cross.T) / units
    return matrix


def _perceptron(
    xi: NDArray[np.float64], margin: float | None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return J, scaled so that stored patterns feel a mean field of 1, and what was not reached."""
    count, units = xi.shape
    if margin is None:
        margin = max(0.0, gardner_margin(count / max(units - 1, 1)) / 2)
    matrix = xi.T @ xi / units
    np.fill_diagonal(matrix, 0.0)
    for _ in range(SWEEPS):
        sizes = np.linalg.norm(matrix, axis=1)
        wrong = xi * (xi @ matrix.T) <= margin * sizes
        if not wrong.any():
            break
        matrix += (wrong * xi).T @ xi / units
        np.fill_diagonal(matrix, 0.0)
    notes: tuple[str, ...] = ()
    if wrong.any():
        text = f"perceptron: {np.count_nonzero(wrong)} of {wrong.size} pattern-units stay within"
        notes = (f"{text} the margin {margin:.3g} after {SWEEPS} sweeps",)
    mean = float((xi * (xi @ matrix.T)).mean())
    return matrix / mean if mean > 0 else matrix, notes


def to_integers(
    couplings: Couplings,
    bits: int,
    *,
    most: int | None = None,
    load: Callable[[Matrix, NDArray[np.float64]], float] | None = None,
    limit: float = np.inf,
) -> Integers:
    """Return J and theta as whole numbers of `bits` with their sign, scaled alike.

    One bit is the sign of J (drawn at random, alike for J_ij and J_ji, where that is 0). From two
    bits on |J| is at most 2**(bits - 1) - 1, and `most`: as J is, where it is whole and fits, else
    scaled so that the largest fits, or where there are few bits so that `CLIP` standard deviations
    do, and clipped. If ``load(J, theta)`` is then above `limit`, the scale is lowered.
    """
    matrix, field = couplings.matrix, couplings.field
    if bits == 1:
        signs = _signs(matrix)
        gain = _gain(matrix, signs)
        return Integers(signs, np.rint(field * gain), gain)
    largest = 2 ** (bits - 1) - 1
    largest = largest if most is None else min(largest, most)
    top = float(max(matrix.max(), -matrix.min()))
    whole = _is_whole(matrix) and _is_whole(field)
    fits = top <= largest and (load is None or load(matrix, field) <= limit)
    if (whole and fits) or top == 0:
        return Integers(matrix, field, 1.0)
    if bits <= CLIPPED_BITS:
        top = min(top, CLIP * _deviation(matrix))
    scale = largest / top
    if load is not None:
        scale = min(scale, limit / load(matrix, field))
    while True:
        integers = np.multiply(matrix, scale, dtype=np.float64)
        np.clip(np.rint(integers, out=integers), -largest, largest, out=integers)
        fields = np.rint(field * scale)
        # Rounding moves each entry by up to 1/2, so the sums may exceed the bound: shrink again.
        if load is None or load(integers, fields) <= limit:
            return Integers(integers, fields, _gain(matrix, integers))
        scale *= 0.98


def without_residue(couplings: Couplings, bits: int, *, ties_keep: bool) -> Integers:
    """Return J and theta as whole numbers for LIF units, whose fixed voltage leaks into the next.

    The units hold 2 J + I if they keep their state at a tie, else J. Up to `CHIP_BITS` no field,
    cue (|bias| + 1) included, exceeds `FIELD_LIMIT` grains, so v / 4096, which a voltage decay of
    4095 leaves behind, is always smaller than the smallest field. Raises `Invalid` where that
    leaves next to nothing of J.
    """
    grain, own = (2, 1) if ties_keep else (1, 0)
    if bits > CHIP_BITS:
        return to_integers(couplings, bits)
    limit = FIELD_LIMIT - 2 - 2 * own

    def load(matrix: Matrix, field: NDArray[np.float64]) -> float:
        bias = field - matrix.sum(axis=1, dtype=np.float64)
        sizes = np.abs(matrix).sum(axis=1, dtype=np.float64)
        return grain * float((sizes + np.abs(field) + np.abs(bias)).max())

    most = (2 ** (CHIP_BITS - 1) - 1 - own) // grain
    found = to_integers(couplings, bits, most=most, load=load, limit=limit)
    units = len(found.matrix)
    deviation = float(np.linalg.norm(found.matrix)) / units
    empty = not couplings.matrix.any()
    if load(found.matrix, found.field) <= limit and (empty or deviation >= LEAST_DEVIATION):
        return found
    got = f"{units} units, couplings of {deviation:.2g} grains"
    need = f"fields of synchronous LIF units must stay within {limit} grains on the chip"
    remedy = "use dynamics='masked' or 'event', or more than 8 weight_bits in the float domain"
    raise Invalid("hopfield.build", [Fault("patterns", got, need, remedy)])


def _signs(matrix: Matrix) -> NDArray[np.float64]:
    signs = np.sign(matrix, dtype=np.float64)
    np.fill_diagonal(signs, 1.0)  # so that it is not looked at
    rows, columns = np.nonzero(signs == 0)
    if len(rows):
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        pairs, index = np.unique(low * len(signs) + high, return_inverse=True)
        heads = stream(0, "couplings", "ties").random(len(pairs)) < 0.5
        signs[rows, columns] = np.where(heads, 1.0, -1.0)[index]
    np.fill_diagonal(signs, 0.0)
    return signs


def _gain(matrix: Matrix, integers: Matrix) -> float:
    """Return the slope g at which g J is nearest to `integers`."""
    # Row by row: no second matrix is made where one is float32.
    square = product = 0.0
    for row, whole in zip(matrix, integers, strict=True):
        wide = row.astype(np.float64)
        square += float(wide @ wide)
        product += float(wide @ whole)
    return product / square if square else 1.0


def _deviation(matrix: Matrix) -> float:
    """Return the root mean square of J off the diagonal."""
    units = len(matrix)
    return float(np.linalg.norm(matrix)) / float(max(units * (units - 1), 1)) ** 0.5


def _is_whole(values: NDArray[Any]) -> bool:
    return all(np.array_equal(row, np.rint(row)) for row in np.atleast_2d(values))
