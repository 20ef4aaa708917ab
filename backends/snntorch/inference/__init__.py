"""The fast run: every process an emitter with buffers of its own, changed in place.

It computes what `GraphNetwork.forward` does, without gradients and without what a run cannot need:
terms that are zero, states nobody reads, wraps that `bounds` rules out. Reading order: `lines`
(what was emitted lately), `emitter`, then one file per form: `products`, `spiking`, `stepped`;
`build` (which form each process takes), `run`.
"""
