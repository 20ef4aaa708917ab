if __name__ == "models":
    raise ImportError("import hebbgraph.models, not models")
