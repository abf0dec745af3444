#!/usr/bin/env python3
"""The one entry: `python3 run.py` starts everything, `python3 run.py test` tests everything."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (older ones must get a sentence)
    sys.exit(f"Maskwright needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

from launcher.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
