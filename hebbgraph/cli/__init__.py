"""The `hebbgraph` command. Exit codes: 0 done, 1 the answer is no, 2 bad input, 130 interrupted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import hebbgraph
from hebbgraph.cli import (
    bench,
    check,
    cite,
    compare,
    data,
    doctor,
    energy,
    hardware,
    listing,
    nir,
    parity,
    place,
    setup,
    show,
    survey,
    sweep,
)
from hebbgraph.cli.interrupts import interruptible
from hebbgraph.errors import HebbgraphError

EXAMPLES = """examples:
  hebbgraph doctor                       which engines can be used, and how to mend the others
  hebbgraph list                         models, data, back ends, hardware
  hebbgraph show runs/NAME/graph.hgraph  what a graph consists of
  hebbgraph demo                         all engines, both domains, one table and a report
  hebbgraph run hopfield --data digits --backend reference --backend lava --domain fixed
  hebbgraph run hopfield --set rule=hebbian --level 0.2 --seeds 10 --json
  hebbgraph parity hopfield              are all engines equal? the first event that is not
  hebbgraph check hopfield --hardware loihi1_davies2018
  hebbgraph place hopfield --png chip.png  which units go to which core
  hebbgraph nir export hopfield memory.nir
  hebbgraph bench recall                 every memory on every engine, in one table
  hebbgraph survey capacity hopfield     how recall ends as more is stored
  hebbgraph sweep --example              a co-design sweep: any knobs, run once, priced anew
  hebbgraph energy runs/NAME             price a stored run again, on every machine
  hebbgraph hardware show loihi1_nahuku  every figure of a machine, with its source
  hebbgraph cite runs/NAME               the papers behind a run
  hebbgraph data fetch mnist             fetch a data set before it is needed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="hebbgraph",
        description=hebbgraph.__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=hebbgraph.__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (
        doctor,
        listing,
        show,
        parity,
        check,
        place,
        nir,
        bench,
        survey,
        sweep,
        data,
        setup,
        hardware,
        energy,
        cite,
    ):
        module.add_parser(commands)
    compare.add_parsers(commands)
    parsed = parser.parse_args(arguments)
    try:
        with interruptible():
            return int(parsed.handler(parsed))
    except HebbgraphError as error:
        print(f"hebbgraph: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away: no traceback at exit either
        return 141
