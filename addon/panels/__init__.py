# SPDX-License-Identifier: GPL-3.0-or-later
"""What the animator sees: the sidebar's panels, and pieces that they share."""
