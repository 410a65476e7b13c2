# SPDX-License-Identifier: GPL-3.0-or-later
"""Uncertainty-based Deformation: what moves a fitted head's Gaussians."""
