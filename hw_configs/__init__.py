"""The hardware configurations: one YAML file each."""

if __name__ == "hw_configs":
    raise ImportError("import hebbgraph.hw_configs, not hw_configs")
