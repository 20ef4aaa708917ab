"""The harness: what is done with a memory on any engine, and what is measured."""

from hebbgraph.harness.capacity import CapacityCurve, CapacityPoint, capacity_curve
from hebbgraph.harness.recall import run_recall
from hebbgraph.harness.recall_report import METRICS, Example, RecallReport
from hebbgraph.harness.task import RecallTask

__all__ = [
    "METRICS",
    "CapacityCurve",
    "CapacityPoint",
    "Example",
    "RecallReport",
    "RecallTask",
    "capacity_curve",
    "run_recall",
]
