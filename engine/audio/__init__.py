# SPDX-License-Identifier: GPL-3.0-or-later
"""Any file with sound as mono samples, streamed."""
