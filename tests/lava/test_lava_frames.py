"""The protocol alone: no lava needed."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from hebbgraph.backends.lava.worker.frames import Pipe


@pytest.fixture
def ends() -> Iterator[tuple[Pipe, Pipe]]:
    (r1, w1), (r2, w2) = os.pipe(), os.pipe()
    pair = Pipe(r1, w2), Pipe(r2, w1)
    yield pair
    for pipe in pair:
        pipe.close()


def test_arrays_come_back_as_they_were(ends: tuple[Pipe, Pipe]) -> None:
    here, there = ends
    arrays = {
        "a": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "b": np.array([[True, False]]),
        "none": np.zeros((0, 4)),
        "one": np.array(2.5),
        "view": np.arange(20.0)[::3],
    }
    here.send({"kind": "x", "text": "ü"}, arrays)
    header, found = there.receive(5)
    assert header == {"kind": "x", "text": "ü"}
    assert list(found) == list(arrays)
    for key, array in arrays.items():
        assert found[key].dtype == np.asarray(array).dtype
        np.testing.assert_array_equal(found[key], array)


def test_frames_larger_than_a_pipe_holds_pass(ends: tuple[Pipe, Pipe]) -> None:
    here, there = ends
    big = np.arange(1_000_000)
    thread = threading.Thread(target=here.send, args=({"k": 1}, {"big": big}, 20))
    thread.start()
    _, found = there.receive(20)
    thread.join()
    np.testing.assert_array_equal(found["big"], big)


def test_silence_and_a_full_pipe_time_out(ends: tuple[Pipe, Pipe]) -> None:
    here, _ = ends
    assert not here.readable(0)
    with pytest.raises(TimeoutError):
        here.receive(0.02)
    with pytest.raises(TimeoutError):
        here.send({}, {"big": np.zeros(10**6)}, 0.05)


def test_a_closed_end_is_noticed(ends: tuple[Pipe, Pipe]) -> None:
    here, there = ends
    there.close()
    there.close()
    with pytest.raises(EOFError):
        here.receive(1)
    with pytest.raises(BrokenPipeError):
        here.send({})


def test_half_a_frame_is_the_end(ends: tuple[Pipe, Pipe]) -> None:
    here, there = ends
    os.write(here.fds[1], struct.pack("<I", 100) + b"{")
    here.close()
    with pytest.raises(EOFError):
        there.receive(1)


def test_objects_may_not_pass(ends: tuple[Pipe, Pipe]) -> None:
    here, there = ends
    here.send({}, {"s": np.array(["text"])})
    with pytest.raises(ValueError, match="may not pass"):
        there.receive(1)
