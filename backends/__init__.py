if __name__ == "backends":
    raise ImportError("import hebbgraph.backends, not backends")
