"""Entry of the worker: ``python worker/__main__.py [--shim] (--probe | READ_FD WRITE_FD)``."""

import json
import signal
import sys
import types
from importlib import metadata
from pathlib import Path


def name_package():
    """Give this folder the name hebbgraph_lava, so that no bare module name is on the path."""
    folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    package = types.ModuleType("hebbgraph_lava")
    package.__path__ = [folder]
    sys.modules["hebbgraph_lava"] = package


def found_versions():
    """Return the versions of what runs here."""
    versions = {name: metadata.version(name) for name in ("lava-nc", "numpy")}
    return {"python": ".".join(map(str, sys.version_info[:3])), **versions}


def main(arguments):
    """Probe (import lava, print versions), or serve requests on two pipe ends."""
    name_package()
    if "--shim" in arguments:
        from hebbgraph_lava import shim

        shim.apply()
    # lava sets the start method when it is imported, so that comes before all else.
    import lava.magma.runtime.message_infrastructure.multiprocessing  # noqa: F401

    if "--probe" in arguments:
        from hebbgraph_lava import engine  # noqa: F401

        sys.stdout.write(json.dumps(found_versions()) + "\n")
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program that started us decides
    from hebbgraph_lava import guard, memory
    from hebbgraph_lava.frames import Pipe
    from hebbgraph_lava.server import Server

    fds = [int(text) for text in arguments if text.isdigit()]
    guard.protect_forks(fds)
    memory.install()
    Server(Pipe(*fds)).serve(found_versions())


if __name__ == "__main__":
    main(sys.argv[1:])
