# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio to mouth. Provisional, from band energies; Prior Extraction will take its place."""
