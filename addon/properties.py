# SPDX-License-Identifier: GPL-3.0-or-later
"""`object.emosplat`: what a head's Empty holds, every slider with keyframes and drivers. `scene.emosplat_capture`: what
the next capture is made from.
"""

from collections.abc import Callable

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..engine.protocol import DEFAULT_HEAD, EMOTION_NAMES, MICRO_EXPRESSIONS
from .capturing import UNKNOWN
from .heads import search_heads

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}

MICRO_LABELS = {
    "inner_brow": "Inner Brow Up", "outer_brow": "Outer Brow Up", "brow_down": "Brow Down", "squint": "Squint",
    "wide": "Eyes Wide", "cheek": "Cheek Raise", "sneer": "Nose Sneer", "smile": "Smile", "frown": "Frown",
    "press": "Lip Press", "dimple": "Dimple", "stretch": "Lip Stretch", "chin": "Chin Raise",
}


def emotion_property(name: str) -> str:
    """The slider of one of EMOTION_NAMES, as in `object.emosplat.emotion_happy`."""
    return f"emotion_{name}"


def micro_property(name: str) -> str:
    """The slider of one of MICRO_EXPRESSIONS, as in `object.emosplat.micro_squint`."""
    return f"micro_{name}"


# Each is called with the object one of whose sliders, or whose seed, was changed by hand or by a script; not by curves.
slider_watchers: list[Callable[[bpy.types.Object], None]] = []


def _slider_changed(settings: "HeadSettings", _context: bpy.types.Context) -> None:
    for watch in slider_watchers:
        watch(settings.id_data)


def _amount(name: str, description: str, default: float = 1.0):
    return FloatProperty(name=name, description=description, default=default, min=0.0, max=1.0, subtype="FACTOR",
                         override=OVERRIDABLE, update=_slider_changed)


class HeadSettings(bpy.types.PropertyGroup):
    """One talking head. Times are scene frames; weights and amounts 0 to 1, micro-expressions -1 to 1."""

    enabled: BoolProperty(name="Is a Head", description="This object is a talking head", options=set())
    head: StringProperty(
        name="Head", default=DEFAULT_HEAD, search=search_heads, search_options={"SUGGESTION"}, override=OVERRIDABLE,
        description="Name of a bundled head, of one in the heads folder, or the path of an .emohead file",
    )
    audio: PointerProperty(name="Audio", type=bpy.types.Sound, override=OVERRIDABLE, description="What the head says")
    dialogue: StringProperty(
        name="Dialogue", override=OVERRIDABLE, options=set(),
        description="What is said, where you have it: lips then close exactly in time. The mouth follows the audio "
        "without it, too",
    )
    dialogue_text: PointerProperty(
        name="Text", type=bpy.types.Text, override=OVERRIDABLE,
        description="A text of the Text Editor with what is said, for more than one line. It comes before the field "
        "above",
    )
    start_frame: IntProperty(
        name="Start", default=1, override=OVERRIDABLE, options=set(),
        description="Scene frame where the audio begins",
    )
    use_range: BoolProperty(
        name="Only a Range", override=OVERRIDABLE, options=set(),
        description="Render these scene frames instead of the whole audio",
    )
    first: IntProperty(name="First", default=1, override=OVERRIDABLE, options=set(), description="First scene frame")
    last: IntProperty(name="Last", default=50, override=OVERRIDABLE, options=set(),
                      description="Last scene frame, inclusive")
    intensity: _amount("Intensity", "Multiplies every emotion")
    auto_emotion: _amount(
        "From Voice", "0 shows the emotion that is set, 1 the emotion that is heard in the voice", 0.0
    )
    blink: _amount("Blink", "Automatic blinks")
    gaze: _amount("Gaze", "Automatic glances")
    head_motion: _amount("Head Motion", "Automatic slight movement of the head")
    micro_motion: _amount("Micro Motion", "Automatic micro-expressions: flashes of what is felt, on stressed words")
    seed: IntProperty(name="Seed", min=0, override=OVERRIDABLE, options=set(), update=_slider_changed,
                      description="Chooses the blinks, glances, head motion and micro-expressions")
    output: EnumProperty(
        name="Result", override=OVERRIDABLE, options=set(),
        items=(
            ("STRIP", "Video Strip", "A picture strip with alpha beside its sound in the Video Sequencer"),
            ("PLANE", "Camera Plane", "A plane with alpha before the camera in the 3D scene, and the sound strip"),
        ),
        description="How the frames come into the scene",
    )
    last_run: StringProperty(name="Last Run", options={"HIDDEN"}, override=OVERRIDABLE,
                             description="Folder of the frames that were imported last")


for _name in EMOTION_NAMES:
    HeadSettings.__annotations__[emotion_property(_name)] = _amount(_name.capitalize(), f"How {_name} the head is", 0.0)
for _name in MICRO_EXPRESSIONS:
    HeadSettings.__annotations__[micro_property(_name)] = FloatProperty(
        name=MICRO_LABELS[_name], min=-1.0, max=1.0, subtype="FACTOR", override=OVERRIDABLE, update=_slider_changed,
        description="Added on top of the emotions and the speech",
    )


class CaptureSettings(bpy.types.PropertyGroup):
    """What a capture is made from, and which of those made before is chosen. It belongs to no head yet."""

    source: StringProperty(
        name="Source", options=set(),
        description="A film of one person, or the folder of a data set (nerfstudio's, ER-NeRF's or a relative's)",
    )
    identity: StringProperty(
        name="Name", options=set(), description="The person's name. Empty: the source's own. The capture is called so",
    )
    emotion: EnumProperty(
        name="Emotion", options=set(),
        items=((UNKNOWN, "Not Known", "Nothing is said about what the person shows"),
               *((name, name.capitalize(), f"The person is {name} from beginning to end") for name in EMOTION_NAMES)),
        description="The emotion that is shown all through the source, where that is known",
    )
    emotion_intensity: FloatProperty(
        name="Intensity", default=1.0, min=0.0, max=1.0, subtype="FACTOR", options=set(),
        description="How strongly it is shown",
    )
    size: EnumProperty(
        name="Size", default="512", options=set(),
        items=(("256", "256", "For a quick try"), ("512", "512", "Right for most films"),
               ("1024", "1024", "For films in which the face is larger than 600 pixels; four times the disk and time")),
        description="Side of the capture's square pictures in pixels",
    )
    folder: StringProperty(
        name="Folder", options=set(),
        description="Where captures go. Empty: in a folder 'captures' beside the .blend file",
    )
    capture: StringProperty(name="Capture", options={"HIDDEN"}, description="Folder of the capture that is chosen")


CLASSES = (HeadSettings, CaptureSettings)


def register() -> None:
    bpy.types.Object.emosplat = PointerProperty(name="EmoSplat", type=HeadSettings, override=OVERRIDABLE)
    bpy.types.Scene.emosplat_capture = PointerProperty(name="EmoSplat Capture", type=CaptureSettings)


def unregister() -> None:
    del bpy.types.Scene.emosplat_capture
    del bpy.types.Object.emosplat
