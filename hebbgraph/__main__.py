"""`python -m hebbgraph`."""

import sys

from hebbgraph.cli import main

sys.exit(main())
