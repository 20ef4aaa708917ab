"""The rules of the textbooks, ready to use; each returns a `Rule` in the float domain.

x_j is what arrives at the presynaptic unit (``pre``), y_i at the postsynaptic one (``post``), w_ij
the weight. `quantise` turns coefficients into integers with a shift.
"""

from __future__ import annotations

from typing import Any

from hebbgraph.rules.rule import Rule, Trace


def hebb(rate: float = 1.0, **fields: Any) -> Rule:
    """Return dw = rate y x: outer-product storage (Hebb 1949; Hopfield 1982 with +-1 signals)."""
    return Rule("rate*post*pre", {"rate": rate}, **fields)


def anti_hebb(rate: float = 1.0, **fields: Any) -> Rule:
    """Return dw = -rate y x: decorrelation (Foldiak, Biol. Cybern. 64, 1990)."""
    return Rule("-rate*post*pre", {"rate": rate}, **fields)


def covariance(mean_post: float, mean_pre: float, rate: float = 1.0, **fields: Any) -> Rule:
    """Return dw = rate (y - mean_post)(x - mean_pre) (Sejnowski, J. Math. Biol. 4, 1977)."""
    constants = {"rate": rate, "mean_post": mean_post, "mean_pre": mean_pre}
    return Rule("rate*(post - mean_post)*(pre - mean_pre)", constants, **fields)


def willshaw(**fields: Any) -> Rule:
    """Return dw = y x within [0, 1]: w or (y and x) for spikes.

    Willshaw, Buneman and Longuet-Higgins, Nature 222, 1969, doi:10.1038/222960a0.
    """
    return Rule("post*pre", **{"low": 0, "high": 1, **fields})


def oja(rate: float, **fields: Any) -> Rule:
    """Return dw = rate y (x - y w): a unit finds the first principal component.

    Oja, J. Math. Biol. 15, 1982, doi:10.1007/BF00275687.
    """
    return Rule("rate*post*(pre - post*w)", {"rate": rate}, **fields)


def oja_subspace(rate: float, **fields: Any) -> Rule:
    """Return dw = rate y (x - xhat): units span the principal subspace.

    The factor ``xhat`` (a presynaptic port) takes sum_i w_ij y_i, from a `Transpose` of the same
    synapses: with it the rule is dW = rate (y x^T - y y^T W) (Oja, Int. J. Neural Syst. 1, 1989).
    """
    return Rule("rate*post*(pre - xhat)", {"rate": rate}, {"xhat": "pre"}, **fields)


def bcm(rate: float, decay: float, **fields: Any) -> Rule:
    """Return dw = rate y (y - theta) x, theta a running mean of y**2.

    theta <- theta (1 - decay) + decay y**2. Bienenstock, Cooper and Munro, J. Neurosci. 2, 1982.
    """
    traces = {"theta": Trace("post**2", decay, decay)}
    return Rule("rate*post*(post - theta)*pre", {"rate": rate}, traces=traces, **fields)


def delta(rate: float, **fields: Any) -> Rule:
    """Return dw = rate (target - y) x: perceptron, or least mean squares for graded y.

    The factor ``target`` is a postsynaptic port (Rosenblatt 1958; Widrow and Hoff 1960).
    """
    return Rule("rate*(target - post)*pre", {"rate": rate}, {"target": "post"}, **fields)


def storkey(units: int, **fields: Any) -> Rule:
    """Return Storkey's rule for +-1 patterns, dw_ij = (x_i x_j - x_i h_ji - h_ij x_j) / units.

    With w_ii = 0, h_ij = h_i - w_ij x_j where h = w x: the local fields arrive at ``field_post``
    and ``field_pre``, both from the same synapses. Pattern at ``pre`` and ``post``. Storkey,
    ICANN 1997, doi:10.1007/BFb0020196.
    """
    dw = "(post*pre - post*(field_pre - w*post) - (field_post - w*pre)*pre)/units"
    factors: Any = {"field_pre": "pre", "field_post": "post"}
    return Rule(dw, {"units": units}, factors, **{"self_connections": False, **fields})


def stdp(plus: float, minus: float, decay_pre: float, decay_post: float, **fields: Any) -> Rule:
    """Return dw = plus y x1 - minus y1 x: pair-based spike-timing-dependent plasticity.

    x1 and y1 are traces of the pre- and postsynaptic spikes (all pairs; spikes of the same step
    count both ways). Bi and Poo, J. Neurosci. 18, 1998; Morrison, Diesmann and Gerstner, Biol.
    Cybern. 98, 2008, doi:10.1007/s00422-008-0233-1.
    """
    traces = {"x1": Trace("pre", decay_pre), "y1": Trace("post", decay_post)}
    constants = {"plus": plus, "minus": minus}
    return Rule("plus*post*x1 - minus*y1*pre", constants, traces=traces, **fields)


def three_factor(rate: float, **fields: Any) -> Rule:
    """Return dw = -rate delta xhat: an error at the postsynaptic unit, a signal at the other.

    Both are ports: ``delta`` (postsynaptic) and ``xhat`` (presynaptic), so that learning may use
    another presynaptic signal than transmission, a trace or a projection of it.
    """
    factors: Any = {"delta": "post", "xhat": "pre"}
    return Rule("-rate*delta*xhat", {"rate": rate}, factors, **fields)


#: Every rule by name, for lists and tests.
LIBRARY = {
    rule.__name__: rule
    for rule in (
        *(hebb, anti_hebb, covariance, willshaw, oja, oja_subspace),
        *(bcm, delta, storkey, stdp, three_factor),
    )
}
