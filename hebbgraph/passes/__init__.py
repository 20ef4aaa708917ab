"""Passes: pure verbs on graphs; each leaves a valid graph that any back end can run."""
