# SPDX-License-Identifier: GPL-3.0-or-later
"""A take on any mesh with shape keys: match, fold what is missing, write F-curves."""
