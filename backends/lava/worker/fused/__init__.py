"""The fused kernel: a whole graph, a batch of episodes, in NumPy alone.

Arrays have shape (episodes, units). In the fixed domain every number is an integer held in a float:
sums of weights in float32 as long as none can reach 2**24, else in float64 (2**53), else in int64.
Nothing is ever rounded, so the result is that of integers.
"""
