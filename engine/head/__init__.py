# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads: static Gaussians with a rig that answers ARKit's names, their files, and the procedural puppet."""
