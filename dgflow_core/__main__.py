"""``python -m dgflow_core``: see ``cli``."""

import sys

from dgflow_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
