# SPDX-License-Identifier: GPL-3.0-or-later
"""Each gate stops the zip that it is there for, and says which file is wrong."""

import build_addon
import pytest


@pytest.mark.parametrize("fixture", ["linux_zip", "windows_zip"])
def test_good_zip_passes_and_sizes_are_printed(fixture, request, tmp_path, capsys):
    path = request.getfixturevalue(fixture).write(tmp_path / "good.zip")
    build_addon.check_gates(path, True, "good.zip", True)
    printed = capsys.readouterr().out
    assert "MB packed" in printed and "MB unpacked" in printed and "wheels" in printed


def test_numpy_is_never_bundled(linux_zip, faults_of):
    linux_zip.add("numpy-2.3.5-cp311-cp311-manylinux_2_28_x86_64.whl")
    assert "numpy-2.3.5-cp311-cp311-manylinux_2_28_x86_64.whl must not be bundled" in faults_of(linux_zip)


@pytest.mark.parametrize("package", ["requests", "charset_normalizer", "Cython", "setuptools"])
def test_nothing_else_that_blender_brings_is_bundled(package, linux_zip, faults_of):
    linux_zip.add(f"{package}-1.0-py3-none-any.whl")
    assert f"Blender brings {build_addon.canonical(package)}" in faults_of(linux_zip)


def test_a_missing_package_is_named(windows_zip, faults_of):
    windows_zip.remove("numba")
    assert "no wheel of numba 0.68.1 for windows-x64-cp311" in faults_of(windows_zip)


def test_a_wheel_of_another_platform(windows_zip, faults_of):
    windows_zip.remove("safetensors")
    windows_zip.add("safetensors-0.8.0-cp310-abi3-macosx_11_0_arm64.whl")
    assert "safetensors-0.8.0-cp310-abi3-macosx_11_0_arm64.whl does not fit windows-x64-cp311" in faults_of(windows_zip)


def test_a_wheel_of_another_python(linux_zip, faults_of):
    linux_zip.remove("llvmlite")
    linux_zip.add("llvmlite-0.50.0-cp313-cp313-manylinux_2_28_x86_64.whl")
    assert "llvmlite-0.50.0-cp313-cp313-manylinux_2_28_x86_64.whl does not fit" in faults_of(linux_zip)


def test_another_version_than_the_lock(windows_zip, faults_of):
    windows_zip.remove("torch")
    windows_zip.add("torch-2.13.0-cp311-cp311-win_amd64.whl")
    assert "torch is bundled as 2.13.0; the lock wants 2.11.0 once" in faults_of(windows_zip)


def test_a_package_twice(linux_zip, faults_of):
    linux_zip.add("av-18.1.0-py3-none-any.whl", paths=["av_other.py"])
    assert "av is bundled as 18.1.0, 18.1.0; the lock wants 18.1.0 once" in faults_of(linux_zip)


def test_manifest_and_zip_must_agree(linux_zip, faults_of):
    file = next(file for file in linux_zip.wheels if file.startswith("av-"))
    del linux_zip.wheels[file]
    assert f"./wheels/{file} is listed in the manifest but not packed" in faults_of(linux_zip)


def test_an_unlisted_wheel(linux_zip, faults_of):
    linux_zip.manifest = linux_zip.manifest.replace('  "./wheels/filelock', '  # "./wheels/filelock')
    assert "is packed but the manifest does not list it" in faults_of(linux_zip)


def test_shared_top_level_folder(linux_zip, faults_of):
    linux_zip.add("nvidia_a-1.0-py3-none-any.whl", paths=["nvidia/a.py"])
    linux_zip.add("nvidia_b-1.0-py3-none-any.whl", paths=["nvidia_b-1.0.data/purelib/nvidia/b.py"])
    message = faults_of(linux_zip)
    assert "nvidia_a-1.0-py3-none-any.whl and nvidia_b-1.0-py3-none-any.whl share the top-level name nvidia" in message


def test_long_path_on_windows_only(windows_zip, linux_zip, faults_of, tmp_path):
    longest = "extra/" + "x" * (259 - 124 - len("extra/"))
    windows_zip.add("extra-1.0-py3-none-any.whl", paths=[longest])
    build_addon.check_gates(windows_zip.write(tmp_path / "fits.zip"), True, "fits.zip", True)
    windows_zip.add("more-1.0-py3-none-any.whl", paths=[longest.replace("extra", "more") + "yy"])
    assert "more-1.0-py3-none-any.whl holds a path of 136 characters, too long for Windows" in faults_of(windows_zip)
    linux_zip.add("more-1.0-py3-none-any.whl", paths=["more/" + "x" * 300])
    build_addon.check_gates(linux_zip.write(tmp_path / "linux.zip"), True, "linux.zip", True)


def test_unknown_platform_name(linux_zip, faults_of):
    linux_zip.manifest = linux_zip.manifest.replace('"linux-x64"', '"linux-x86_64"')
    assert "unknown platform 'linux-x86_64'" in faults_of(linux_zip)


def test_unknown_permission_name(linux_zip, faults_of):
    linux_zip.manifest += 'internet = "Fetch things"\n'
    assert "unknown permission 'internet'" in faults_of(linux_zip)


def test_two_platforms_in_one_zip(linux_zip, faults_of):
    linux_zip.manifest = linux_zip.manifest.replace('"linux-x64"', '"linux-x64", "windows-x64"')
    assert "one known platform is wanted" in faults_of(linux_zip)


def test_cuda_torch_on_linux(linux_zip, faults_of):
    file = next(file for file in linux_zip.wheels if file.startswith("torch-"))
    linux_zip.add(file, requires=("filelock", 'nvidia-cublas==13.1; platform_system == "Linux"'))
    assert "is a CUDA build (it requires nvidia-cublas); bundle the CPU build" in faults_of(linux_zip)


def test_files_that_do_not_belong(linux_zip, faults_of):
    linux_zip.files["tests/conftest.py"] = b""
    del linux_zip.files["LICENSE"]
    message = faults_of(linux_zip)
    assert "LICENSE is missing" in message and "tests/conftest.py does not belong into a zip" in message


def test_zip_without_wheels_has_none(linux_zip, faults_of):
    assert "this zip was to have no wheels" in faults_of(linux_zip, with_wheels=False)


def test_the_face_model_is_in_every_zip_with_wheels(linux_zip, faults_of, tmp_path):
    del linux_zip.files[build_addon.PACKED_MODEL]
    assert "face_landmarker.task is missing" in faults_of(linux_zip)
    build_addon.check_gates(linux_zip.write(tmp_path / "asked.zip"), True, "asked.zip", False)


@pytest.mark.parametrize("with_model", [True, False])
def test_another_file_under_the_face_models_name(with_model, linux_zip, faults_of):
    linux_zip.files[build_addon.PACKED_MODEL] = b"sees cats"
    message = faults_of(linux_zip, with_model=with_model)
    assert "face_landmarker.task is not the file that engine/data/models.json names" in message


def test_zip_that_lost_its_wheels(linux_zip, faults_of):
    linux_zip.wheels.clear()
    linux_zip.manifest = build_addon.filled_manifest(build_addon.Target("linux-x64", "cp311"), [])
    assert "there are no wheels in it" in faults_of(linux_zip)


def test_not_a_zip(tmp_path):
    path = tmp_path / "text.zip"
    path.write_text("this is no zip")
    with pytest.raises(build_addon.Failure, match="is not an extension's zip"):
        build_addon.check_gates(path, True, "text.zip", True)
