"""The Lava worker: what runs in the other interpreter (Python 3.10 and up, NumPy, lava).

Nothing here imports hebbgraph but the reference's steps, its learning and `hebbgraph.random`, which
need NumPy alone. `__main__` is launched by path; the modules that need no lava (`frames`, `plan`,
`bounds`, `fused`) can be imported from hebbgraph too.
"""
