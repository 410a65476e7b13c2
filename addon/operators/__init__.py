# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators, by what they act on. Thin: the work is done by plain functions that a script can call too."""
