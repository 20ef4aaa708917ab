"""What is exported runs with lava alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from hebbgraph import LIF, Connection, Conv2d, Dense, Graph, Input, Probe, Rule, Sign, Transpose
from hebbgraph.compile import compile  # noqa: A004 - the field's word

pytestmark = pytest.mark.usefixtures("lava")


def ran(network: object, run: Path) -> str:
    """Return what an exported program prints in nine steps."""
    command = [str(network.python), str(run), "9"]  # type: ignore[attr-defined]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("model", ["fused", "parts"])
def test_an_exported_network_runs_without_hebbgraph(model: str, tmp_path: Path) -> None:
    processes = {
        "x": Input(2),
        "a": Dense(np.eye(2)),
        "b": Dense(np.eye(2)),
        "l": LIF(2, decay_v=0, bias=1, threshold=2),
    }
    wires = [Connection("x.out", "a.s"), Connection("a.a", "b.s"), Connection("b.a", "l.a")]
    with compile(Graph("chain", processes, wires), "lava", model=model) as program:
        network = program.artefact  # nothing was run yet
        names = {part.name for part in network.parts}
        assert names == ({"network"} if model == "fused" else {"x", "a", "b", "l"})
        assert all(path.is_file() for path in network.sources)
        assert "lava.proc.lif.process.LIF" in str(network) or model == "fused"
        run = network.export(tmp_path / "taken")
        with pytest.raises(FileExistsError):
            network.export(tmp_path / "taken")
    assert ran(network, run) == "a, steps 0 to 8: 0 events\nl, steps 0 to 8: 6 spikes\n"


@pytest.mark.parametrize("model", ["fused", "parts"])
def test_so_does_one_with_every_sort_of_part(model: str, tmp_path: Path) -> None:
    rule = Rule("3*post*pre - w", rounding="stochastic", shift=2, low=-50, high=50, fraction=2)
    processes = {
        "x": Input(4),
        "conv": Conv2d(np.ones((1, 1, 1, 1)), (2, 2)),
        "sign": Sign(4, bias=[1, -1, 2, -2]),
        "w": Dense(2 * np.eye(4), rule=rule),
        "back": Transpose("w", 4, 4),
        "unit": LIF(4, 4095, 0, 10, 1),
    }
    wires = [
        Connection("x.out", "conv.s"),
        Connection("conv.a", "sign.a"),
        Connection("sign.s", "w.s"),
        Connection("unit.s", "w.post"),
        Connection("unit.s", "back.s"),
        Connection("w.a", "unit.a"),
        Connection("back.a", "unit.a"),
    ]
    graph = Graph("all", processes, wires, [Probe("w.weights"), Probe("unit.v")], "fixed")
    with compile(graph, "lava", model=model) as program:
        wanted = program.run({"x": np.zeros((1, 9, 4))})
        run = program.artefact.export(tmp_path / "taken")
        network = program.artefact
    printed = ran(network, run)
    assert f"unit, steps 0 to 8: {wanted.spikes['unit'].sum()} spikes\n" in printed
    changed = wanted.counters.processes["w"].weight_updates
    assert changed > 0
    assert f"w: {changed} changes of a weight\n" in printed
