"""``python -m tests.fuzz``: many random graphs on every engine, or one kept case again."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.fuzz import campaign
from tests.fuzz.engines import VARIANTS, difference, read, reference, run_on

EXAMPLES = """examples:
  python -m tests.fuzz --graphs 10000
  python -m tests.fuzz --graphs 200 --every lava-model=parts=1 --only
  python -m tests.fuzz --replay runs/fuzz/0123456789ab-lava.zip
"""


def main() -> int:
    """Run the campaign, a worker of it, or a kept case; exit code 1 if anything differs."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--graphs", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first process")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, default=Path("runs/fuzz"), help="for failing cases")
    parser.add_argument(
        "--every",
        action="append",
        default=[],
        metavar="LABEL=K",
        help=f"let an engine run every K-th graph; labels are {', '.join(VARIANTS)}",
    )
    parser.add_argument("--only", action="store_true", help="only the engines named by --every")
    parser.add_argument("--replay", type=Path, help="a kept case, on the engine that failed")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    chosen = {}
    for text in parsed.every:
        label, _, step = text.rpartition("=")
        if label not in VARIANTS or not step.isdigit() or int(step) < 1:
            parser.error(f"--every {text}: must be LABEL=K, labels are {', '.join(VARIANTS)}")
        chosen[label] = int(step)
    if parsed.replay:
        return replay(parsed.replay)
    if parsed.worker is not None:
        campaign.work(parsed.worker, parsed.seed, chosen, parsed.folder)
        return 0
    every = chosen if parsed.only else {**campaign.EVERY, **chosen}
    total = campaign.lead(parsed.graphs, parsed.seed, parsed.workers, every, parsed.folder)
    sys.stdout.write(campaign.table(total) + "\n")
    return int(bool(total.mismatches))


def replay(path: Path) -> int:
    """Run a kept case again and say what differs."""
    case = read(path)
    label = path.stem.partition("-")[2]
    sys.stdout.write(f"{case.graph}\n")
    text = difference(reference(case), run_on(label, case))
    sys.stdout.write(f"{label}: {text or 'identical'}\n")
    return int(bool(text))


if __name__ == "__main__":
    raise SystemExit(main())
