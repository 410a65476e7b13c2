# SPDX-License-Identifier: GPL-3.0-or-later
"""Baked curves as an action or an NLA strip, and never in the place of what the animator keyed.

An action that was baked carries a fingerprint of its curves. One that nobody has touched since is filled anew by the
next bake, wherever it is used; one that was edited is the animator's.
"""

import hashlib
from dataclasses import dataclass

import bpy
import numpy as np

from ..compat import curves_of, existing_curves, set_keys, use_action
from ..problem import Problem

TAG = "emosplat_bake"
TRACK = "EmoSplat"
BELOW, REPLACE, ASK = "BELOW", "REPLACE", "ASK"


@dataclass
class Curve:
    """One F-curve: data path, array index, and (K, 2) frames and values."""

    path: str
    index: int
    keys: np.ndarray


def foreign_action(owner: bpy.types.ID) -> bpy.types.Action | None:
    """The action that a datablock plays now, unless it was baked and not touched since."""
    animation = owner.animation_data
    action = animation.action if animation else None
    return None if action is None or _is_own(action, owner) else action


def bake_action(owners: list[bpy.types.ID], name: str, curves: list[Curve], existing: str) -> list[str]:
    """Let datablocks play curves as their action.

    Args:
        owners: of one kind; the first is the one that counts, others that play something else are left alone.
        existing: what becomes of another action that the first one plays: BELOW moves it into an NLA track, where keys
            that the new one lacks go on; REPLACE puts it aside with a fake user; ASK refuses.

    Returns:
        Sentences for the animator.

    Raises:
        Problem: the first one plays another action and `existing` is ASK.
    """
    first, told = owners[0], []
    other = foreign_action(first)
    if other is not None and existing == ASK:
        raise Problem(f"{_owner_name(first)!r} already plays the action {other.name!r}, which was left as it is.",
                      "Bake again and choose what becomes of it, or bake to an NLA strip.", "existing")
    action = _filled(_own_action(owners), name, first, curves)
    for owner in owners:
        other = foreign_action(owner)
        animation = owner.animation_data_create()
        if other is not None and owner != first:
            told.append(f"{_owner_name(owner)!r} plays {other.name!r}, which was left as it is.")
            continue
        if other is not None and existing == BELOW:
            _push_down(animation, owner, other)
        elif other is not None:
            other.use_fake_user |= other.library is None  # a linked one is kept where it comes from
        use_action(animation, action, owner)
        _drop_strips(owner, action)
    return told


def bake_strip(owners: list[bpy.types.ID], name: str, curves: list[Curve]) -> list[str]:
    """Let datablocks play curves as an NLA strip above all others. Returns sentences for the animator."""
    first, told = owners[0], []
    reused = _own_strip_action(owners) or _own_action(owners)
    before = tuple(reused.frame_range) if reused else (0.0, 0.0)
    action = _filled(reused, name, first, curves)
    for owner in owners:
        animation = owner.animation_data_create()
        if animation.action == action:
            animation.action = None
        if strips := [strip for track in animation.nla_tracks for strip in track.strips if strip.action == action]:
            for strip in strips:
                _refit(strip, action, before)
        else:
            _new_strip(animation, owner, action)
        if covering := _covering(animation, owner, curves):
            told.append(f"{covering!r}, which {_owner_name(owner)!r} plays, keys some of the same and lies above the "
                        "strip.")
    return told


def _filled(action: bpy.types.Action | None, name: str, owner: bpy.types.ID, curves: list[Curve]) -> bpy.types.Action:
    """An action with these curves and no others: `action`, or a new one."""
    action = action or bpy.data.actions.new(name)
    there = curves_of(action, owner)
    for curve in list(there):
        there.remove(curve)
    for curve in curves:
        set_keys(there.new(curve.path, index=curve.index), curve.keys)
    action[TAG] = _fingerprint(action, owner)
    return action


def _is_own(action: bpy.types.Action, owner: bpy.types.ID) -> bool:
    return (action.get(TAG) is not None and action.is_editable and action.get(TAG) == _fingerprint(action, owner))


def _fingerprint(action: bpy.types.Action, owner: bpy.types.ID) -> str:
    digest = hashlib.sha256()
    for curve in existing_curves(action, owner):
        points = curve.keyframe_points
        numbers = np.empty(2 * len(points), np.float32)
        points.foreach_get("co", numbers)
        kinds = np.empty(len(points), np.int32)
        points.foreach_get("interpolation", kinds)
        digest.update(f"{curve.data_path} {curve.array_index} {len(curve.modifiers)} {curve.mute}".encode())
        digest.update(numbers.tobytes() + kinds.tobytes())
    return digest.hexdigest()


def _own_action(owners: list[bpy.types.ID]) -> bpy.types.Action | None:
    """The action that the first owner plays, if it may be filled anew: baked, untouched, and used by nobody else."""
    animation = owners[0].animation_data
    return _ours(animation.action if animation else None, owners)


def _own_strip_action(owners: list[bpy.types.ID]) -> bpy.types.Action | None:
    animation = owners[0].animation_data
    strips = [strip for track in animation.nla_tracks if not track.lock for strip in track.strips] if animation else []
    return next(filter(None, (_ours(strip.action, owners) for strip in strips)), None)


def _ours(action: bpy.types.Action | None, owners: list[bpy.types.ID]) -> bpy.types.Action | None:
    if action is None or not _is_own(action, owners[0]):
        return None
    uses = sum((animation.action == action) + sum(strip.action == action for track in animation.nla_tracks
                                                  for strip in track.strips)
               for animation in (owner.animation_data for owner in owners) if animation)
    return action if action.users - action.use_fake_user <= uses else None


def _drop_strips(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """The same bake as a strip below would only be in the way."""
    tracks = owner.animation_data.nla_tracks
    for track in list(tracks):
        for strip in list(track.strips) if not track.lock else ():
            if strip.action is not None and (strip.action == action or _is_own(strip.action, owner)):
                track.strips.remove(strip)
        if not track.strips and track.name.startswith(TRACK):
            tracks.remove(track)


def _push_down(animation: bpy.types.AnimData, owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """What Blender's Push Down does, which needs an editor to be open: the slot, the blending and the ends stay."""
    slot = getattr(animation, "action_slot", None)
    blend, extrapolation = animation.action_blend_type, animation.action_extrapolation
    animation.action = None
    strip = _new_strip(animation, owner, action, action.name)
    if slot is not None:
        strip.action_slot = slot
    strip.blend_type, strip.extrapolation = blend, extrapolation


def _new_strip(
    animation: bpy.types.AnimData, owner: bpy.types.ID, action: bpy.types.Action, name: str = TRACK
) -> bpy.types.NlaStrip:
    """A strip of the whole action in a track of its own on top."""
    below = len(animation.nla_tracks) > 0
    track = animation.nla_tracks.new()
    track.name = name
    strip = track.strips.new(action.name, int(action.frame_range[0]), action)
    use_action(strip, action, owner)
    # Below it other strips go on before it begins; alone, it holds its first frame.
    strip.extrapolation = "HOLD_FORWARD" if below else "HOLD"
    return strip


def _refit(strip: bpy.types.NlaStrip, action: bpy.types.Action, before: tuple[float, float]) -> None:
    """Let a strip that showed the whole action show all of what it is now, as far from its place as it was moved."""
    if (strip.action_frame_start, strip.action_frame_end) != before:
        return
    moved = strip.frame_start - before[0]
    first, last = action.frame_range
    strip.action_frame_start, strip.action_frame_end = first, max(last, first + 1.0)
    length = (strip.action_frame_end - strip.action_frame_start) * strip.scale * strip.repeat
    strip.frame_start = first + moved
    strip.frame_end = first + moved + length


def _covering(animation: bpy.types.AnimData, owner: bpy.types.ID, curves: list[Curve]) -> str:
    """The name of the played action if it keys any of the same."""
    action, paths = animation.action, {curve.path for curve in curves}
    keyed = {curve.data_path for curve in existing_curves(action, owner)} if action is not None else set()
    return action.name if keyed & paths else ""


def require_no_tweak(owner: bpy.types.ID) -> None:
    """Blender allows no change of tracks meanwhile. Raises Problem."""
    if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
        raise Problem(f"An NLA strip of {_owner_name(owner)!r} is being tweaked.",
                      "Leave tweak mode in the NLA editor (Tab) and bake again.", "existing")


def _owner_name(owner: bpy.types.ID) -> str:
    """What the animator calls it: the mesh of a Key, else the datablock itself."""
    return owner.user.name if isinstance(owner, bpy.types.Key) else owner.name
