# SPDX-License-Identifier: GPL-3.0-or-later
"""What lists of shape keys have in common, wherever they are shown."""

import bpy

from ..character.settings import UNUSED


class KeyList:
    """Mixin for lists of shape keys: by name, or only those without a shape where the settings ask for that."""

    def filter_items(self, _context, data, name) -> tuple[list[int], list[int]]:
        items = getattr(data, name)
        shown = bpy.types.UI_UL_list.filter_items_by_name(self.filter_name, self.bitflag_filter_item, items, "name")
        shown = shown or [self.bitflag_filter_item] * len(items)
        if data.only_unmatched:
            shown = [flag if item.shape == UNUSED else 0 for flag, item in zip(shown, items)]
        return shown, []
