# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotions to ARKit expression."""
