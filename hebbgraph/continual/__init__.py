"""Continual learning: streams of tasks, learners, the accuracy matrix, one harness."""

from hebbgraph.continual.learner import Learner
from hebbgraph.continual.matrix import MEASURES, ContinualReport, report
from hebbgraph.continual.run import StreamRun, run_stream
from hebbgraph.continual.streams import Labelled, Stream, Task, held_out, permuted, rotated, split

__all__ = [
    "MEASURES",
    "ContinualReport",
    "Labelled",
    "Learner",
    "Stream",
    "StreamRun",
    "Task",
    "held_out",
    "permuted",
    "report",
    "rotated",
    "run_stream",
    "split",
]
