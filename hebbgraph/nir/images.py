"""images: where signals have the shape of an image (C, H, W), as NIR's Conv2d needs it.

NIR can flatten an image but not make one of a vector. So a convolution stays one only if what it
hears is an image by its own account: an Input, or units that hear nothing but convolutions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from hebbgraph.nir.inference import Inference
from hebbgraph.processes import LIF, Bus, Conv2d, Dendrite, Graded, Process

Shape = tuple[int, ...]


def shapes(part: Inference) -> Mapping[str, Shape]:
    """Return the shape of what leaves every process: an image, or a vector."""
    kept = {
        path
        for path, process in part.graph.of_kind(Conv2d).items()
        if process.weights.shape[2] == process.weights.shape[3]  # nir takes kernels for square
    }
    while True:
        found: dict[str, Shape] = {}
        for path in part.graph.order:
            found[path] = _shape(part, path, kept, found)
        wrong = {path for path in kept if not _fed_with_images(part, path, found)}
        if not wrong:
            return found
        kept -= wrong


def _shape(part: Inference, path: str, kept: set[str], known: Mapping[str, Shape]) -> Shape:
    process = part.graph.flat_processes[path]
    vector = (process.output.size,)
    if isinstance(process, Conv2d):
        return process.shape_out if path in kept else vector
    if process.ROLE == "source":
        heard_as = {_image_in(part.graph.flat_processes[p]) for p in part.after(path) & kept}
        return heard_as.pop() if len(heard_as) == 1 else vector
    if process.ROLE == "synapses" or _takes_vectors(part.forms[path].process):
        return vector
    heard = set()
    for other in part.before(path):
        source = part.graph.flat_processes[other]
        late = source.shape_out if isinstance(source, Conv2d) and other in kept else vector
        heard.add(known.get(other, late))
    image = heard.pop() if len(heard) == 1 else vector
    return image if math.prod(image) == process.output.size else vector


def _takes_vectors(process: Process) -> bool:
    """Return whether the nodes of some units hold matrices, which take vectors."""
    match process:
        case LIF():
            return bool((process.decay_v == 0).all() and process.bias.any())
        case Graded():
            return bool(process.bias.any())
        case Dendrite():
            return process.segments > 1
    return isinstance(process, Bus)


def _fed_with_images(part: Inference, path: str, known: Mapping[str, Shape]) -> bool:
    image = _image_in(part.graph.flat_processes[path])
    return {known[other] for other in part.before(path)} == {image}


def _image_in(process: Process) -> Shape:
    assert isinstance(process, Conv2d)
    return process.shape_in
