# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio to mouth: Prior Extraction, the first module of the method."""
