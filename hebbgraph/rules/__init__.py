"""Learning rules as data: `Rule`, its traces, and the rules of the textbooks (`library`)."""

from hebbgraph.rules.rule import Rule, Trace

__all__ = ["Rule", "Trace"]
