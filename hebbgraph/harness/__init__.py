"""The harness: what is done with a memory on any engine, and what is measured."""

from hebbgraph.harness.capacity import CapacityCurve, CapacityPoint, capacity_curve
from hebbgraph.harness.recall import run_recall
from hebbgraph.harness.recall_report import METRICS, Example, RecallReport
from hebbgraph.harness.sweep import SWEEP_METRICS, Point, Sweep
from hebbgraph.harness.task import RecallTask
from hebbgraph.harness.trial import Trial

__all__ = [
    "METRICS",
    "SWEEP_METRICS",
    "CapacityCurve",
    "CapacityPoint",
    "Example",
    "Point",
    "RecallReport",
    "RecallTask",
    "Sweep",
    "Trial",
    "capacity_curve",
    "run_recall",
]
