# SPDX-License-Identifier: GPL-3.0-or-later
"""wheels/lock.json is whole, and nothing that a bundled package requires is forgotten."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys

import build_addon
import pytest
from packaging.requirements import Requirement

DATA = json.loads(build_addon.LOCK_FILE.read_text(encoding="utf-8"))
LOCK = build_addon.read_lock()


def _pinned(group: str, platform: str) -> dict[str, str]:
    pins = DATA["pins"][group].items()
    versions = {name: pin if isinstance(pin, str) else pin.get(platform) for name, pin in pins}
    return {build_addon.canonical(name): version for name, version in versions.items() if version}


@pytest.mark.parametrize("target", build_addon.TARGETS, ids=str)
@pytest.mark.parametrize("group", build_addon.BUNDLED_GROUPS)
def test_every_target_has_every_package_once(target, group):
    found = [(build_addon.canonical(w.name), w.version) for w in build_addon.locked(target, group)]
    assert sorted(found) == sorted(_pinned(group, target.platform).items())


@pytest.mark.parametrize("group", ["dev", "bpy-4.2", "bpy-5.0"])
def test_development_environment_is_pinned_on_every_platform(group):
    for target in (t for t in build_addon.TARGETS if t.python == "cp311"):
        found = {build_addon.canonical(w.name): w.version for w in build_addon.locked(target, group)}
        assert found == _pinned(group, target.platform)


@pytest.mark.parametrize("wheel", LOCK, ids=lambda wheel: wheel.file)
def test_each_wheel_fits_where_it_goes(wheel):
    parts = build_addon.parse_wheel_name(wheel.file)
    assert parts.name == build_addon.canonical(wheel.name) and parts.version == wheel.version
    targets = {str(target): target for target in build_addon.TARGETS}
    assert wheel.targets and all(parts.fits(targets[name]) for name in wheel.targets)


def test_only_linux_torch_may_lack_a_hash():
    assert all(re.fullmatch(r"[0-9a-f]{64}", w.sha256) for w in LOCK if w.sha256)
    assert {(w.name, *w.targets) for w in LOCK if not w.sha256} <= {("torch", "linux-x64-cp313")}


def test_no_addresses_in_the_lock():
    assert "://" not in build_addon.LOCK_FILE.read_text(encoding="utf-8")


def test_nothing_that_blender_brings_is_in_the_bundle():
    bundled = {build_addon.canonical(w.name) for w in LOCK if w.group in build_addon.BUNDLED_GROUPS}
    assert not bundled & build_addon.BROUGHT_BY_BLENDER


def _bundled_here() -> dict[str, list[Requirement]]:
    """What each bundled package requires, by the installed packages' own metadata, which is this platform's."""
    names = {build_addon.canonical(w.name) for w in build_addon.locked(build_addon.host_target(), "engine")}
    texts = {name: importlib.metadata.requires(name) or [] for name in sorted(names)}
    return {name: [Requirement(text) for text in texts[name] if "extra ==" not in text] for name in texts}


def test_requirements_of_bundled_packages_are_bundled_too():
    engine = _bundled_here()
    for package, requirements in engine.items():
        left_out = DATA["left_out"].get(package, {})
        names = {build_addon.canonical(requirement.name) for requirement in requirements}
        assert not names - engine.keys() - build_addon.BROUGHT_BY_BLENDER - left_out.keys(), package
        assert left_out.keys() <= names - engine.keys(), f"{package} does not require what is left out"


CAPTURE_A_FRAME = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"absl", "flatbuffers", "sounddevice", "tzdata"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
import numpy as np
from engine.capture.tracking.landmarks import track
from engine.capture.tracking.model import face_landmarker_path
from engine.errors import InputError
from engine.report import Report

try:
    track([np.zeros((64, 64, 3), np.uint8)], face_landmarker_path(), 25.0, Report())
except InputError as error:
    print(error.what)
"""


def test_faces_are_tracked_without_what_is_left_out(shared):
    models = shared / "data" / "mediapipe"
    if not (models / "face_landmarker.task").is_file():
        pytest.skip("needs MediaPipe's face landmarker in ../shared/data")
    done = subprocess.run([sys.executable, "-c", CAPTURE_A_FRAME], cwd=build_addon.ROOT, capture_output=True, text=True,
                          env={**os.environ, "EMOSPLAT_MODELS": str(models)})
    assert done.stdout == "No face was found in 1 frames.\n", done.stderr


def test_mediapipe_sends_nothing_home():
    """Later versions report their use to Google from the native library; this reads the one that is installed."""
    pinned, = {w.version for w in build_addon.locked(build_addon.host_target(), "engine") if w.name == "mediapipe"}
    if importlib.metadata.version("mediapipe") != pinned:
        pytest.skip("this environment is older than the lock; type: python3 build_addon.py setup")
    library, = (file for file in importlib.metadata.files("mediapipe") if file.stem == "libmediapipe")
    data = library.locate().read_bytes()
    assert b"FaceLandmarker" in data and b"play.googleapis.com" not in data and b"clearcut" not in data.lower()


# Blender 4.2 and 4.3, 4.4 to 5.0, and from 5.1 on.
NUMPYS = {"cp311": ("1.24.3", "1.26.4"), "cp313": ("2.3.5",)}


@pytest.mark.parametrize("python", NUMPYS)
def test_every_blenders_numpy_is_enough(python):
    """Asked of the installed packages' metadata: on every platform and Python they are of the same version."""
    environment = {"python_version": f"3.{python[3:]}", "python_full_version": f"3.{python[3:]}.0"}
    for package, requirements in _bundled_here().items():
        for requirement in requirements:
            if requirement.name == "numpy" and (not requirement.marker or requirement.marker.evaluate(environment)):
                assert all(version in requirement.specifier for version in NUMPYS[python]), f"{package}: {requirement}"
