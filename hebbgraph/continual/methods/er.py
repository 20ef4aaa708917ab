"""ER: experience replay (Chaudhry et al. 2019, "tiny episodic memories", arXiv:1902.10486)."""

from __future__ import annotations

from hebbgraph.continual.methods.method import Batch
from hebbgraph.continual.methods.replay import Replay


class Er(Replay):
    """Each minibatch is joined by samples of earlier tasks, and all count alike.

    ::

        L = mean over both of CE(a, y)
    """

    name = "er"

    def extended(self, batch: Batch) -> Batch:
        """Return the minibatch with samples of earlier tasks."""
        kept = self.drawn("replay")
        whole = super().extended(batch)
        return whole if kept is None else whole + kept[0]


LEARNS = Er
