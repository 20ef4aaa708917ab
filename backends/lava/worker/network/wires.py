"""Sources and wires: what enters the network, delays beyond a synapse's own, one for many."""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from hebbgraph.backends.lava.worker.network.moment import begins_episode, position


class Source(AbstractProcess):
    """Emit row t of `data`, shape (steps, units), at step t of the chunk."""

    def __init__(self, data, control, name):
        super().__init__(data=data, control=control, name=name)
        self.s_out = OutPort(shape=(data.shape[-1],))


class SourceModel(PyLoihiProcessModel):
    """Read the shared data."""

    def run_spk(self):
        """Send one row."""
        self.s_out.send(self.proc_params["data"][position(self)])


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
class SourceFloat(SourceModel):
    """Send floats."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
class SourceFixed(SourceModel):
    """Send integers."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)


class Delay(AbstractProcess):
    """Pass on what arrived `steps` steps ago, s_out(t) = s_in(t - steps), to `fan` units.

    With a `fan` other than `units`, one unit is sent to many.
    """

    def __init__(self, units, fan, steps, control, name):
        super().__init__(units=units, fan=fan, steps=steps, control=control, name=name)
        self.s_in = InPort(shape=(units,))
        self.s_out = OutPort(shape=(fan,))


class DelayModel(PyLoihiProcessModel):
    """A ring of `steps` rows; it sends before it receives, so no loop waits for itself."""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.rows = np.zeros((proc_params["steps"], proc_params["units"]), self.DTYPE)

    def run_spk(self):
        """Send the oldest row, put the new one in its place; without rows, pass on at once."""
        if not len(self.rows):
            self._send(self.s_in.recv())
            return
        if begins_episode(self):
            self.rows[...] = 0
        row = self.time_step % len(self.rows)
        self._send(self.rows[row])
        self.rows[row] = self.s_in.recv()

    def _send(self, values):
        self.s_out.send(np.broadcast_to(values, (self.proc_params["fan"],)))


@implements(proc=Delay, protocol=LoihiProtocol)
@requires(CPU)
class DelayFloat(DelayModel):
    """Delay floats."""

    DTYPE = np.float64
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Delay, protocol=LoihiProtocol)
@requires(CPU)
class DelayFixed(DelayModel):
    """Delay integers."""

    DTYPE = np.int32
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
