# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh Blender file around each test, with the add-on on."""

import wave

import bpy
import pytest
from tests.addon.extension import enable, extensions_folder, install, module

SIZE = 32


@pytest.fixture(scope="session")
def installed():
    install(extensions_folder())


@pytest.fixture
def blender(installed, tmp_path):
    """An empty scene of 32 x 32 pixels; yields the add-on's preferences."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    preferences = enable()
    module("running").clear_messages()
    preferences.frames_folder = str(tmp_path / "frames")
    render = bpy.context.scene.render
    render.resolution_x = render.resolution_y = SIZE
    yield preferences
    module("running").session.stop("the test is over")


@pytest.fixture
def audio(tmp_path):
    """A second and a quarter of silence."""
    path = tmp_path / "line.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * 20000))
    return path


@pytest.fixture
def head(blender, audio):
    """A head with audio, before a camera."""
    bpy.ops.emosplat.add_head()
    bpy.ops.emosplat.choose_audio(filepath=str(audio))
    bpy.ops.emosplat.add_camera()
    return bpy.data.objects["Head"]
