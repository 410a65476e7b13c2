# SPDX-License-Identifier: GPL-3.0-or-later
"""Review: a page that tells a person whether a capture is good enough, before they spend an hour fitting."""
