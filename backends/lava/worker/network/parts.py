"""Parts of the standard model: source, delay line, and lava's own LIF and Dense by episodes.

Every part is told by `control`, an array shared with the worker, where its chunk of steps begins
and whether that is the start of an episode. All recording is done into shared arrays.
"""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import PyDenseModelBitAcc, PyDenseModelFloat
from lava.proc.dense.process import Dense
from lava.proc.lif.models import PyLifModelBitAcc, PyLifModelFloat
from lava.proc.lif.process import LIF

#: Entries of `control`: Lava's time step before the chunk, whether an episode begins with it,
#: and, for the fused model, how many steps and episodes it holds.
ORIGIN, FRESH, STEPS, EPISODES = range(4)


def position(model):
    """Return the step of `model` within its chunk, from 0."""
    return model.time_step - 1 - int(model.proc_params["control"][ORIGIN])


def begins_episode(model):
    """Return whether this step is the first of an episode: states are zero then."""
    return position(model) == 0 and bool(model.proc_params["control"][FRESH])


class Source(AbstractProcess):
    """Emit row t of `data`, shape (steps, 1, units), at step t of the chunk."""

    def __init__(self, data, control, name):
        super().__init__(data=data, control=control, name=name)
        self.s_out = OutPort(shape=(data.shape[-1],))


class SourceModel(PyLoihiProcessModel):
    """Read the shared data."""

    def run_spk(self):
        """Send one row."""
        self.s_out.send(self.proc_params["data"][position(self), 0])


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class SourceFloat(SourceModel):
    """Send floats."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SourceFixed(SourceModel):
    """Send integers."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)


class Delay(AbstractProcess):
    """Pass on what arrived `steps` steps ago: s_out(t) = s_in(t - steps)."""

    def __init__(self, units, steps, control, name):
        super().__init__(units=units, steps=steps, control=control, name=name)
        self.s_in = InPort(shape=(units,))
        self.s_out = OutPort(shape=(units,))


class DelayModel(PyLoihiProcessModel):
    """A ring of `steps` rows; it sends before it receives, so no loop waits for itself."""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.rows = np.zeros((proc_params["steps"], proc_params["units"]), self.DTYPE)

    def run_spk(self):
        """Send the oldest row, put the new one in its place."""
        if begins_episode(self):
            self.rows[...] = 0
        row = self.time_step % len(self.rows)
        self.s_out.send(self.rows[row])
        self.rows[row] = self.s_in.recv()


@implements(proc=Delay, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class DelayFloat(DelayModel):
    """Delay floats."""

    DTYPE = np.float64
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Delay, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class DelayFixed(DelayModel):
    """Delay integers."""

    DTYPE = np.int32
    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)


def begin_lif(model):
    """Zero u and v at the start of an episode."""
    if begins_episode(model):
        model.u[...] = 0
        model.v[...] = 0


def record_lif(model):
    """Write the spikes and the probed states of this step."""
    row = position(model)
    model.proc_params["spikes"][row, 0] = model.s_out_buff
    for name, record in model.proc_params["states"].items():
        record[row, 0] = getattr(model, name)


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class LIFFloat(PyLifModelFloat):
    """lava's floating point LIF, with zero states at the start of an episode, and recorded."""

    def run_spk(self):
        """Reset if an episode begins, do what lava does, record."""
        begin_lif(self)
        super().run_spk()
        record_lif(self)


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class LIFFixed(PyLifModelBitAcc):
    """lava's bit-accurate LIF, with zero states at the start of an episode, and recorded."""

    def run_spk(self):
        """Reset if an episode begins, do what lava does, record."""
        begin_lif(self)
        super().run_spk()
        record_lif(self)


def begin_dense(model):
    """Forget what was under way at the start of an episode."""
    if begins_episode(model):
        model.a_buff = np.zeros_like(model.a_buff)


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class DenseFloat(PyDenseModelFloat):
    """lava's floating point Dense, empty at the start of an episode."""

    def run_spk(self):
        """Reset if an episode begins, do what lava does."""
        begin_dense(self)
        super().run_spk()


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class DenseFixed(PyDenseModelBitAcc):
    """lava's bit-accurate Dense, empty at the start of an episode."""

    def run_spk(self):
        """Reset if an episode begins, do what lava does."""
        begin_dense(self)
        super().run_spk()
