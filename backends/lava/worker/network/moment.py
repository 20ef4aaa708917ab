"""Where a part is within its run, by the `control` that it shares with the worker.

Every part has in its parameters `control`, and `rasters` and `states`, the shared arrays
(steps, units) in which it records what is observed of it, by name.
"""

from hebbgraph.backends.lava.worker import buffers


def position(model):
    """Return the step of `model` within its chunk, from 0."""
    return model.time_step - 1 - int(model.proc_params["control"][buffers.ORIGIN])


def begins_episode(model):
    """Return whether this step is the first of an episode: states are zero then."""
    return position(model) == 0 and bool(model.proc_params["control"][buffers.FRESH])


def begins_run(model):
    """Return whether this step is the first of a run."""
    return position(model) == 0 and bool(model.proc_params["control"][buffers.BEGIN])


def ends_run(model):
    """Return whether this step is the last of a run."""
    control = model.proc_params["control"]
    return position(model) == control[buffers.STEPS] - 1 and bool(control[buffers.END])


def step_of_episode(model):
    """Return the step within the episode, from 0, and the number of steps of an episode."""
    control = model.proc_params["control"]
    return int(control[buffers.STEP]) + position(model), int(control[buffers.LENGTH])


def episode(model):
    """Return the number of the episode, counted over all runs."""
    return int(model.proc_params["control"][buffers.EPISODE])


def record(model, emitted, registers=(), parameters=None):
    """Write what is observed of this step: what was emitted, and probed registers by name.

    A raster keeps a spike or its sign; of a graded output, whether it is not 0. The state named
    after the output port is the output itself. `parameters` are those of `model` unless given.
    """
    parameters = parameters or model.proc_params
    row = position(model)
    for kind, raster in parameters["rasters"].items():
        raster[row] = emitted != 0 if kind == "active" else emitted
    for name, state in parameters["states"].items():
        if name == parameters["output"]:
            state[row] = emitted
        elif name in registers:
            state[row] = registers[name]
