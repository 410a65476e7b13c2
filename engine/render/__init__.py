# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders: a take played by a head, drawn through a camera into image files."""
