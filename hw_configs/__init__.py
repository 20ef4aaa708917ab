if __name__ == "hw_configs":
    raise ImportError("import hebbgraph.hw_configs, not hw_configs")
