"""`python -m hebbgraph`, and the script `hebbgraph`."""

import sys


def run() -> int:
    """Run the command line; an interruption while it is still being imported is quiet, too."""
    try:
        from hebbgraph.cli import main

        return main()
    except KeyboardInterrupt:
        print("hebbgraph: interrupted, nothing was written", file=sys.stderr)  # noqa: T201
        return 130


if __name__ == "__main__":
    sys.exit(run())
