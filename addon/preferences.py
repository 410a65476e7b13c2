# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: which Python runs the engine, and where things go."""

import os
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from . import paths
from .problem import Problem

BACKENDS = (
    ("auto", "Automatic", "The fastest that runs here"),
    ("gsplat", "CUDA", "gsplat on an NVIDIA graphics card; needs an interpreter with a compiled gsplat"),
    ("numba", "Processor", "Fast on every processor"),
    ("torch", "Reference", "Plain PyTorch: slow, for comparisons"),
)


class EmoSplatPreferences(bpy.types.AddonPreferences):
    bl_idname = paths.EXTENSION

    engine_python: EnumProperty(
        name="Engine's Python",
        items=(
            ("BUNDLED", "Bundled", "Blender's Python with the packages that came with the extension"),
            ("OWN", "My own", "An interpreter that has PyTorch and the other packages, such as a CUDA environment"),
        ),
        description="Which Python runs the engine. It is a process of its own, so that Blender stays usable",
    )
    interpreter: StringProperty(
        name="Interpreter", subtype="FILE_PATH",
        description="The python program of your environment (python.exe on Windows)",
    )
    backend: EnumProperty(name="Device", items=BACKENDS, description="What draws the splats")
    spare_threads: IntProperty(
        name="Threads Left to Blender", default=1, min=0, max=64,
        description="Processor threads that the engine does not use, so that Blender stays responsive",
    )
    frames_folder: StringProperty(
        name="Frames Folder", subtype="DIR_PATH",
        description="Where rendered frames go. Empty: in a folder 'emosplat' beside the .blend file",
    )
    heads_folder: StringProperty(
        name="Heads Folder", subtype="DIR_PATH", description="A folder with your .emohead files",
    )
    download_models: BoolProperty(
        name="Download Mask Model", default=False,
        description="Let captures of films fetch MediaPipe's selfie segmenter (16 MB, once) from its maker's page. It "
        "draws finer masks of hair and clothes. Captures work without it",
    )
    emotion_model: StringProperty(
        name="Emotion Model", subtype="FILE_PATH",
        description="What hears the emotion in a voice, such as a model of your own that listens to HuBERT or wav2vec "
        "2.0 (see the model card). Empty: the one that came with the extension",
    )
    mark_synthetic: BoolProperty(
        name="Mark Renders as Synthetic", default=True,
        description="Write IPTC's Digital Source Type for synthetic media into the PNGs and the MP4 and MOV films that "
        "Blender renders of a scene with a talking head. The engine's own frames always carry it",
    )

    download_speech_model: BoolProperty(
        name="Download Speech Models", default=False,
        description="Let dialogue text in other languages than English fetch Meta's MMS aligner (1.2 GB, once) from "
        "its maker's page. Its licence allows non-commercial use only (CC-BY-NC 4.0). Mouths work without it. An "
        "emotion model of your own may fetch what it listens to, too",
    )

    def draw(self, context: bpy.types.Context) -> None:
        from .panels.doctor import draw_report

        layout = self.layout
        layout.use_property_split = True
        column = layout.column()
        column.row().prop(self, "engine_python", expand=True)
        if self.engine_python == "OWN":
            column.prop(self, "interpreter")
        column.prop(self, "backend")
        column.prop(self, "spare_threads")
        column.separator()
        column.prop(self, "frames_folder")
        column.prop(self, "heads_folder")
        column.prop(self, "emotion_model")
        column.prop(self, "download_models")
        column.prop(self, "download_speech_model")
        column.prop(self, "mark_synthetic")
        row = layout.row()
        row.operator("emosplat.doctor", icon="CHECKMARK")
        row.operator("emosplat.open_log", icon="TEXT")
        draw_report(layout)


def preferences() -> EmoSplatPreferences:
    return bpy.context.preferences.addons[paths.EXTENSION].preferences


def speech_models() -> dict[str, str | bool]:
    """What a job is told of the models that hear speech: the file of the animator's own emotion model, or "", and
    whether what is missing may be fetched."""
    return {"emotion_model": paths.absolute(preferences().emotion_model), "allow_download": may_download_speech_model()}


def may_download_speech_model() -> bool:
    return bpy.app.online_access and preferences().download_speech_model


def engine_threads(spare: int) -> int:
    """How many threads the engine may use."""
    return max(1, (os.cpu_count() or 1) - spare)


def own_interpreter(chosen: EmoSplatPreferences) -> str:
    """The path of the animator's own interpreter. Raises Problem when there is none."""
    path = paths.absolute(chosen.interpreter)
    if not path:
        raise Problem("No interpreter is chosen for the engine.",
                      "Choose one in the add-on's preferences, or 'Bundled'.")
    if not Path(path).is_file():
        raise Problem(f"The interpreter {path} does not exist.", "Choose another in the add-on's preferences.")
    return path


CLASSES = (EmoSplatPreferences,)
