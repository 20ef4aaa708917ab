"""Frames: JSON and arrays through a pair of pipes, the same code at both ends.

A frame is the length of its header (unsigned 32-bit, little endian), the header (JSON), and the
bytes of the arrays that the header lists, in that order. No pickle: nothing is executed.
"""

from __future__ import annotations

import json
import os
import select
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

#: The kinds of numbers that may pass: bool, signed and unsigned integers, floats.
_KINDS = "biuf"
_LENGTH = struct.Struct("<I")


class Pipe:
    """Two pipe ends: frames are read from one and written to the other, with deadlines."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.fds = (read_fd, write_fd)
        self._read_fd, self._write_fd = read_fd, write_fd
        for fd in self.fds:
            os.set_blocking(fd, False)
        self._sending = threading.Lock()
        self._reader, self._writer = select.poll(), select.poll()
        self._reader.register(read_fd, select.POLLIN)
        self._writer.register(write_fd, select.POLLOUT)

    def readable(self, seconds: float) -> bool:
        """Return whether something, or the end, can be read within `seconds`."""
        return bool(self._reader.poll(max(0.0, seconds) * 1000))

    def send(
        self,
        header: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray[Any, Any]] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Write one frame; raises TimeoutError, or BrokenPipeError if the other end is gone."""
        deadline = _deadline(timeout)
        payload = {key: np.ascontiguousarray(value) for key, value in (arrays or {}).items()}
        listed = [[key, a.dtype.str, list(np.shape(a))] for key, a in payload.items()]
        text = json.dumps({**header, "arrays": listed}).encode()
        with self._sending:
            self._write(memoryview(_LENGTH.pack(len(text)) + text), deadline)
            for array in payload.values():
                if array.size:
                    self._write(array.reshape(-1).view(np.uint8).data, deadline)

    def receive(
        self, timeout: float | None = None
    ) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
        """Read one frame; raises TimeoutError, or EOFError if the other end is gone."""
        deadline = _deadline(timeout)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        header = json.loads(bytes(self._read(length, deadline)))
        arrays = {}
        for key, code, shape in header.pop("arrays"):
            dtype = np.dtype(code)
            if dtype.kind not in _KINDS:
                raise ValueError(f"{key}: dtype {code} may not pass")
            count = int(np.prod(shape, dtype=np.int64))
            data = self._read(count * dtype.itemsize, deadline)
            arrays[key] = np.frombuffer(data, dtype, count).reshape(shape)
        return header, arrays

    def close(self) -> None:
        """Close both ends; safe to call twice."""
        for fd in self.fds:
            try:
                os.close(fd)
            except OSError:
                continue
        self.fds = (-1, -1)

    def _write(self, view: memoryview, deadline: float | None) -> None:
        while view:
            _wait(self._writer, deadline)
            try:
                view = view[os.write(self._write_fd, view) :]
            except BlockingIOError:
                continue

    def _read(self, count: int, deadline: float | None) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            _wait(self._reader, deadline)
            try:
                got = os.readv(self._read_fd, [view])
            except BlockingIOError:
                continue
            if got == 0:
                raise EOFError("the other end closed the pipe")
            view = view[got:]
        return data


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def _wait(poll: select.poll, deadline: float | None) -> None:
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not poll.poll(left):
        raise TimeoutError("the other end does not answer")
