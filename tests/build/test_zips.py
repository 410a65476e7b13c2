# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a zip, under which name, and that the same tree gives the same bytes."""

import csv
import io
import tomllib
import zipfile

import build_addon
import pytest
from build_addon import Target


@pytest.mark.parametrize("target", build_addon.TARGETS, ids=str)
def test_manifest_of_each_zip(target):
    manifest = tomllib.loads(build_addon.filled_manifest(target, ["a-1-py3-none-any.whl"]))
    assert manifest["platforms"] == [target.platform]
    assert manifest["wheels"] == ["./wheels/a-1-py3-none-any.whl"]
    assert manifest["version"] == build_addon.project_version()
    spans = {"cp311": ("4.2.0", "5.1.0"), "cp313": ("5.1.0", None)}
    assert (manifest["blender_version_min"], manifest.get("blender_version_max")) == spans[target.python]
    assert set(manifest["permissions"]) <= set(build_addon.PERMISSIONS)
    assert len(manifest["tagline"]) <= 64 and not manifest["tagline"].endswith(".")


@pytest.fixture
def small_zip(tmp_path, monkeypatch):
    monkeypatch.setattr(build_addon, "BUILD_WITHOUT_WHEELS", tmp_path)
    return lambda target=Target("linux-x64", "cp311"), model=None: build_addon.build(target, False, model=model)


def test_zip_mirrors_the_tree(small_zip):
    path = small_zip()
    assert path.name == f"emosplat-{build_addon.project_version()}-linux-x64-cp311.zip"
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        assert archive.read("engine/protocol/jobs.py") == (build_addon.ROOT / "engine/protocol/jobs.py").read_bytes()
    assert {"__init__.py", "LICENSE", "blender_manifest.toml", "addon/__init__.py", "engine/__main__.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".", "tests/", "docs/"))]


def test_same_tree_same_bytes(small_zip):
    first = small_zip().read_bytes()
    assert small_zip().read_bytes() == first


def test_the_face_model_is_packed_where_the_engine_looks(small_zip, pinned_model):
    """And not because it lies in the tree: what is packed does not depend on what lies about there."""
    pinned_model.write_bytes(b"sees faces")
    with zipfile.ZipFile(small_zip(model=pinned_model)) as archive:
        assert archive.read("engine/data/face_landmarker.task") == b"sees faces"
    with zipfile.ZipFile(small_zip()) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".task")]


def test_no_half_written_zip(small_zip, tmp_path, monkeypatch):
    def stop(*_):
        raise build_addon.Failure("a gate says no")

    monkeypatch.setattr(build_addon, "check_gates", stop)
    with pytest.raises(build_addon.Failure, match="a gate says no"):
        small_zip()
    assert list(tmp_path.iterdir()) == []


def test_torchaudio_without_its_libraries(tmp_path):
    wheel = tmp_path / "torchaudio-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("torchaudio/__init__.py", "torchaudio/lib/__init__.py", "torchaudio/lib/libtorchaudio.abi3.so"):
            archive.writestr(name, "x")
        archive.writestr("torchaudio-2.11.0.dist-info/RECORD", "stale")
    _, unwanted, tag = build_addon.TRIMMED["torchaudio"]
    name, data = build_addon.trimmed(wheel, unwanted, tag)
    assert build_addon.parse_wheel_name(name).version == "2.11.0"
    assert name == "torchaudio-2.11.0-1nolibs-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        records = [row[0] for row in csv.reader(io.StringIO(archive.read(names[-1]).decode()))]
    assert sorted(names) == sorted(records)
    assert "torchaudio/lib/__init__.py" in names and not [n for n in names if n.endswith(".so")]


@pytest.mark.parametrize(
    "file, fits",
    [
        ("av-18.1.0-cp311-abi3-win_amd64.whl", {"windows-x64-cp311", "windows-x64-cp313"}),
        ("av-18.1.0-cp312-abi3-win_amd64.whl", {"windows-x64-cp313"}),
        ("cffi-2.1.1-cp313-cp313-macosx_11_0_arm64.whl", {"macos-arm64-cp313"}),
        ("cffi-2.1.1-cp313-cp313t-macosx_11_0_arm64.whl", set()),
        ("x-1-py3-none-macosx_10_9_universal2.whl", {"macos-arm64-cp311", "macos-arm64-cp313"}),
        ("x-1-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", {"linux-x64-cp311"}),
        ("x-1-cp311-cp311-musllinux_1_2_x86_64.whl", set()),
        ("x-1-cp311-cp311-manylinux_2_28_aarch64.whl", set()),
        ("x-1-py2.py3-none-any.whl", {str(target) for target in build_addon.TARGETS}),
    ],
)
def test_wheel_tags(file, fits):
    parts = build_addon.parse_wheel_name(file)
    assert {str(target) for target in build_addon.TARGETS if parts.fits(target)} == fits
