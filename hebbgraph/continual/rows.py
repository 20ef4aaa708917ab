"""Rows: how many subspace rows a layer needs, how many it has left, whether they have converged.

Presynaptic signals are given as rows P (n, N), subspace rows as H (M, N). What old rows leave of
the signals is the residual R = P - P H_old^T H_old.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault, Invalid

#: Rows have converged if they are this close to orthonormal, norm(H H^T - 1) / sqrt(M) ...
ORTHONORMAL = 0.2
#: ... and take away this share of what as many principal directions would.
CONVERGED = 0.8


class NotConverged(UserWarning):
    """Subspace rows that protect less than they should: HLOP turns into naive training."""


@dataclass(frozen=True)
class Convergence:
    """How well the new rows of one layer hold what a task presents."""

    #: norm(H H^T - 1) / sqrt(M) of the new rows.
    orthonormality_error: float
    #: Share of the residual's energy that the new rows take away, below 0 where they add to it.
    explained: float
    #: The share that as many principal directions take away: the most there is.
    possible: float

    @property
    def converged(self) -> bool:
        """Return whether the rows protect nearly as much as they can."""
        close = self.orthonormality_error <= ORTHONORMAL
        return close and self.explained >= CONVERGED * self.possible

    def as_dict(self) -> dict[str, float]:
        """Return JSON types."""
        return {
            "orthonormality_error": self.orthonormality_error,
            "explained": self.explained,
            "possible": self.possible,
        }


@dataclass(frozen=True)
class Capacity:
    """How many rows the layers of a network have used, of the inputs that each has."""

    used: tuple[int, ...]
    widths: tuple[int, ...]

    @property
    def left(self) -> tuple[int, ...]:
        """Return how many rows still fit each layer."""
        return tuple(width - used for used, width in zip(self.used, self.widths, strict=True))

    def as_dict(self) -> dict[str, list[int]]:
        """Return JSON types."""
        return {"used": list(self.used), "widths": list(self.widths), "left": list(self.left)}

    def text(self) -> str:
        """Return a line for each layer."""
        pairs = enumerate(zip(self.used, self.widths, strict=True), 1)
        return "\n".join(f"layer {i}: {u} of {n} rows ({100 * u / n:.0f} %)" for i, (u, n) in pairs)


def residual(signals: ArrayLike, old: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return signals (n, N) without what the rows `old` (M, N) span."""
    held = np.asarray(signals, dtype=np.float64)
    rows = None if old is None else np.asarray(old, dtype=np.float64)
    return held if rows is None or not len(rows) else held - (held @ rows.T) @ rows


def spectrum(signals: ArrayLike, old: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the energy of each principal direction of the residual, the largest first (N,)."""
    left = residual(signals, old)
    return np.asarray(np.maximum(np.linalg.eigvalsh(left.T @ left)[::-1], 0))


def rows_by_energy(
    signals: ArrayLike,
    old: ArrayLike | None = None,
    *,
    share: float = 0.95,
    most: int | None = None,
) -> int:
    """Return the fewest new rows that, with the old ones, hold `share` of the signals' energy.

    With E the energy of signals (n, N), E_old what the rows `old` hold of it and e_1 >= e_2 ...
    the energies of the principal directions of the residual, the smallest k for which::

        E_old + e_1 + ... + e_k >= share E

    No more than `most`, or than inputs are left. Saha, Garg and Roy, "Gradient projection memory
    for continual learning", ICLR 2021, arXiv:2103.09762. Raises `Invalid` with every fault.
    """
    held = _checked(signals, old, share, most)
    energies = spectrum(held, old)
    room = held.shape[1] - (0 if old is None else len(np.asarray(old)))
    room = max(0, room if most is None else min(room, most))
    whole = float(np.square(held).sum())
    wanted = share * whole - (whole - float(energies.sum()))
    if wanted <= 1e-12 * whole:
        return 0
    enough = int(np.searchsorted(np.cumsum(energies), wanted * (1 - 1e-12))) + 1
    return min(enough, room)


def convergence(
    rows: ArrayLike, signals: ArrayLike, old: ArrayLike | None = None
) -> Convergence | None:
    """Return how well new `rows` (M, N) hold the residual of `signals`; None without rows."""
    held = np.asarray(rows, dtype=np.float64)
    if not len(held):
        return None
    left = residual(signals, old)
    whole = float(np.square(left).sum())
    if not whole:
        return Convergence(orthonormality(held), 1.0, 1.0)
    rest = float(np.square(residual(left, held)).sum())
    best = float(spectrum(left)[: len(held)].sum())
    return Convergence(orthonormality(held), 1 - rest / whole, best / whole)


def orthonormality(rows: ArrayLike) -> float:
    """Return norm(H H^T - 1) / sqrt(M), 0 for orthonormal rows (and for none)."""
    held = np.asarray(rows, dtype=np.float64)
    if not len(held):
        return 0.0
    return float(np.linalg.norm(held @ held.T - np.eye(len(held))) / np.sqrt(len(held)))


def warn_unless_converged(
    learner: str, task: str, layers: Sequence[Convergence | None], *, stacklevel: int = 2
) -> bool:
    """Warn once, with every layer whose new rows have not converged; return whether it did."""
    faulty = [
        f"layer {i} (orthonormality error {held.orthonormality_error:.2g}, explains "
        f"{100 * held.explained:.0f} % of the residual where {100 * held.possible:.0f} % is "
        "possible)"
        for i, held in enumerate(layers, 1)
        if held is not None and not held.converged
    ]
    if faulty:
        text = f"{learner}, {task}: rows have not converged in {', '.join(faulty)}"
        remedy = "later tasks will overwrite this one; raise the Hebbian rate or learn for longer"
        warnings.warn(f"{text}: {remedy}", NotConverged, stacklevel=stacklevel + 1)
    return bool(faulty)


def _checked(
    signals: ArrayLike, old: ArrayLike | None, share: float, most: int | None
) -> NDArray[np.float64]:
    held: NDArray[Any] = np.asarray(signals, dtype=np.float64)
    faults = []
    if held.ndim != 2 or not held.size or not np.isfinite(held).all():
        got = f"shape {held.shape}"
        faults.append(Fault("signals", got, "must be finite numbers (samples, inputs)"))
    elif old is not None and len(rows := np.asarray(old)) and rows.shape[1:] != held.shape[1:]:
        need = f"must have {held.shape[1]} columns, as the signals"
        faults.append(Fault("old", f"shape {rows.shape}", need))
    if not 0 < share <= 1:
        faults.append(Fault("share", repr(share), "must be in (0, 1]"))
    if most is not None and most < 0:
        faults.append(Fault("most", repr(most), "must be 0 or more"))
    if faults:
        raise Invalid("rows_by_energy", faults)
    return held
