"""The engine itself: its import, and the settings and device under which a network is run.

Brian2 keeps both in global variables. They are set for the time of one build and run and put back
afterwards, so that other Brian2 work in the same process is not touched. Two threads cannot run
networks at the same time.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hebbgraph.errors import EngineError

#: -ffast-math, Brian2's default, re-orders float sums, and a fused multiply-add rounds once where
#: NumPy rounds twice: without both, compiled code adds up as NumPy does.
COMPILE_ARGS = ["-w", "-O3", "-ffp-contract=off", "-march=native", "-std=c++11"]


def load() -> Any:
    """Import and return Brian2; raises `EngineError` where that would fail half-way."""
    if "brian2" in sys.modules:
        return sys.modules["brian2"]
    if threading.current_thread() is not threading.main_thread():
        need = "Brian2 installs a signal handler, so its first import must be in the main thread"
        raise EngineError(f"{need}: import brian2 there before starting threads")
    hook = sys.excepthook
    with _upstream_deprecations_ignored():
        brian2 = importlib.import_module("brian2")
    # Brian2's own hook calls every uncaught error of a program a bug in Brian2.
    sys.excepthook = hook
    return brian2


@contextmanager
def session(target: str, device: Any = None) -> Iterator[Any]:
    """Yield Brian2 set to `target`, on `device` or its runtime device; then restore everything."""
    with _upstream_deprecations_ignored():
        brian2 = load()
        # The attribute brian2.devices.device is an object of that name, not the module.
        devices: Any = importlib.import_module("brian2.devices.device")
        settings = _settings(target)
        saved = {name: brian2.prefs[name] for name in settings}
        active = devices.active_device
        try:
            for name, value in settings.items():
                brian2.prefs[name] = value
            devices.active_device = device or devices.runtime_device
            yield brian2
        finally:
            devices.active_device = active
            for name, value in saved.items():
                brian2.prefs[name] = value


def standalone_device(folder: Path) -> Any:
    """Return a C++ standalone device of our own that builds into `folder`."""
    load()
    module = importlib.import_module("brian2.devices.cpp_standalone.device")
    device = module.CPPStandaloneDevice()
    device.activate(build_on_run=True, directory=str(folder), with_output=False)
    return device


def _settings(target: str) -> dict[str, Any]:
    """Return every preference that decides what is computed, and where compiled code is kept."""
    settings: dict[str, Any] = {
        "codegen.loop_invariant_optimisations": True,
        "codegen.cpp.extra_compile_args": COMPILE_ARGS,
        "core.default_float_dtype": np.float64,
        # Otherwise Ctrl-C ends a run early without an error, with half a result.
        "core.stop_on_keyboard_interrupt": False,
        "devices.cpp_standalone.openmp_threads": 0,
        # Brian2's default, a bare -j, starts as many compilers as there are files.
        "devices.cpp_standalone.extra_make_args_unix": [f"-j{os.cpu_count() or 1}"],
    }
    if target != "cpp_standalone":
        settings["codegen.target"] = target
    if target == "cython":
        # Brian2's cache of compiled modules does not know the flags they were compiled with.
        manager = importlib.import_module("brian2.codegen.runtime.cython_rt.extension_manager")
        folder = f"{manager.get_cython_cache_dir()}_hebbgraph"
        settings["codegen.runtime.cython.cache_dir"] = folder
    return settings


@contextmanager
def _upstream_deprecations_ignored() -> Iterator[None]:
    """Ignore warnings of one form: Brian2 2.9 uses names that pyparsing 3.3 deprecates."""
    with warnings.catch_warnings():
        text = r"'\w+' (argument is )?deprecated"
        warnings.filterwarnings("ignore", message=text, category=DeprecationWarning)
        yield
