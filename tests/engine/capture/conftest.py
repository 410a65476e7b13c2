# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets these tests import the drawn head that lies beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
