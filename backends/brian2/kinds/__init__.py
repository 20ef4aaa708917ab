"""The process kinds in Brian2's terms: one module per group of kinds.

`spiking` and `graded` are units whose equations are one string; `groups` and `groups_arrays` are
units that look at a group, as synapses and on arrays; `events` and `products` are synapses, as
Synapses and as matrix products; `plastic_events` and `plastic_arrays` those that learn.
"""
