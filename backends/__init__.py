"""The back ends: one folder each, found by `hebbgraph.backend.discover`."""

if __name__ == "backends":
    raise ImportError("import hebbgraph.backends, not backends")
