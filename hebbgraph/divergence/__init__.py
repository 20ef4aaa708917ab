"""divergence: where an engine departs from the reference, how far, and why.

`first_divergence` names the first event in which two runs differ. `parity` runs a graph on every
engine and finds the cause of each divergence by counterfactual replay: the reference is run again
with one law altered at a time (`alterations.ALTERATIONS`), and the alteration that does what the
engine did, longest, is the cause.

Reading order: `event`, `trial` (what engines are given), `engines` (the comparison), `cause` with
`alterations`, `laws` and `replay`, then `measures`, `learned` and `report`.
"""

from hebbgraph.divergence.altered import CODES, Code
from hebbgraph.divergence.cause import Cause
from hebbgraph.divergence.engines import TOLERANCE, parity
from hebbgraph.divergence.event import Divergence, first_divergence
from hebbgraph.divergence.learned import LearnedDistance
from hebbgraph.divergence.measures import MEASURES, Measures, Spikes
from hebbgraph.divergence.report import EngineParity, ParityReport
from hebbgraph.divergence.trial import Limits

__all__ = [
    "CODES",
    "MEASURES",
    "TOLERANCE",
    "Cause",
    "Code",
    "Divergence",
    "EngineParity",
    "LearnedDistance",
    "Limits",
    "Measures",
    "ParityReport",
    "Spikes",
    "first_divergence",
    "parity",
]
