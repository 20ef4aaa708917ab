"""Theory lines, computed and not typed in: one file per family of memories."""

from hebbgraph.theory.hopfield import hopfield_capacity, hopfield_overlap

__all__ = ["hopfield_capacity", "hopfield_overlap"]
