"""``python -m d7xr``: the same as the command ``d7xr``."""

import sys

from d7xr.cli import main

if __name__ == "__main__":
    sys.exit(main())
