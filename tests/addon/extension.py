# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in a Blender under test: as an installed extension, with the fake engine or the real one."""

import importlib
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = "bl_ext.user_default.emosplat"


def install(extensions: Path, *, real_engine: bool = False) -> None:
    """Lay the extension into a user's extensions folder, as Blender's own installer would."""
    folder = extensions / "user_default" / "emosplat"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "__init__.py", folder)
    manifest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    facts = 'version = "0.0.1"\nblender_version_min = "4.2.0"\n'
    (folder / "blender_manifest.toml").write_text(facts + manifest, encoding="utf-8")
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "addon", folder / "addon", ignore=skip)
    if real_engine:
        shutil.copytree(ROOT / "engine", folder / "engine", ignore=skip)
        return
    (folder / "engine").mkdir()
    (folder / "engine" / "__init__.py").touch()
    shutil.copytree(ROOT / "engine" / "protocol", folder / "engine" / "protocol", ignore=skip)
    shutil.copy(Path(__file__).with_name("fake_engine.py"), folder / "engine" / "__main__.py")
    shutil.copy(Path(__file__).with_name("fake_clip.py"), folder / "engine")


def enable():
    """Switch the extension on in a factory-fresh Blender. Returns its preferences."""
    import addon_utils
    import bpy

    addon_utils.enable(NAME, default_set=True)
    return bpy.context.preferences.addons[NAME].preferences


def module(name: str):
    """A module of the running add-on, such as "sampling"."""
    return importlib.import_module(f"{NAME}.addon.{name}")


def strips(scene) -> list:
    editor = scene.sequence_editor
    return list(editor.strips if hasattr(editor, "strips") else editor.sequences) if editor else []


def extensions_folder() -> Path:
    return Path(os.environ["BLENDER_USER_EXTENSIONS"])
