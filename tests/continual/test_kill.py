"""A benchmark that is killed at random moments and started again gives the same matrix."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WORDS = ["bench", "continual", "--method", "hlop", "--seeds", "1"]
WORDS += ["--epochs", "2", "--tasks", "2", "--set", "hidden=60", "--json", "--quiet"]
COMMAND = [sys.executable, "-W", "ignore", "-m", "hebbgraph", *WORDS, "--hardware", "cpu_generic"]


def matrices(folder: Path) -> list[Any]:
    document = json.loads((folder / "results.json").read_text())
    return [run["report"]["matrix"] for row in document["rows"] for run in row["runs"]]


def states(folder: Path) -> dict[str, float]:
    return {f.name: f.stat().st_mtime_ns for f in folder.glob("checkpoints/*.ckpt")}


def killed(folder: Path, pause: float) -> bool:
    """Start, and kill after the next checkpoint and a pause; return whether that was in time."""
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen([*COMMAND, "--folder", str(folder)], stdout=nowhere)
    before = states(folder)
    deadline = time.monotonic() + 120
    while states(folder) == before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(pause)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


def test_the_matrix_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    subprocess.run([*COMMAND, "--folder", str(whole)], check=True, stdout=subprocess.DEVNULL)
    pauses = np.random.default_rng().uniform(0, 0.3, size=3)
    in_time = [killed(pieces, float(pause)) for pause in pauses]
    assert any(in_time)
    subprocess.run([*COMMAND, "--folder", str(pieces)], check=True, stdout=subprocess.DEVNULL)
    assert matrices(pieces) == matrices(whole), pauses
    assert not list(pieces.glob("**/*.partial*"))
