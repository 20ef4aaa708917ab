"""GPM: gradient projection memory (Saha, Garg and Roy, ICLR 2021, arXiv:2103.09762)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from hebbgraph.continual.methods.method import Options
from hebbgraph.continual.methods.projection import Projection
from hebbgraph.continual.streams import Task
from hebbgraph.random import stream


@dataclass(frozen=True)
class GpmOptions(Options):
    """Options of GPM."""

    wholes: ClassVar = {"samples": (1, 10**9), "rows_per_step": (0, 10**9)}
    reals: ClassVar = {"threshold": (0.0, 1.0), "growth": (0.0, 1.0)}

    #: Share of the signals' energy that the rows of a layer must hold after the first task.
    threshold: float = 0.95
    #: Added to it with each further task, up to 1.
    growth: float = 0.003
    #: Samples of a task that are shown once more at its end.
    samples: int = 300
    #: As in `RowOptions`.
    rows_per_step: int = 4096


class Gpm(Projection):
    """At the end of a task each layer gets as many principal directions as the energy asks for.

    With R the presynaptic signals of samples of the task (columns; all steps), M the rows held so
    far and R' = R - M^T M R = U S V^T what they leave, the first k columns of U become rows, k the
    smallest with::

        |R|^2 - |R'|^2 + sum_{i<=k} s_i^2 >= threshold |R|^2

    Updates are ``g - g M^T M``. U and S are taken from R' R'^T, whose eigenvalues are s_i^2.
    """

    name = "gpm"
    options_type = GpmOptions

    def end(self, number: int, task: Task) -> None:
        """Show samples once more and keep the directions that hold their energy."""
        given: GpmOptions = self.options
        share = min(1.0, given.threshold + number * given.growth)
        for subspace, moment in zip(self.subspaces, self.moments(number, task), strict=True):
            old = subspace.old.double().cpu().numpy()
            rows = further_rows(moment, old, share)
            subspace.new = self.setting.tensor(rows)
            subspace.momentum = torch.zeros_like(subspace.new)
            subspace.freeze()

    def moments(self, number: int, task: Task) -> list[NDArray[np.float64]]:
        """Return R R^T of samples of the task, for each layer (N, N)."""
        draws = stream(self.setting.seed, "continual.gpm", "samples", episode=number)
        chosen = draws.permutation(len(task.train))[: self.options.samples]
        found = [np.zeros((s.old.shape[1],) * 2) for s in self.subspaces]
        for rows in self.presented(replace(task, train=task.train.take(chosen))):
            for moment, signals in zip(found, rows, strict=True):
                values = signals.double().cpu().numpy()
                moment += values.T @ values
        return found


def further_rows(
    moment: NDArray[np.float64], old: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Return the fewest further rows (k, N) with which `old` (M, N) holds a share of R R^T."""
    keep = np.eye(len(moment)) - old.T @ old
    values, vectors = np.linalg.eigh(keep @ moment @ keep)
    energies = np.maximum(values[::-1], 0)[: len(moment) - len(old)]
    whole = float(np.trace(moment))
    count = smallest_count(energies, whole - float(energies.sum()), share * whole)
    return vectors[:, ::-1][:, :count].T.copy()


def smallest_count(energies: NDArray[np.float64], held: float, wanted: float) -> int:
    """Return the smallest k with held + sum of k energies >= wanted up to rounding, or all."""
    sums = held + np.concatenate([[0.0], np.cumsum(energies)])
    enough = np.flatnonzero(sums >= wanted * (1 - 1e-12))
    return int(enough[0]) if len(enough) else len(energies)


LEARNS = Gpm
