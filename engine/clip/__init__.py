# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips: a take played by a head, baked into splats, a position basis and weights."""
