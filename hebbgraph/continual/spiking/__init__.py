"""Spiking networks in torch, on snnTorch's neurons, with the hooks that continual learning needs.

`synapses` carries spikes forward and errors back, and lets a method take part in the weight update;
`neurons` holds snnTorch units with a soft reset; `nets` puts them together; `trainers` are ways to
get gradients: on-line through traces (OTTT), through time (BPTT), through rates.
"""
