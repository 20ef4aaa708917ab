"""The harness: what is done with a memory on any engine, and what is measured."""

from hebbgraph.harness.capacity import CapacityCurve, CapacityPoint, capacity_curve
from hebbgraph.harness.recall import run_recall
from hebbgraph.harness.recall_report import METRICS, Example, RecallReport
from hebbgraph.harness.replicas import OverlapDistribution, overlap_distribution, replicas
from hebbgraph.harness.surveys import (
    basin_curve,
    learning_curve,
    phase_diagram,
    quantisation_curve,
)
from hebbgraph.harness.sweep import SWEEP_METRICS, Point, Sweep
from hebbgraph.harness.task import RecallTask
from hebbgraph.harness.trial import Trial

__all__ = [
    "METRICS",
    "SWEEP_METRICS",
    "CapacityCurve",
    "CapacityPoint",
    "Example",
    "OverlapDistribution",
    "Point",
    "RecallReport",
    "RecallTask",
    "Sweep",
    "Trial",
    "basin_curve",
    "capacity_curve",
    "learning_curve",
    "overlap_distribution",
    "phase_diagram",
    "quantisation_curve",
    "replicas",
    "run_recall",
]
