# SPDX-License-Identifier: GPL-3.0-or-later
"""The EmoSplat engine: audio and sliders in, moving Gaussian splats out. Runs in its own process; never imports bpy."""
