"""Co-design sweeps: knobs of model, numerics, architecture and workload, run once, priced anew.

Reading order: `spec` (what a sweep is), `knobs` (what can be turned), `planning` (points and jobs),
`recall` and `continual` (what a job does), `execute` (how jobs run), `running`, `pricing`, `found`.
"""

from hebbgraph.sweep.found import Found, Row
from hebbgraph.sweep.planning import Plan, plan
from hebbgraph.sweep.running import Where, run, write
from hebbgraph.sweep.spec import Spec, parse, read

__all__ = ["Found", "Plan", "Row", "Spec", "Where", "parse", "plan", "read", "run", "write"]
