"""Naive: one task after another, nothing protects the old ones."""

from hebbgraph.continual.methods.method import Method


class Naive(Method):
    """Plain training."""


LEARNS = Naive
