"""Counters against NeuroBench's metrics on the modules of the snnTorch back end.

J. Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing algorithms and
systems", Nature Communications 16, 2025, doi:10.1038/s41467-025-56739-4.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "neurobench_run.py"
VARIABLE = "HEBBGRAPH_NEUROBENCH"
TIMEOUT = 240


def path() -> dict[str, str]:
    """Return an environment in which neurobench can be imported, or skip with how to get it."""
    folder = os.environ.get(VARIABLE, "")
    environment = dict(os.environ)
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, folder]))
    probe = [sys.executable, "-c", "import torch, snntorch, neurobench"]
    done = subprocess.run(probe, env=environment, capture_output=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        pytest.skip(
            "neurobench is not installed: pip install --no-deps --target tool neurobench==2.3.0"
            f" tqdm, and set {VARIABLE}=tool"
        )
    return environment


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["feed_forward", "recurrent"])
@pytest.mark.parametrize("seed", [0, 1])
def test_metrics_are_our_counters_to_the_last_digit(seed: int, kind: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(seed), kind],
        env=path(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    # A metric that fails is only printed, and left out or 0.
    assert "Error running" not in done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    theirs, ours = found["theirs"], found["ours"]
    assert theirs["Effective_ACs"] == ours["Effective_ACs"] > 1000
    assert theirs["Effective_MACs"] == ours["Effective_MACs"] == 0
    assert theirs["Dense"] == ours["Dense"] > ours["Effective_ACs"]
    assert theirs["ActivationSparsity"] == pytest.approx(ours["ActivationSparsity"], rel=1e-15)
    assert 0.05 < theirs["ActivationSparsity"] < 0.99
    # It counts changes of v: all steps of biased units, but for the second of two spikes in a row,
    # since v is 0 after both.
    assert theirs["MembraneUpdates"] == ours["changes of v"]
    assert theirs["MembraneUpdates"] + ours["spikes in a row"] == pytest.approx(
        ours["updates_active"], rel=1e-15
    )
