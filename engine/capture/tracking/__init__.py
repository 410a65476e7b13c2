# SPDX-License-Identifier: GPL-3.0-or-later
"""From frames of a film to a tracked face: landmarks, cameras about a head that stands still, codes and flaws."""
