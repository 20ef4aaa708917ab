"""The models: one file each, with `build(...) -> Graph`."""

if __name__ == "models":
    raise ImportError("import hebbgraph.models, not models")
