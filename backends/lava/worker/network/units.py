"""Units that lava has: its own models, with zero states at the start of an episode, recorded.

Thresholds are one per unit: lava's models compute with arrays as with numbers, but some of its
Processes leave room for one number only, hence subclasses of those. What a model implements and
requires it inherits from lava's.
"""

import numpy as np
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.variable import Var
from lava.proc.graded import process as graded
from lava.proc.graded.models import PyGradedReluVecModelFixed, PyGradedVecModelFixed
from lava.proc.lif import process as lif
from lava.proc.lif.models import (
    PyLifModelBitAcc,
    PyLifModelFloat,
    PyLifRefractoryModelFloat,
    PyTernLifModelFixed,
    PyTernLifModelFloat,
)
from lava.proc.sdn import process as sdn
from lava.proc.sdn.models import PySigmaDeltaModelFixed, PySigmaDeltaModelFloat

from hebbgraph.backends.lava.worker.network.moment import begins_episode, record


class Recorded:
    """What is common to the models below: do what lava does, from zero states, and record."""

    #: Variables that are zero at the start of an episode, and may be probed.
    REGISTERS = ()
    _tap = None

    def run_spk(self):
        """Reset if an episode begins, do what lava does, record."""
        if begins_episode(self):
            for name in self.REGISTERS:
                setattr(self, name, np.zeros_like(getattr(self, name)))
        if self._tap is None:
            self._tap = self.s_out = Tap(self.s_out)
        super().run_spk()
        record(self, self._tap.sent, self.registers())

    def registers(self):
        """Return what may be probed, by name."""
        return {name: getattr(self, name) for name in self.REGISTERS}


class Tap:
    """An out port that remembers what was sent."""

    def __init__(self, port):
        self.port = port
        self.sent = None

    def send(self, values):
        """Send `values`."""
        self.sent = np.array(values)
        self.port.send(values)


class LIFFloat(Recorded, PyLifModelFloat):
    """lava's floating point LIF."""

    REGISTERS = ("u", "v")


class LIFFixed(Recorded, PyLifModelBitAcc):
    """lava's bit-accurate LIF."""

    REGISTERS = ("u", "v")


class LIFRefractoryFloat(Recorded, PyLifRefractoryModelFloat):
    """lava's floating point LIF with a refractory period; r counts what is left of it."""

    REGISTERS = ("u", "v", "refractory_period_end")

    def registers(self):
        """Return u, v and r."""
        left = np.maximum(self.refractory_period_end - self.time_step, 0)
        return {"u": self.u, "v": self.v, "r": left}


class TernaryLIF(lif.TernaryLIF):
    """lava's TernaryLIF with two thresholds per unit."""

    def __init__(self, shape, vth_hi, vth_lo, **parameters):
        super().__init__(shape=shape, **parameters)
        self.vth_hi = Var(shape=shape, init=vth_hi)
        self.vth_lo = Var(shape=shape, init=vth_lo)


class TernaryLIFFloat(Recorded, PyTernLifModelFloat):
    """lava's floating point TernaryLIF."""

    REGISTERS = ("u", "v")


class TernaryLIFFixed(Recorded, PyTernLifModelFixed):
    """lava's fixed point TernaryLIF; its spikes travel in 32 bits, as those of LIF."""

    REGISTERS = ("u", "v")
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=2)


class SigmaDelta(sdn.SigmaDelta):
    """lava's SigmaDelta with a threshold and a bias per unit, not scaled by its exponent."""

    def __init__(self, shape, vth, bias, **parameters):
        super().__init__(shape=shape, vth=0, **parameters)
        self.vth = Var(shape=shape, init=vth)
        self.bias = Var(shape=shape, init=bias)


class SigmaDeltaFloat(Recorded, PySigmaDeltaModelFloat):
    """lava's floating point SigmaDelta."""

    REGISTERS = ("sigma", "act", "residue", "error")


class SigmaDeltaFixed(Recorded, PySigmaDeltaModelFixed):
    """lava's fixed point SigmaDelta."""

    REGISTERS = ("sigma", "act", "residue", "error")


class GradedVec(graded.GradedVec):
    """lava's GradedVec with a threshold per unit."""

    def __init__(self, shape, vth):
        super().__init__(shape=shape)
        self.vth = Var(shape=shape, init=vth)


class GradedReluVec(graded.GradedReluVec):
    """lava's GradedReluVec with a threshold per unit."""

    def __init__(self, shape, vth):
        super().__init__(shape=shape)
        self.vth = Var(shape=shape, init=vth)


class GradedVecFixed(Recorded, PyGradedVecModelFixed):
    """lava's fixed point GradedVec (it has no floating point one)."""


class GradedReluVecFixed(Recorded, PyGradedReluVecModelFixed):
    """lava's fixed point GradedReluVec (it has no floating point one)."""
