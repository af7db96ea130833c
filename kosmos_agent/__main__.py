"""`python -m kosmos_agent` is `kosmos-agent`."""

import sys

from kosmos_agent.cli.app import main

sys.exit(main())
