# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled parts of the deformation for the CPU: fusion, skinning, tri-planes; forwards and back."""
