"""`python -m hebbgraph.cli`."""

import sys

from hebbgraph.cli import main

sys.exit(main())
