"""NetSettings: a spiking network and how it is trained; what fits together, and what does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args

import torch

from hebbgraph.checks import whole_faults
from hebbgraph.continual.spiking.convnet import convnet
from hebbgraph.continual.spiking.nets import SpikingNet, mlp
from hebbgraph.continual.spiking.neurons import SURROGATES
from hebbgraph.continual.spiking.parts import Parts
from hebbgraph.continual.spiking.resnet import resnet
from hebbgraph.continual.spiking.rounding import rounding_faults
from hebbgraph.continual.spiking.synapses import ErrorPath
from hebbgraph.continual.spiking.trainers import TRAINERS
from hebbgraph.errors import Fault, Invalid, Unavailable
from hebbgraph.models import hlop

NETWORKS = ("mlp", "conv", "resnet18")
POOLS = ("average", "max")
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class NetSettings:
    """A network and how it is trained."""

    #: Units of the hidden layers, of an ``mlp``.
    hidden: tuple[int, ...] = (100,)
    steps: int = 20
    #: ``ottt``, ``bptt`` or ``dsr``.
    trainer: str = "ottt"
    batch: int = 64
    #: Of stochastic gradient descent, and its momentum.
    rate: float = 0.1
    momentum: float = 0.0
    #: Factor on the rate after each epoch of a task; a task begins with the whole rate.
    decay: float = 1.0
    #: Share of each label that is spread over all classes of the task.
    smoothing: float = 0.0
    #: ``bp``, ``fa`` or ``ss``.
    error: ErrorPath = "bp"
    #: Factor on the first weights.
    gain: float = 1.7
    leak: float = 0.5
    threshold: float = 1.0
    #: Share of the threshold at which a spike begins.
    fires: float = 1.0
    width: float = 0.5
    surrogate: str = "box"
    #: Bits of the weights that act, and of the accumulators that learn; 0 for none.
    weight_bits: int = 0
    accumulator_bits: int = 0
    #: Of accumulators: ``nearest``, ``independent`` or ``shared`` (stochastic).
    rounding: str = "nearest"
    #: Largest weight of a layer, in largest first weights, where there are bits.
    weight_span: float = 4.0
    dtype: str = "float32"
    device: str = "cpu"
    #: ``mlp``, ``conv`` or ``resnet18``.
    network: str = "mlp"
    #: Channels, height and width of the images that the inputs are, for the last two.
    image_shape: tuple[int, ...] = ()
    #: Channels of each convolution of ``conv``; of the first stage of ``resnet18``, which double.
    maps: tuple[int, ...] = (64, 128, 256)
    #: ``average`` or ``max``: how four spikes become one after a convolution of ``conv``.
    pool: str = "average"
    #: Whether currents are normalised; norms learn in the first task only.
    norm: bool = True
    #: Share of a minibatch in the running averages of norms, more where minibatches are few.
    norm_share: float = 0.1
    #: Blocks of each stage of ``resnet18``.
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    #: Whether ``resnet18`` begins with windows of 5x5 at every other pixel, for large images.
    wide_first: bool = False


#: What works for each trainer where it differs from the defaults.
TRAINER_DEFAULTS: dict[str, dict[str, Any]] = {
    "ottt": {},
    "bptt": {"steps": 6, "rate": 0.2},
    "dsr": {"leak": 0.95, "fires": 0.5, "rate": 0.2},
}


def settings_for(trainer: str, **given: Any) -> NetSettings:
    """Return the settings that work for a trainer, with changes; raises `Invalid`."""
    if trainer not in TRAINER_DEFAULTS:
        need = f"must be one of {', '.join(TRAINER_DEFAULTS)}"
        raise Invalid("settings", [Fault("trainer", repr(trainer), need)])
    return NetSettings(**({"trainer": trainer} | TRAINER_DEFAULTS[trainer] | given))


def network(given: NetSettings, inputs: int, outputs: int, seed: int) -> SpikingNet:
    """Return the network for a stream of `inputs` and `outputs`; raises `Invalid`."""
    faults = settings_faults(given, inputs)
    if faults:
        raise Invalid("settings", faults)
    fade = given.leak if given.trainer == "dsr" else 1.0
    parts = Parts(
        steps=given.steps,
        leak=given.leak,
        threshold=given.threshold,
        fires=given.fires,
        width=given.width,
        surrogate=given.surrogate,
        error=given.error,
        gain=given.gain,
        norm_share=given.norm_share,
        fade=fade,
        seed=seed,
        dtype=DTYPES[given.dtype],
    )
    if given.network == "conv":
        shape = _image(given)
        return convnet(parts, shape, given.maps, outputs, pool=given.pool, norm=given.norm)
    if given.network == "resnet18":
        shape, maps = _image(given), given.maps[0]
        return resnet(parts, shape, maps, outputs, blocks=given.blocks, wide=given.wide_first)
    sizes = (inputs, *given.hidden, outputs)
    return mlp(
        [given.gain * w for w in hlop.first_weights(sizes, seed)],
        given.steps,
        leak=given.leak,
        threshold=given.threshold,
        width=given.width,
        surrogate=given.surrogate,
        fires=given.fires,
        fade=fade,
        error=given.error,
        seed=seed,
        dtype=DTYPES[given.dtype],
    )


def device_of(given: NetSettings) -> torch.device:
    """Return the device that learns; raises `Invalid`, or `Unavailable` where it is not here."""
    try:
        device = torch.device(given.device)
    except RuntimeError as error:
        need = 'must name a torch device, as in "cpu", "cuda" or "cuda:0"'
        raise Invalid("settings", [Fault("device", repr(given.device), need)]) from error
    try:
        torch.ones(1, device=device, dtype=DTYPES[given.dtype]).cpu()
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        there = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        reason = str(error).partition("\n")[0]
        remedy = f"devices here: {', '.join(there)}; or install a torch built for {device.type}"
        raise Unavailable(f"no device {given.device!r} ({reason}); {remedy}") from error
    return device


def settings_faults(given: NetSettings, inputs: int) -> list[Fault]:
    """Return everything that is wrong with settings for `inputs` input channels."""
    faults = []
    for name, known in (
        ("network", NETWORKS),
        ("pool", POOLS),
        ("trainer", tuple(TRAINERS)),
        ("error", get_args(ErrorPath)),
        ("dtype", tuple(DTYPES)),
        ("surrogate", tuple(SURROGATES)),
    ):
        if getattr(given, name) not in known:
            need = f"must be one of {', '.join(known)}"
            faults.append(Fault(name, repr(getattr(given, name)), need))
    for name, low in (("steps", 1), ("batch", 1)):
        faults += whole_faults(name, getattr(given, name), low, 10**6)
    for name in ("hidden", "maps", "blocks"):
        for i, count in enumerate(getattr(given, name)):
            faults += whole_faults(f"{name}[{i}]", count, 1, 10**6)
    for name in ("leak", "fires", "momentum", "decay", "smoothing", "norm_share"):
        value = getattr(given, name)
        if not 0 <= value <= 1:
            faults.append(Fault(name, repr(value), "must be in [0, 1]"))
    bits = {name: getattr(given, name) for name in ("weight_bits", "accumulator_bits")}
    faults += rounding_faults(bits, given.rounding)
    for name in ("threshold", "rate", "gain", "width", "weight_span"):
        value = getattr(given, name)
        if not (math.isfinite(value) and value > 0):
            faults.append(Fault(name, repr(value), "must be positive and finite"))
    if given.network in NETWORKS[1:]:
        faults += _image_faults(given, inputs)
    return faults


def _image_faults(given: NetSettings, inputs: int) -> list[Fault]:
    shape = given.image_shape
    if len(shape) != 3 or min(shape) < 1:
        need = "must be (channels, height, width)"
        return [Fault("image_shape", repr(shape), need, "name the shape of the images")]
    faults = []
    if math.prod(shape) != inputs:
        got = f"{shape}, {math.prod(shape)} values"
        faults.append(Fault("image_shape", got, f"must hold the {inputs} inputs of the stream"))
    if not given.maps:
        faults.append(Fault("maps", "()", "must name the channels of at least one convolution"))
    if given.network == "conv" and min(shape[1:]) < 2 ** len(given.maps):
        need = f"images must have at least {2 ** len(given.maps)} rows and columns"
        remedy = "take fewer maps: each halves the image"
        faults.append(Fault("maps", f"{len(given.maps)} of images {shape[1:]}", need, remedy))
    if given.network == "conv" and given.trainer == "dsr" and given.pool == "max":
        need = "must be average: the largest rate is not the rate of the largest spike"
        faults.append(Fault("pool", "'max' with trainer 'dsr'", need))
    if given.network == "resnet18" and not given.blocks:
        faults.append(Fault("blocks", "()", "must name the blocks of at least one stage"))
    if given.network == "resnet18" and not given.norm:
        faults.append(Fault("norm", "False", "residual blocks need norms"))
    return faults


def _image(given: NetSettings) -> tuple[int, int, int]:
    channels, height, width = given.image_shape
    return channels, height, width
