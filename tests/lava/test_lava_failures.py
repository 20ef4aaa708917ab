"""Whatever dies: nothing hangs, nothing is left behind, and the next run works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hebbgraph.backends.lava import client
from hebbgraph.backends.lava.client import Worker, shared_worker
from hebbgraph.backends.lava.document import describe
from hebbgraph.compile import Program, compile  # noqa: A004 - the field's word
from hebbgraph.errors import EngineError
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import LIF, Dense, Input, Sign
from hebbgraph.rules import Rule

pytestmark = pytest.mark.usefixtures("lava")

MODELS = ("fused", "parts")
#: Steps of a run, and of one that is still under way when something happens to it.
STEPS, LONG = 20, 2000
INPUTS = {"x": np.ones((2, STEPS, 3), int)}


def loop() -> Graph:
    processes = {"x": Input(3), "w": Dense(np.eye(3) * 2), "l": LIF(3, threshold=2)}
    connections = [
        Connection("x.out", "l.a"),
        Connection("l.s", "w.s"),
        Connection("w.a", "l.a"),
    ]
    return Graph("loop", processes, connections, domain="fixed")


def open_program(model: str, **options: Any) -> Program:
    return compile(loop(), "lava", model=model, chunk=1, **{"timeout": 60.0, **options})


def session(leader: int) -> list[int]:
    """Return the processes of the session of `leader` that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            found.append(int(entry.name))
    return found


def assert_gone(leader: int) -> None:
    deadline = time.monotonic() + 10
    while session(leader):
        assert time.monotonic() < deadline, f"still there: {session(leader)}"
        time.sleep(0.02)


def assert_works(program: Program) -> None:
    """The program, whose worker was ended, is built anew and right."""
    wanted = compile(loop()).run(INPUTS, STEPS)
    np.testing.assert_array_equal(program.run(INPUTS, STEPS).spikes["l"], wanted.spikes["l"])
    assert wanted.spikes["l"].any()


class Strike:
    """A progress callback that does something once, in the middle of the run."""

    def __init__(self, action: Any) -> None:
        self.action = action
        self.struck = False

    def __call__(self, done: int, steps: int) -> None:
        if done >= steps // 20 and not self.struck:
            self.struck = True
            self.action()


@pytest.mark.parametrize("model", MODELS)
def test_an_exception_in_a_lava_process(model: str) -> None:
    with open_program(model) as program:
        worker = shared_worker()
        network = program.artefact
        arrays = {**network.arrays, "l.decay_u": np.ones(2, int), "l.threshold": np.ones(5, int)}
        request = {"model": model, "document": network.document, "chunk": 1}
        worker.tell({"request": "build", "graph": "broken", **request}, arrays, 30)
        sent = {"inputs/x": np.ones((1, 3, 3), np.int32)}
        job = {"episodes": 1, "steps": 3, "batch": 1, "first_episode": 0}
        run = {"request": "run", "graph": "broken", **job}
        with pytest.raises(EngineError, match=r"^lava: ValueError: .*shapes"):
            worker.tell(run, sent, 30)
        assert_gone(worker.pid)
        assert_works(program)
        assert program.artefact.pid != worker.pid


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("what", ["units", "learning"])
def test_an_exception_in_a_part_of_ours(what: str, model: str) -> None:
    rule = Rule("post*pre", low=-9, high=9)
    processes = {"x": Input(3), "s": Sign(3), "w": Dense(np.eye(3), rule=rule), "l": LIF(3)}
    wires = [
        Connection("x.out", "s.a"),
        Connection("s.s", "w.s"),
        Connection("w.a", "l.a"),
        Connection("l.s", "w.post"),
    ]
    graph = Graph("ours", processes, wires, domain="fixed")
    document, arrays = describe(graph)
    if what == "units":
        arrays["s.bias"] = np.ones(5, int)
    else:
        document["processes"]["w"]["rule"]["terms"][0]["powers"] = [["nobody", 1]]
        document["processes"]["w"]["rule"]["sides"]["nobody"] = "pre"
    with open_program(model) as program:
        worker = shared_worker()
        request = {"model": model, "document": document, "chunk": 2, "graph": "ours"}
        worker.tell({"request": "build", **request}, arrays, 30)
        sent = {
            "inputs/x": np.ones((1, 3, 3), np.int32),
            "learned/w/accumulator": np.eye(3, dtype=int),
            "learned/w/momentum": np.zeros((3, 3), int),
        }
        job = {"episodes": 1, "steps": 3, "batch": 1, "first_episode": 0}
        error = "ValueError: .*broadcast" if what == "units" else "KeyError: 'nobody'"
        with pytest.raises(EngineError, match=f"^lava: {error}"):
            worker.tell({"request": "run", "graph": "ours", **job}, sent, 30)
        assert_gone(worker.pid)
        assert_works(program)


def test_a_graph_that_cannot_be_built() -> None:
    with open_program("fused") as program:
        worker = shared_worker()
        document = {**program.artefact.document, "order": ["nobody"]}
        request = {"graph": "bad", "document": document, "model": "fused", "chunk": 1}
        with pytest.raises(EngineError, match="KeyError: 'nobody'"):
            worker.tell({"request": "build", **request}, {}, 30)
        assert_gone(worker.pid)
        assert_works(program)


@pytest.mark.parametrize("model", MODELS)
def test_the_worker_is_killed(model: str) -> None:
    with open_program(model) as program:
        pid = program.artefact.pid
        assert len(session(pid)) > 2
        strike = Strike(lambda: os.kill(pid, signal.SIGKILL))
        with pytest.raises(EngineError, match="the worker died"):
            program.run(INPUTS, LONG, progress=strike)
        assert_gone(pid)
        assert_works(program)


def test_the_worker_is_killed_while_idle() -> None:
    with open_program("fused") as program:
        pid = program.artefact.pid
        os.kill(pid, signal.SIGKILL)
        assert_gone(pid)
        assert_works(program)


def test_a_worker_whose_last_thread_lingers_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_program("fused") as program:
        pid = program.artefact.pid
        os.kill(pid, signal.SIGKILL)
        assert_gone(pid)
        monkeypatch.setattr(Worker, "alive", property(lambda worker: not worker._closed))
        assert_works(program)
        assert program.artefact.pid != pid


@pytest.mark.parametrize("model", MODELS)
def test_a_lava_process_is_killed(model: str) -> None:
    with open_program(model) as program:
        pid = program.artefact.pid
        actor = max(session(pid))
        assert actor != pid
        strike = Strike(lambda: os.kill(actor, signal.SIGKILL))
        with pytest.raises(EngineError, match="died"):
            program.run(INPUTS, LONG, progress=strike)
        assert_gone(pid)
        assert_works(program)


@pytest.mark.parametrize("which", ["worker", "part"])
def test_silence_times_out(which: str) -> None:
    with open_program("fused", timeout=1.0) as program:
        pid = program.artefact.pid
        target = pid if which == "worker" else max(session(pid))
        strike = Strike(lambda: os.kill(target, signal.SIGSTOP))
        with pytest.raises(EngineError, match="no sign of life for 1 s"):
            program.run(INPUTS, LONG, progress=strike)
        assert_gone(pid)
        assert_works(program)


def test_an_error_of_the_caller_ends_the_run() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with open_program("parts") as program:
        pid = program.artefact.pid
        with pytest.raises(KeyboardInterrupt):
            program.run(INPUTS, LONG, progress=Strike(stop))
        assert_gone(pid)
        assert_works(program)


def test_no_run_within_a_run() -> None:
    with open_program("fused") as program:
        inner = Strike(lambda: program.run(INPUTS, STEPS))
        with pytest.raises(EngineError, match="a run is under way"):
            program.run(INPUTS, LONG, progress=inner)
        assert_works(program)


@pytest.mark.parametrize("model", MODELS)
def test_no_shared_memory_has_a_name(model: str) -> None:
    with open_program(model) as program:
        program.run(INPUTS, STEPS)
        members = session(program.artefact.pid)
        assert len(members) == len(program.artefact.parts) + 2  # the runtime service, the worker
        for pid in members:
            mapped = Path(f"/proc/{pid}/maps").read_text()
            named = [line for line in mapped.splitlines() if "/dev/shm/" in line]
            assert [line for line in named if "(deleted)" not in line] == []


def test_closing_leaves_the_worker_alone() -> None:
    first, second = open_program("parts"), open_program("fused")
    pid = first.artefact.pid
    first.close()
    first.close()
    assert_works(second)
    assert second.artefact.pid == pid
    assert len(session(pid)) == 3
    second.close()
    assert session(pid) == [pid]


def test_a_program_that_is_dropped_is_stopped_with_the_next_request() -> None:
    dropped = open_program("parts")
    pid = dropped.artefact.pid
    del dropped
    with open_program("fused") as program:
        assert program.artefact.pid == pid
        assert len(session(pid)) == 3


SCRIPT = """
import sys
sys.path[:0] = {path!r}
import signal
import numpy as np
from hebbgraph.compile import compile
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import LIF, Dense, Input
from hebbgraph.backends.lava.client import shared_worker

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored

graph = Graph(
    "loop",
    {{"x": Input(3), "w": Dense(np.eye(3)), "l": LIF(3)}},
    [Connection("l.s", "w.s"), Connection("w.a", "l.a"), Connection("x.out", "l.a")],
)
program = compile(graph, "lava", model={model!r}, chunk=1)
said = []

def tell(done, steps):
    if done > 5 and not said:
        said.append(print(shared_worker().pid, flush=True))

if {when!r} == "idle":
    print(shared_worker().pid, flush=True)
    sys.stdin.read()
program.run({{"x": np.zeros((1, 1, 3))}}, 10**8, progress=tell)
"""


@pytest.fixture
def main_program(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a program of its own that uses lava; return it and the worker's process id."""
    model, when = request.param
    script = SCRIPT.format(model=model, when=when, path=[str(Path.cwd())])
    started = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert started.stdout is not None
    assert started.stdin is not None
    with started:
        try:
            yield started, int(started.stdout.readline())
        finally:
            started.kill()


@pytest.mark.parametrize(
    ("main_program", "number"),
    [
        (("fused", "running"), signal.SIGINT),
        (("parts", "running"), signal.SIGINT),
        (("parts", "running"), signal.SIGTERM),
        (("fused", "running"), signal.SIGKILL),
        (("parts", "running"), signal.SIGKILL),
        (("fused", "idle"), signal.SIGKILL),
    ],
    indirect=["main_program"],
    ids=str,
)
def test_the_main_program_is_ended(
    main_program: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    started, worker = main_program
    assert len(session(worker)) > 2
    os.killpg(started.pid, number)
    assert started.wait(20) == -number
    assert_gone(worker)


def test_a_forked_copy_of_the_program_starts_its_own_worker() -> None:
    with open_program("fused") as program:
        pid = program.artefact.pid
        worker = shared_worker()
        child = os.fork()
        if child == 0:
            ok = not worker.alive and shared_worker().pid != pid
            client.close_shared_worker()
            os._exit(0 if ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert shared_worker() is worker
        assert_works(program)
        assert program.artefact.pid == pid
