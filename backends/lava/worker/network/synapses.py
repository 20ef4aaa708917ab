"""Synapses that lava has: its own models, with nothing under way at the start of an episode.

All of them send what they summed in the step before, and only then receive: one step of delay.
What a model implements and requires it inherits from lava's.
"""

import numpy as np
from lava.proc.conv.models import PyConvModelFixed, PyConvModelFloat
from lava.proc.dense.models import (
    PyDelayDenseModelBitAcc,
    PyDelayDenseModelFloat,
    PyDenseModelBitAcc,
    PyDenseModelFloat,
)
from lava.proc.sparse.models import (
    PyDelaySparseModelBitAcc,
    PyDelaySparseModelFloat,
    PySparseModelBitAcc,
    PySparseModelFloat,
)

from hebbgraph.backends.lava.worker.network.moment import begins_episode, record


class Emptied:
    """What is common to the models below: do what lava does, from an empty buffer, and record."""

    #: Where lava keeps what it will send.
    BUFFER = "a_buff"

    def run_spk(self):
        """Reset if an episode begins, record what is sent, do what lava does."""
        if begins_episode(self):
            setattr(self, self.BUFFER, np.zeros_like(getattr(self, self.BUFFER)))
        record(self, self.outgoing(getattr(self, self.BUFFER)))
        super().run_spk()

    @staticmethod
    def outgoing(buffered):
        """Return what is sent in this step, one number per unit."""
        return buffered


class EmptiedColumns(Emptied):
    """The same for synapses with delays, which keep a column per step to come."""

    @staticmethod
    def outgoing(buffered):
        """Return the first column."""
        return buffered[:, 0]


class EmptiedImages(Emptied):
    """The same for convolutions, whose units lie row by row, column by column, channels last."""

    BUFFER = "a_buf"

    @staticmethod
    def outgoing(buffered):
        """Return the units channel by channel."""
        return buffered.transpose(2, 0, 1).ravel()


class DenseFloat(Emptied, PyDenseModelFloat):
    """lava's floating point Dense."""


class DenseFixed(Emptied, PyDenseModelBitAcc):
    """lava's bit-accurate Dense."""


class SparseFloat(Emptied, PySparseModelFloat):
    """lava's floating point Sparse."""


class SparseFixed(Emptied, PySparseModelBitAcc):
    """lava's bit-accurate Sparse."""


class DelayDenseFloat(EmptiedColumns, PyDelayDenseModelFloat):
    """lava's floating point DelayDense."""


class DelayDenseFixed(EmptiedColumns, PyDelayDenseModelBitAcc):
    """lava's bit-accurate DelayDense."""


class DelaySparseFloat(EmptiedColumns, PyDelaySparseModelFloat):
    """lava's floating point DelaySparse."""


class DelaySparseFixed(EmptiedColumns, PyDelaySparseModelBitAcc):
    """lava's bit-accurate DelaySparse."""


class ConvFloat(EmptiedImages, PyConvModelFloat):
    """lava's floating point Conv."""


class ConvFixed(EmptiedImages, PyConvModelFixed):
    """lava's fixed point Conv."""
