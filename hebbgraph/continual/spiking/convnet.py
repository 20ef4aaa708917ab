"""The convolutional network of HLOP: convolutions of 3x3, each followed by pooling, and a readout.

M. Xiao et al., ICLR 2024, arXiv:2402.11984: 64-M-128-M-256-M with norms, M average pooling of 2x2.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from hebbgraph.continual.spiking.nets import SpikingNet
from hebbgraph.continual.spiking.parts import Images, Parts


def convnet(
    parts: Parts,
    image_shape: tuple[int, int, int],
    maps: Sequence[int],
    classes: int,
    *,
    pool: str = "average",
    norm: bool = True,
) -> SpikingNet:
    """Return ``maps[l]`` channels of 3x3 windows for each layer, spikes of 2x2 units pooled.

    Pooled spikes are their mean (``average``), or whether there is one (``max``).
    """
    channels, height, width = image_shape
    body: list[nn.Module] = [Images(image_shape)]
    for count in maps:
        pooled = nn.AvgPool2d(2) if pool == "average" else nn.MaxPool2d(2)
        body += [parts.synapses(count, channels, (3, 1, 1), norm=norm), parts.units(), pooled]
        channels, height, width = count, height // 2, width // 2
    body.append(nn.Flatten())
    head = parts.synapses(classes, channels * height * width)
    return SpikingNet(nn.Sequential(*body), head, parts.steps, parts.fade)
