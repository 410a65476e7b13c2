# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m engine VERB`."""

import sys

from .cli import main

if __name__ == "__main__":
    # Names of files may hold what a pipe's encoding does not: Windows' code pages, old Latin-1 names on Linux.
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
