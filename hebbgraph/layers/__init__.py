"""Layers: association with modern Hopfield networks as torch modules to train.

`Hopfield`, `HopfieldPooling` and `HopfieldLayer` are used as those of the paper's own package,
hopfield-layers: the same names of arguments, the same shapes, the same defaults. Of its arguments
``concat_bias_pattern``, ``pattern_projection_as_connected``, ``association_activation`` and the
epsilons of normalisation are not here. What a layer has learned becomes a process graph by
`to_graph`, and runs on every engine.

H. Ramsauer et al., "Hopfield networks is all you need", ICLR 2021, arXiv:2008.02217.
"""

from __future__ import annotations

from hebbgraph.errors import Unavailable

try:
    import torch  # noqa: F401
except (ImportError, OSError) as error:  # OSError: a shared library is missing
    raise Unavailable(f'hebbgraph.layers: {error}; pip install "hebbgraph[torch]"') from error

from hebbgraph.layers.hopfield import Hopfield
from hebbgraph.layers.lookup import HopfieldLayer
from hebbgraph.layers.pooling import HopfieldPooling
from hebbgraph.layers.to_graph import to_graph

__all__ = ["Hopfield", "HopfieldLayer", "HopfieldPooling", "to_graph"]
