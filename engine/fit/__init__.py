# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitting: a Capture becomes a Head. See fit.py for the course, trainer.py for the loop."""
