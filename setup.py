"""List the packages: those below hebbgraph/, and the three folders at the top beside it.

The tracked links hebbgraph/models, hebbgraph/backends and hebbgraph/hw_configs are left out here;
`package-dir` in pyproject.toml puts the real folders in their place.
"""

from setuptools import find_packages, setup

TOP = ("models", "backends", "hw_configs")
linked = tuple(f"hebbgraph.{name}" for name in TOP)
core = [p for p in find_packages(include=["hebbgraph", "hebbgraph.*"]) if not p.startswith(linked)]
tops = [f"hebbgraph.{p}" for name in TOP for p in find_packages(include=[name, f"{name}.*"])]
setup(packages=[*core, *tops])
