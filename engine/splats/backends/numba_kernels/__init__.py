# SPDX-License-Identifier: GPL-3.0-or-later
"""The numba backend's compiled parts, in the order in which they run: project, sh, bins, blend, and back again."""
