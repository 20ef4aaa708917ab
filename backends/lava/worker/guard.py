"""Nothing outlives the worker, and the worker does not outlive the program that started it.

Every process that Lava forks dies with the worker (PR_SET_PDEATHSIG). The worker leads a session
of its own and ends it, with SIGKILL to the whole group, when its pipe closes or its parent is
gone. As nothing here has a name in the file system, SIGKILL leaves nothing behind.
"""

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def protect_forks(fds):
    """Make every process forked from now on die with this one, and not hold `fds`."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = [os.getpid()]

    def remember():
        parent[0] = os.getpid()

    def bind():
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent[0]:  # it died before the line above
            os._exit(1)
        for fd in fds:
            try:
                os.close(fd)
            except OSError:
                continue

    os.register_at_fork(before=remember, after_in_child=bind)


def end_session():
    """Kill this process and everything it forked, at once."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def fallen():
    """Return the Lava processes that have ended, by process id; nothing is reaped."""
    ended = {}
    for child in list(multiprocessing.process._children):
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, child.pid, flags) is not None:
                ended[child.pid] = child
        except (ChildProcessError, ValueError, TypeError):
            continue
    return ended


def explain(child):
    """Return why a Lava process ended, by the exception that lava keeps and shows to nobody."""
    if not child.exception:
        return f"Lava process {child.name} died"
    error, trace = child.exception
    sys.stderr.write(trace)
    return f"{type(error).__name__}: {error}"
