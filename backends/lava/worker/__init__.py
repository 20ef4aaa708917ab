"""The Lava worker: what runs in the other interpreter (Python 3.10 and up, NumPy, lava).

Nothing here imports hebbgraph. `__main__` is launched by path and gives this folder the name
``hebbgraph_lava`` there; the modules that need no lava (`frames`, `plan`, `kernel`) can be
imported from hebbgraph too.
"""
