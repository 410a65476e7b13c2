# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny zips that look like ours to the gates: every package of the lock, each a wheel of one line, and a face model."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import build_addon
import pytest

WINDOWS = build_addon.Target("windows-x64", "cp311")
LINUX = build_addon.Target("linux-x64", "cp311")
FACE_MODEL = b"sees faces"


def fake_wheel(file: str, paths: list[str] | None = None, requires: tuple[str, ...] = ()) -> bytes:
    """A wheel with the given files, or one module named after the package."""
    parts = build_addon.parse_wheel_name(file)
    info = f"{parts.name}-{parts.version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {parts.name}\nVersion: {parts.version}\n"
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for path in paths or [f"{parts.name}/__init__.py"]:
            wheel.writestr(path, "pass\n")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        wheel.writestr(f"{info}/RECORD", "")
    return buffer.getvalue()


class FakeZip:
    """A zip that passes every gate, to be spoilt in one place before it is written."""

    def __init__(self, target: build_addon.Target) -> None:
        self.wheels = {w.file: fake_wheel(w.file) for w in build_addon.locked(target, "engine")}
        self.files = {name: b"" for name in ("__init__.py", "LICENSE", "addon/__init__.py", "engine/__init__.py")}
        self.files[build_addon.PACKED_MODEL] = FACE_MODEL
        self.manifest = build_addon.filled_manifest(target, sorted(self.wheels))

    def add(self, file: str, **contents) -> None:
        """Another wheel, listed in the manifest as it should be."""
        self.wheels[file] = fake_wheel(file, **contents)
        self.manifest = self.manifest.replace("wheels = [\n", f'wheels = [\n  "./wheels/{file}",\n')

    def remove(self, package: str) -> None:
        """Drop a package's wheel from the zip and from the manifest."""
        file = next(file for file in self.wheels if build_addon.parse_wheel_name(file).name == package)
        del self.wheels[file]
        self.manifest = self.manifest.replace(f'  "./wheels/{file}",\n', "")

    def write(self, path: Path) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("blender_manifest.toml", self.manifest)
            for name, data in self.files.items():
                archive.writestr(name, data)
            for name, data in self.wheels.items():
                archive.writestr(f"wheels/{name}", data)
        return path


@pytest.fixture(autouse=True)
def pinned_model(tmp_path_factory, monkeypatch) -> Path:
    """Where the face model would be put: its folder and its pin are the test's own, and nothing has it."""
    folder = tmp_path_factory.mktemp("models")
    pin = {"url": "https://models.invalid/face.task", "bytes": len(FACE_MODEL)}
    pin["sha256"] = hashlib.sha256(FACE_MODEL).hexdigest()
    (folder / "data").mkdir()
    (folder / "data" / "models.json").write_text(json.dumps({build_addon.FACE_MODEL: pin}))
    monkeypatch.setattr(build_addon, "MODELS_FILE", folder / "data" / "models.json")
    monkeypatch.setattr(build_addon, "SHARED_MODELS", folder / "shared")

    def unreachable(url: str, size: int) -> bytes:
        raise OSError("no network in tests")

    monkeypatch.setattr(build_addon, "download", unreachable)
    return folder / "data" / build_addon.FACE_MODEL


@pytest.fixture
def linux_zip() -> FakeZip:
    return FakeZip(LINUX)


@pytest.fixture
def windows_zip() -> FakeZip:
    return FakeZip(WINDOWS)


@pytest.fixture
def faults_of(tmp_path):
    """The gates' message about a spoilt zip; fails if they let it pass."""

    def check(zip_file: FakeZip, with_wheels: bool = True, with_model: bool = True) -> str:
        with pytest.raises(build_addon.Failure) as caught:
            build_addon.check_gates(zip_file.write(tmp_path / "bad.zip"), with_wheels, "bad.zip", with_model)
        return str(caught.value)

    return check
