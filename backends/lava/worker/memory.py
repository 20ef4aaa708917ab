"""Memory shared with the processes that Lava forks, without a name.

Lava allocates its channels through a `SharedMemoryManager`: one more process, and a named segment
per channel that stays behind when the worker is killed. All its processes are forked after that,
so anonymous shared mappings serve as well: they end with the last process that has them.
"""

import mmap

import numpy as np


class Segment:
    """One mapping, with the part of `multiprocessing.shared_memory.SharedMemory` that Lava uses."""

    def __init__(self, size):
        self.buf = memoryview(mmap.mmap(-1, max(int(size), 1)))


class AnonymousMemoryManager:
    """Stands in for Lava's `SharedMemoryManager`; a forked process inherits what it hands out."""

    def start(self):
        """Do nothing: no process is needed."""

    def shutdown(self):
        """Do nothing: a mapping ends with the last reference to it."""

    def create_shared_memory(self, size):
        """Return a mapping of `size` bytes."""
        return Segment(size)


def install():
    """Make Lava's runtime allocate anonymous memory."""
    from lava.magma.runtime.message_infrastructure import multiprocessing

    multiprocessing.SharedMemoryManager = AnonymousMemoryManager


def shared_array(shape, dtype):
    """Return an array of zeros that processes forked later share."""
    count = int(np.prod(shape, dtype=np.int64))
    size = max(1, count * np.dtype(dtype).itemsize)
    return np.frombuffer(mmap.mmap(-1, size), dtype, count).reshape(shape)
