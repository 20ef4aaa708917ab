"""example: the spec that `hebbgraph sweep --example` prints."""

SPEC = """\
# A co-design sweep: `hebbgraph sweep spec.yaml --workers 2`. The same command goes on where it was
# stopped. Only `subject` (or `subjects`) is needed; everything else has a default.
name: codesign

# What runs. Settings and knobs go by the same names: fields of a trial (data, count, load, level,
# corruption, steps, units, tested, backend, domain, ...), parameters of the model (rule, p, beta,
# dynamics, ...), of a continual run those of its network (hidden, steps, rate, ...), tasks, epochs.
subjects:
  hopfield:
    model: hopfield
    # Widths of the chip's integers matter in the fixed domain only.
    settings: {data: digits, count: 8, level: 0.15, steps: 10, domain: fixed, tie: low}
  # hlop:
  #   kind: continual
  #   preset: quick
  #   method: hlop
  #   settings: {epochs: 2, tasks: 2}
  #   knobs: {weight_bits: [2, 4, 8]}   # instead of those of all

# What is turned. A list; {from, to, count} or {from, to, step}, with log: true for equal ratios;
# for the strategies random and search also uniform, log_uniform, integers, log_integers, normal.
knobs:
  # Numerics: run again. weight_bits is the model's own width where it has one, else the chip's;
  # state_bits, decay_bits, numerics.NAME are widths of the chip's integers.
  weight_bits: [3, 4, 8]
  # state_bits: [12, 16, 24]
  # The share of synapses that stay, the largest ones.
  density: {from: 0.4, to: 1.0, count: 3}
  # Architecture: runs nothing, places and prices the stored runs anew. Also:
  # synaptic_bits_per_core, axons_in_per_core, axons_out_per_core, cores_per_tile, mesh_width,
  # mesh_height; factors hop_cost, packet_cost, synapse_cost, neuron_cost, spike_cost; law.NAME
  # for a cost law of a machine.
  neurons_per_core: [16, 64, 1024]

seeds: 3                       # or a list
strategy: {kind: grid}         # or {kind: random, n: 50, seed: 0}, {kind: search, n: 60, seed: 0},
                               # {kind: points, points: [{weight_bits: 4}, ...]}
# A machine's cost laws (weight_bits, ...) follow the knob of that name; `follow: false` stops it.
hardware: [loihi1_nahuku, digital_45nm]
# Metrics (accuracy, overlap, exact, ...) or prices (energy, learning, time, edp, cores, packets),
# a price on the first machine unless another is named.
objectives: [accuracy, "energy:loihi1_nahuku"]
# Whether runs are placed on cores is decided by the knobs, unless `placement: true` or false says
# so. Units that a machine does not compute are left to a host, or with `host: none` placed as if
# it did. `allow_synthetic: true` admits machines whose energies are guesses.
host: machine
time_limit: 600                # seconds for one job
"""
