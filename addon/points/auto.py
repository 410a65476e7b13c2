# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto: points are baked again when their head's sliders, or the keys of those, have changed and rest for a moment.

Blender's undo sets sliders and curves back, too. It sets the points back with them, so it starts no bake.
"""

import time

import bpy
import numpy as np
from bpy.app.handlers import persistent

from .. import properties, running
from ..compat import existing_curves
from ..heads import heads_in, is_head
from ..problem import Problem
from ..session import Task
from .baking import bake, is_baking, shown
from .importing import own_points

PAUSE = 0.5  # seconds without another change
AGAIN = 0.1  # seconds until it is looked again whether Blender or the engine is free

# By a head's session_uid: since when it waits for its bake; and its sliders' curves as they were last seen.
_waiting: dict[int, float] = {}
_seen: dict[int, tuple] = {}
_begun: Task | None = None  # the last one that began here


def wants_bakes(head: bpy.types.Object) -> bool:
    return is_head(head) and head.emosplat_points.auto and own_points(head) is not None


def touch(head: bpy.types.Object) -> None:
    """Note that a head's sliders have changed just now."""
    if not wants_bakes(head):
        return
    _waiting[head.session_uid] = time.monotonic()
    if not bpy.app.background and not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=PAUSE)


def tick() -> float | None:
    """Begin a bake that is due. Returns the seconds until the next look, or None when nothing waits."""
    global _begun
    if not _waiting:
        return None
    uid = next(iter(_waiting))
    head = next((thing for thing in bpy.context.scene.objects if thing.session_uid == uid), None)
    if head is None or not wants_bakes(head):
        del _waiting[uid]
        return AGAIN
    rest = PAUSE - (time.monotonic() - _waiting[uid])
    if rest > 0.0:
        return rest
    if running.session.busy and is_baking(head):
        running.session.cancel()  # what it bakes is out of date
    if running.session.busy or _blender_is_busy():
        return AGAIN
    del _waiting[uid]
    try:
        _begun = bake(bpy.context, head, unless_shown=True)
    except Problem as problem:  # no pop-up at the mouse: nobody pressed a button
        running.tell("WARNING", problem.what, problem.todo)
    return AGAIN


def _blender_is_busy() -> bool:
    if bpy.app.is_job_running("RENDER"):
        return True
    return any(window.screen.is_animation_playing for window in bpy.context.window_manager.windows)


def _curves_of_sliders(head: bpy.types.Object) -> tuple:
    """What the animator keyed of a head's sliders, to be compared."""
    data, found = head.animation_data, []
    if data is None:
        return ()
    strips = [strip for track in data.nla_tracks for strip in track.strips]
    found += [(strip.frame_start, strip.frame_end, strip.influence, strip.mute) for strip in strips]
    for action in dict.fromkeys([data.action, *(strip.action for strip in strips)]):
        for curve in existing_curves(action, head) if action else ():
            if curve.data_path.startswith("emosplat."):
                points = curve.keyframe_points
                numbers, kinds = np.empty((3, 2 * len(points)), np.float32), np.empty(len(points), np.int32)
                for row, name in zip(numbers, ("co", "handle_left", "handle_right")):
                    points.foreach_get(name, row)
                points.foreach_get("interpolation", kinds)
                found.append((curve.data_path, curve.mute, len(curve.modifiers), numbers.tobytes(), kinds.tobytes()))
    return tuple(found)


def switched(head: bpy.types.Object) -> None:
    """Auto was switched on or off: on, the points catch up with what was changed before."""
    learn(head)
    touch(head)


def learn(head: bpy.types.Object) -> bool:
    """Remember the curves of a head's sliders. Returns whether they changed since they were last seen."""
    curves = _curves_of_sliders(head)
    changed = _seen.get(head.session_uid, curves) != curves
    _seen[head.session_uid] = curves
    return changed


@persistent
def _edited(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Keys change without a word to their sliders, but the depsgraph knows."""
    if depsgraph.id_type_updated("ACTION") or depsgraph.id_type_updated("OBJECT"):
        for head in heads_in(scene):
            if head.emosplat_points.auto and learn(head):
                touch(head)


@persistent
def _forget(*_arguments) -> None:
    """Another file, or another state of it: whatever is there now is how it should be."""
    if _begun is not None and running.session.task is _begun:
        running.session.cancel()
    _waiting.clear()
    _seen.clear()
    shown.clear()
    for head in heads_in(bpy.context.scene):
        learn(head)


HANDLERS = (("depsgraph_update_post", _edited), ("load_post", _forget), ("undo_post", _forget), ("redo_post", _forget))


def register() -> None:
    properties.slider_watchers.append(touch)
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    properties.slider_watchers.remove(touch)
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
