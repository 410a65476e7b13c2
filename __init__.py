# SPDX-License-Identifier: GPL-3.0-or-later
"""EmoSplat: what Blender loads. Everything is in addon/; engine/ runs in a process of its own."""

from .addon import register, unregister

__all__ = ("register", "unregister")
