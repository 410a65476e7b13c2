# SPDX-License-Identifier: GPL-3.0-or-later
"""Dialogue text: what is said, where it is known, tells the mouth exactly when."""
