"""Exact PCA: projection on principal components, the ceiling for Hebbian rows."""

from __future__ import annotations

import torch

from hebbgraph.continual.methods.projection import Projection, RowOptions, principal_rows
from hebbgraph.continual.streams import Task


class Pca(Projection):
    """At the end of a task each layer gets the first principal directions of its residuals.

    The covariance of the presynaptic signals is taken over the task's training samples with the
    learned weights, all steps; as many rows are kept as HLOP would have.
    """

    name = "pca"
    options_type = RowOptions

    def end(self, number: int, task: Task) -> None:
        """Show the samples once more and keep their principal directions."""
        counts = self.counts(number, task)
        covariances = self.covariances(task)
        for subspace, matrix, count in zip(self.subspaces, covariances, counts, strict=True):
            subspace.new = principal_rows(matrix, count)
            subspace.momentum = torch.zeros_like(subspace.new)
            subspace.freeze()

    def covariances(self, task: Task) -> list[torch.Tensor]:
        """Return r^T r summed over the signals of all samples, for each layer (N, N)."""
        found = [s.old.new_zeros((s.old.shape[1],) * 2) for s in self.subspaces]
        for rows in self.presented(task):
            for i, (signals, subspace) in enumerate(zip(rows, self.subspaces, strict=True)):
                left = subspace.residual(signals)
                found[i] += left.T @ left
        return found


LEARNS = Pca
