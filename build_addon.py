#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""EmoSplat's one entry point: environment, demo, tests, benchmarks, wheels, zips. Standard library only.

    python3 build_addon.py setup                  the development environment, .venv
    python3 build_addon.py demo --out DIR         audio to a film, in a fresh Blender
    python3 build_addon.py test [PYTEST ARGS]     setup and the whole suite
    python3 build_addon.py bench [ARGS]           setup and the benchmarks
    python3 build_addon.py wheels                 fetch what wheels/lock.json names
    python3 build_addon.py build                  the extension's zips, in build/
    python3 build_addon.py validate [ZIP ...]     Blender's validator and our gates
"""

from __future__ import annotations

import argparse
import base64
import csv
import ctypes
import errno
import hashlib
import http.client
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
LOCK_FILE = ROOT / "wheels" / "lock.json"
MODELS_FILE = ROOT / "engine" / "data" / "models.json"
FACE_MODEL = "face_landmarker.task"
SHARED_MODELS = ROOT.parent / "shared" / "data" / "mediapipe"
BUILD = ROOT / "build"
BUILD_WITHOUT_WHEELS = BUILD / "no-wheels"

PLATFORMS = ("linux-x64", "windows-x64", "macos-arm64")
PYTHONS = {"3.11": "cp311", "3.13": "cp313"}
# Blender 4.2 to 5.0 are Python 3.11, 5.1 and later 3.13; the maximum is exclusive.
BLENDER_RANGES = {"cp311": ("4.2.0", "5.1.0"), "cp313": ("5.1.0", "")}
# What pip is told about each platform, best first. Blender 4.2 to 5.x run on glibc 2.28; av needs macOS 14.
PIP_PLATFORMS = {
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64",),
}
PERMISSIONS = ("files", "network", "clipboard", "camera", "microphone")
# Bundled wheels come before Blender's own packages and replace them for every other add-on.
BROUGHT_BY_BLENDER = frozenset(
    "attrs autopep8 bpy cattrs certifi charset-normalizer cython idna materialx meson mathutils numpy openimageio "
    "openvdb pip pycodestyle requests setuptools toml urllib3 usd-core wheel zstandard".split()
)
# On Windows, Blender unpacks into a folder of 104 characters plus the user's name (20 at most).
WINDOWS_PREFIX, WINDOWS_PATH_LIMIT = 124, 259

# Turing, Ampere, Ada and Blackwell, for a machine that compiles without having the card.
CUDA_ARCHITECTURES = "7.5;8.6;8.9;12.0+PTX"

BUNDLED_GROUPS = ("engine", "cuda")
# Package -> where its wheel goes into the zip without which files, and the build tag (PEP 427) that says so.
TRIMMED = {
    "torchaudio": (("linux-x64",), r"torchaudio/lib/[^/]+\.so", "1nolibs"),  # they link CUDA
    "pocketsphinx": (PLATFORMS, r"pocketsphinx/model/en-us/en-us\.lm\.bin", "1nolm"),  # 4/5 of it; free dictation alone
}
PACKED_FOLDERS = ("addon", "engine")
PACKED_FILES = ("__init__.py", "LICENSE")
PACKED_MODEL = f"engine/data/{FACE_MODEL}"
OTHER_BLENDERS = {"bpy-4.2": ENVIRONMENT / "bpy-4.2", "bpy-5.0": ENVIRONMENT / "bpy-5.0"}
ENVIRONMENT_BYTES = 5_000_000_000
# Shared library -> the Debian package that has it: what bpy, EEVEE and OpenCV load on Linux.
SYSTEM_LIBRARIES = {
    "libXrender.so.1": "libxrender1", "libXfixes.so.3": "libxfixes3", "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0", "libSM.so.6": "libsm6", "libGL.so.1": "libgl1", "libXext.so.6": "libxext6",
    "libXxf86vm.so.1": "libxxf86vm1", "libgomp.so.1": "libgomp1", "libEGL.so.1": "libegl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
DOWNLOAD_TIMEOUT = 20  # seconds without an answer


class Failure(Exception):
    """What is wrong and what to type, in one line."""


def say(text: str) -> None:
    print(text, flush=True)


# ---------------------------------------------------------------------------------------------------------------------
# The lock


@dataclass(frozen=True)
class Target:
    """One zip: a Blender platform and a Python tag."""

    platform: str
    python: str

    def __str__(self) -> str:
        return f"{self.platform}-{self.python}"

    @property
    def python_version(self) -> str:
        return f"{self.python[2]}.{self.python[3:]}"


TARGETS = tuple(Target(name, python) for python in PYTHONS.values() for name in PLATFORMS)


@dataclass(frozen=True)
class Wheel:
    """One file of the lock.

    Args:
        group: engine (bundled), cuda (what a compiled gsplat needs beside it), dev, bpy-4.2 or bpy-5.0.
        sha256: "" where the package index had no such file when the lock was made; it is then taken from pip's own
            configuration, --find-links or --wheel, and its hash is printed.
        targets: the zips and environments that it serves.
    """

    name: str
    version: str
    group: str
    file: str
    sha256: str
    targets: tuple[str, ...]


def read_lock() -> list[Wheel]:
    data = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
    return [Wheel(**{**entry, "targets": tuple(entry["targets"])}) for entry in data["wheels"]]


def locked(target: Target, *groups: str) -> list[Wheel]:
    """The lock's wheels of some groups for one target."""
    return [w for w in read_lock() if w.group in groups and str(target) in w.targets]


def canonical(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class WheelName:
    """The parts of a wheel's file name (PEP 427)."""

    name: str
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    def fits(self, target: Target) -> bool:
        return self._fits_python(target.python) and any(_fits_platform(tag, target.platform) for tag in self.platforms)

    def _fits_python(self, python: str) -> bool:
        if "abi3" in self.abis:
            return any(re.fullmatch(r"cp3\d+", tag) and int(tag[3:]) <= int(python[3:]) for tag in self.pythons)
        if "none" in self.abis:
            return bool({"py3", python} & set(self.pythons))
        return python in self.pythons and python in self.abis


def _fits_platform(tag: str, platform_name: str) -> bool:
    pattern = {
        "linux-x64": r"(many)?linux(\d+|_\d+_\d+)?_x86_64",
        "windows-x64": r"win_amd64",
        "macos-arm64": r"macosx_\d+_\d+_(arm64|universal2)",
    }[platform_name]
    return tag == "any" or re.fullmatch(pattern, tag) is not None


def parse_wheel_name(file: str) -> WheelName:
    parts = file[: -len(".whl")].split("-")
    if not file.endswith(".whl") or len(parts) not in (5, 6):
        raise Failure(f"{file} is not a wheel's file name; it should read name-version-python-abi-platform.whl.")
    tags = (tuple(part.split(".")) for part in parts[-3:])
    return WheelName(canonical(parts[0]), parts[1], *tags)


def same_version(a: str, b: str) -> bool:
    """Equal but for the local part: 2.13.0+cpu is a build of 2.13.0."""
    return a.partition("+")[0] == b.partition("+")[0]


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# ---------------------------------------------------------------------------------------------------------------------
# pip


def environment_python() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pip_python() -> Path:
    """The environment's interpreter where there is one: the system's Python may come without pip."""
    return environment_python() if environment_python().exists() else Path(sys.executable)


def isolated_environment() -> dict[str, str]:
    """The environment variables for child processes: nothing of the caller's Python or Blender leaks in."""
    leaks = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")
    kept = {k: v for k, v in os.environ.items() if k not in leaks and not k.startswith("BLENDER_")}
    return {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


def run_pip(arguments: list[str], python: Path | None = None, variables: dict[str, str] | None = None) -> str:
    """Run pip and return its stdout. Raises Failure with one line for people."""
    command = [str(python or pip_python()), "-m", "pip", "--no-input", "--disable-pip-version-check", *arguments]
    variables = {**isolated_environment(), **(variables or {})}
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=variables)
    if done.returncode:
        raise Failure(explain_pip(done.stderr + done.stdout))
    return done.stdout


def explain_pip(output: str) -> str:
    """pip's complaint as one line that says what to do."""
    if "No module named pip" in output:
        return f"{sys.executable} has no pip. Type: python3.11 build_addon.py setup"
    if "No space left on device" in output or "[Errno 28]" in output or "not enough space on the disk" in output:
        return disk_full_message()
    nothing = "(?:No matching distribution found for|Cannot install)"
    if match := re.search(nothing + r" torch==(\S+)", output):
        return (
            f"pip offers no CPU build of torch {match[1]} here: download its wheel from PyTorch's site and "
            "add --wheel FILE (or --find-links DIR) to this command."
        )
    if match := re.search(nothing + r" (\S+)", output):
        return f"pip cannot find {match[1]} here; check the network and `pip config list`, then try again."
    if "DO NOT MATCH THE HASHES" in output:
        match = re.search(r"^\s+(\S+==\S+|\S+ from \S+)", output.partition("DO NOT MATCH THE HASHES")[2], re.MULTILINE)
        culprit = match[1] if match else "A package"
        return f"{culprit} is not the file that wheels/lock.json names; type `pip cache purge` and try again."
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.strip().splitlines() or [""]
    return f"pip failed: {errors[-1].removeprefix('ERROR:').strip()}"


def pip_target(target: Target) -> list[str]:
    """pip's arguments that choose another machine's wheels."""
    tags = [argument for tag in PIP_PLATFORMS[target.platform] for argument in ("--platform", tag)]
    abis = [argument for abi in (target.python, "abi3", "none") for argument in ("--abi", abi)]
    return ["--only-binary=:all:", "--implementation", "cp", "--python-version", target.python_version, *abis, *tags]


def pip_sources(find_links: str) -> list[str]:
    if find_links and not Path(find_links).is_dir():
        raise Failure(f"--find-links {find_links}: there is no such folder.")  # pip would pass over it in silence
    return ["--find-links", find_links] if find_links else []


def requirement(wheel: Wheel, given: dict[str, Path]) -> str:
    """One line of a requirements file: the lock's file, or the one that was given for it."""
    path = given.get(canonical(wheel.name))
    if path:
        return f"{wheel.name} @ {path.as_uri()} --hash=sha256:{sha256_of(path)}"
    hashed = f" --hash=sha256:{wheel.sha256}" if wheel.sha256 else ""
    return f"{wheel.name}=={wheel.version}{hashed}"


def pip_with_requirements(
    arguments: list[str], lines: list[str], python: Path | None = None, variables: dict[str, str] | None = None
) -> None:
    """Run pip on exactly these requirements, without following their own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(lines), encoding="utf-8")
        run_pip([*arguments, "--no-deps", "--progress-bar", "off", "-r", str(file)], python, variables)


def given_wheels(files: list[str], target: Target) -> dict[str, Path]:
    """--wheel's files by package. Raises Failure for one that the lock does not name or that does not fit."""
    given = {}
    for file in files:
        path = Path(file).resolve()
        if not path.is_file():
            raise Failure(f"--wheel {file}: there is no such file.")
        parts = parse_wheel_name(path.name)
        names = {canonical(w.name): w for w in locked(target, "engine", "cuda", "dev")}
        wanted = names.get(parts.name)
        if wanted is None:
            raise Failure(f"--wheel {path.name}: wheels/lock.json names no package {parts.name}.")
        if not parts.fits(target):
            raise Failure(f"--wheel {path.name} does not fit {target}; give a wheel for that platform and Python.")
        if not same_version(parts.version, wanted.version):
            raise Failure(f"--wheel {path.name}: the lock wants version {wanted.version}.")
        given[parts.name] = path
        say(f"{path.name}: taken from --wheel (sha256 {sha256_of(path)}).")
    return given


# ---------------------------------------------------------------------------------------------------------------------
# setup


def host_target() -> Target:
    """What runs here. Raises Failure on a platform that EmoSplat has no wheels for."""
    machine = {"amd64": "x64", "x86_64": "x64", "arm64": "arm64", "aarch64": "arm64"}.get(platform.machine().lower())
    system = {"linux": "linux", "win32": "windows", "darwin": "macos"}.get(sys.platform)
    name = f"{system}-{machine}"
    if name not in PLATFORMS:
        raise Failure(f"EmoSplat has no wheels for {sys.platform} on {platform.machine()}; use {', '.join(PLATFORMS)}.")
    return Target(name, "cp311")


def check_python(version: tuple[int, int]) -> None:
    if version != (3, 11):
        command = "py -3.11" if os.name == "nt" else "python3.11"
        first = "" if shutil.which("py" if os.name == "nt" else "python3.11") else "Install Python 3.11, then type"
        raise Failure(
            f"The environment needs Python 3.11 and this is {version[0]}.{version[1]}. "
            f"{first or 'Type'}: {command} build_addon.py {' '.join(sys.argv[1:]) or 'setup'}"
        )


def disk_full_message() -> str:
    return f"The disk is full: free about {ENVIRONMENT_BYTES / 1e9:.0f} GB where {ROOT} lies, then type the same again."


def check_disk() -> None:
    if not environment_python().exists() and shutil.disk_usage(ROOT).free < ENVIRONMENT_BYTES:
        raise Failure(disk_full_message())


def missing_system_packages() -> list[str]:
    """The Debian packages whose libraries bpy or OpenCV would not find."""
    missing = []
    for library, package in SYSTEM_LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    return missing


def check_system_libraries() -> None:
    """Install what the wheels link to, as root on Debian; otherwise say what to type."""
    if sys.platform != "linux" or not (missing := missing_system_packages()):
        return
    packages = " ".join(missing)
    apt = shutil.which("apt-get")
    if not apt or os.geteuid() != 0:
        raise Failure(f"Blender's and OpenCV's Python modules need system libraries. Type: sudo apt-get install {packages}")
    say(f"Installing the system libraries that Blender and OpenCV need: {packages}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([apt, "update"], [apt, "install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(command, capture_output=True, text=True, env=quiet)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise Failure(f"apt-get {command[1]} failed ({last}). Type: apt-get update && apt-get install {packages}")
    if missing := missing_system_packages():
        again = " ".join(missing)
        raise Failure(f"The libraries of {again} still do not load. Type: apt-get install --reinstall {again}")


def make_environment() -> None:
    """An empty .venv of this Python, or the one that is there if it still runs."""
    python = environment_python()
    if python.exists():
        if subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0:
            return
    say("Making .venv")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], capture_output=True, text=True)
    if done.returncode:
        output = done.stdout + done.stderr
        if "ensurepip" in output:
            raise Failure("This Python cannot make environments. Type: sudo apt-get install python3.11-venv")
        if "No space left" in output:
            raise Failure(disk_full_message())
        raise Failure(f"Making .venv failed: {(output.strip().splitlines() or ['no message'])[-1]}")


def drop_torchaudio_libraries() -> None:
    """On Linux torchaudio's own libraries link CUDA and stop its import beside a CPU torch; it works without them."""
    for library in ENVIRONMENT.glob("lib/python*/site-packages/torchaudio/lib/*.so"):
        library.unlink()


def setup(wheels: list[str] = (), find_links: str = "", model: str = "") -> None:
    """Make or update .venv as the lock says, and get the face model. Costs milliseconds when nothing changed."""
    check_python(sys.version_info[:2])
    check_system_libraries()
    target = host_target()
    check_given_model(model)
    try:
        provide_model(model)
    except Failure as failure:  # everything else works without it
        say(f"{failure} (until then films cannot be captured)")
    stamp = ENVIRONMENT / "emosplat-lock.txt"
    wanted = sha256_of(LOCK_FILE)
    if stamp.exists() and stamp.read_text() == wanted and environment_python().exists() and not wheels:
        say(f"The environment is ready: {ENVIRONMENT}")
        return
    check_disk()
    make_environment()
    stamp.unlink(missing_ok=True)
    given = given_wheels(list(wheels), target)
    main = locked(target, "engine", "cuda", "dev")
    say(f"Installing {len(main)} packages into .venv; the first time takes some minutes")
    hashed = ["install", "--require-hashes", *pip_sources(find_links)]
    pip_with_requirements(hashed, [requirement(w, given) for w in main], environment_python())
    if target.platform == "linux-x64":
        drop_torchaudio_libraries()
    for group, folder in OTHER_BLENDERS.items():
        others = locked(target, group)
        if others and not list(folder.glob(f"bpy-{others[0].version}.dist-info")):
            say(f"Installing bpy {others[0].version} into .venv/{folder.name}")
            shutil.rmtree(folder, ignore_errors=True)
            pip_with_requirements(
                [*hashed, "--target", str(folder)], [requirement(w, {}) for w in others], environment_python()
            )
    check_imports()
    stamp.write_text(wanted)
    say(f"The environment is ready: {ENVIRONMENT}")


def check_imports() -> None:
    modules = "bpy, torch, torchaudio, numba, av, soundfile, safetensors, PIL, cv2, mediapipe, pocketsphinx"
    command = [str(environment_python()), "-c", f"import {modules}"]
    done = subprocess.run(command, capture_output=True, text=True, env=isolated_environment())
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise Failure(f"The environment is there but does not load ({last}). Type: rm -r .venv, then the same again")


# ---------------------------------------------------------------------------------------------------------------------
# the face model


def model_pin() -> dict:
    """MediaPipe's face model as engine/data/models.json names it: url, sha256, bytes, licence."""
    return json.loads(MODELS_FILE.read_text(encoding="utf-8"))[FACE_MODEL]


def check_given_model(file: str) -> None:
    """Raises Failure for a --model that is not there or not the one that the pin names."""
    if file and not Path(file).is_file():
        raise Failure(f"--model {file}: there is no such file.")
    if file and sha256_of(Path(file)) != model_pin()["sha256"]:
        raise Failure(f"--model {file} is another file than {FACE_MODEL} of {model_pin()['url']}")


def provide_model(given: str = "") -> Path:
    """The face model in engine/data/: there already, or from --model, ../shared/data/mediapipe/ or MediaPipe's page.

    Raises Failure when none of these has it.
    """
    pin, path = model_pin(), MODELS_FILE.parent / FACE_MODEL
    if _is_there(path, pin["sha256"]):
        return path
    part = path.with_name(f".{FACE_MODEL}.{os.getpid()}.part")
    local = [source for source in (Path(given), SHARED_MODELS / FACE_MODEL) if source.is_file()]
    source = next((source for source in local if sha256_of(source) == pin["sha256"]), None)
    try:
        if source:
            part.write_bytes(source.read_bytes())
        else:
            say(f"Fetching {FACE_MODEL}, {pin['bytes'] / 1e6:.1f} MB")
            part.write_bytes(download(pin["url"], pin["bytes"]))
        if sha256_of(part) != pin["sha256"]:
            raise OSError("what came is another file")
        os.replace(part, path)
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        reason = getattr(error, "reason", None) or error
        raise Failure(
            f"MediaPipe's face model could not be had ({reason}): download {pin['url']} and type: "
            "python3 build_addon.py setup --model FILE"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    say(f"{FACE_MODEL}: from {source or pin['url']}")
    return path


def model_for_zips(given: str) -> Path:
    """The face model to be packed. Raises Failure without it: whoever wants zips without it says so."""
    check_given_model(given)
    try:
        return provide_model(given)
    except Failure as failure:
        raise Failure(f"{failure} (or add --no-model for zips that cannot capture films)") from failure


def download(url: str, size: int) -> bytes:
    """The file at an https address. Raises OSError where it cannot be had or is not `size` bytes long."""
    with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT) as answer:
        data = answer.read(size + 1)
    if len(data) != size:
        raise OSError("what came is another file")
    return data


# ---------------------------------------------------------------------------------------------------------------------
# wheels


def fetch(target: Target, wheels: list[str] = (), find_links: str = "") -> list[Path]:
    """Every wheel that the zip of `target` bundles, downloaded into wheels/ where missing, hashes checked."""
    folder = LOCK_FILE.parent
    given = given_wheels(list(wheels), target)
    # A compiled gsplat is the one package that nobody needs unless it is given; its pure companions come with it.
    groups = BUNDLED_GROUPS if "gsplat" in given else ("engine",)
    wanted = [w for w in locked(target, *groups) if canonical(w.name) not in given]
    missing = [w for w in wanted if not _is_there(folder / w.file, w.sha256)]
    if missing:
        say(f"{target}: fetching {len(missing)} of {len(wanted)} wheels")
    download = ["download", *pip_sources(find_links), *pip_target(target), "-d", str(folder)]
    for hashed, extra in ((True, ["--require-hashes"]), (False, [])):
        if part := [w for w in missing if bool(w.sha256) is hashed]:
            pip_with_requirements([*download, *extra], [requirement(w, {}) for w in part])
    for wheel in wanted:
        path = folder / wheel.file
        if not _is_there(path, wheel.sha256):
            raise Failure(f"{path.name} is not the file that wheels/lock.json names; delete it and try again.")
        if not wheel.sha256:
            say(f"{wheel.file}: as pip's configuration has it (sha256 {sha256_of(path)}); the lock has no hash of it.")
    return sorted([folder / w.file for w in wanted] + list(given.values()), key=lambda path: path.name.lower())


def _is_there(path: Path, sha256: str) -> bool:
    return path.exists() and (not sha256 or sha256_of(path) == sha256)


def relock() -> None:
    """Ask pip for the file and hash of every pin and target, and write wheels/lock.json anew."""
    data = json.loads(LOCK_FILE.read_text(encoding="utf-8"))
    found: dict[str, dict] = {}
    for group, packages in data["pins"].items():
        for target in TARGETS:
            if target.python != "cp311" and group not in BUNDLED_GROUPS:
                continue
            asked = {name: _pin(pin, target) for name, pin in packages.items() if _pin(pin, target)}
            say(f"{group}, {target}: {len(asked)} packages")
            for entry in _resolve(asked, target):
                record = found.setdefault(entry["file"], {**entry, "group": group, "targets": []})
                record["targets"].append(str(target))
    records = [asdict(Wheel(**record)) for record in found.values()]
    groups = list(data["pins"])
    records.sort(key=lambda r: (groups.index(r["group"]), canonical(r["name"]), r["file"]))
    lines = ",\n    ".join(json.dumps(record) for record in records)
    text = json.dumps({**data, "wheels": []}, indent=2)
    text = text.replace('"wheels": []', f'"wheels": [\n    {lines}\n  ]')
    LOCK_FILE.write_text(text + "\n", encoding="utf-8", newline="\n")


def _pin(pin: str | dict[str, str], target: Target) -> str:
    """A package's version for `target`; "" where that platform does without it."""
    return pin if isinstance(pin, str) else pin.get(target.platform, "")


def _resolve(packages: dict[str, str], target: Target) -> list[dict]:
    """Name, version, file and hash of each package's best wheel; an empty hash where pip finds none."""
    report = "install --dry-run --ignore-installed --no-deps --quiet --target unused --report -".split()
    pinned = [f"{name}=={version}" for name, version in packages.items()]
    try:
        installs = json.loads(run_pip([*report, *pip_target(target), *pinned]))["install"]
    except Failure:
        if len(packages) > 1:
            return [entry for name, version in packages.items() for entry in _resolve({name: version}, target)]
        (name, version), = packages.items()
        file = f"{name}-{version}-{target.python}-{target.python}-{PIP_PLATFORMS[target.platform][0]}.whl"
        say(f"  {name} {version} for {target} is not to be had here; the lock names {file} without a hash")
        return [{"name": name, "version": version, "file": file, "sha256": ""}]
    return [
        {
            "name": item["metadata"]["name"],
            "version": item["metadata"]["version"],
            "file": item["download_info"]["url"].rpartition("/")[2].replace("%2B", "+"),
            "sha256": item["download_info"]["archive_info"]["hashes"]["sha256"],
        }
        for item in installs
    ]


def cuda_toolkit() -> Path:
    """The folder of NVIDIA's toolkit. Raises Failure without one. An nvcc on the path may be a mere wrapper."""
    named = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    nvcc = shutil.which("nvcc")
    folders = [Path(name) for name in named if name] + ([Path(nvcc).resolve().parent.parent] if nvcc else [])
    for folder in folders:
        if shutil.which("nvcc", path=str(folder / "bin")) and (folder / "include" / "cuda_runtime.h").exists():
            return folder
    raise Failure("nvcc is not here: install NVIDIA's CUDA toolkit and a C++ compiler, or set CUDA_HOME to it.")


def build_gsplat(find_links: str) -> None:
    """gsplat's CUDA binary wheel, from its sdist, into build/cuda/: for this Python and the torch that pip offers."""
    toolkit = cuda_toolkit()
    recipe = json.loads(LOCK_FILE.read_text(encoding="utf-8"))["gsplat_cuda"]
    folder = BUILD / "cuda"
    python = folder / "venv" / environment_python().relative_to(ENVIRONMENT)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    say("Installing torch with CUDA into build/cuda/venv (several GB)")
    run_pip(["install", *pip_sources(find_links), *recipe["build_with"]], python)
    query = "import torch; print(torch.version.cuda or '')"
    cuda = subprocess.run([str(python), "-c", query], capture_output=True, text=True).stdout.strip()
    if not cuda:
        raise Failure(f"{recipe['build_with'][0]} has no CUDA here; give a folder with a CUDA build by --find-links.")
    say(f"Compiling gsplat for CUDA {cuda}; minutes")
    tools = {
        "BUILD_CUDA": "1",
        "CUDA_HOME": str(toolkit),
        "TORCH_CUDA_ARCH_LIST": os.environ.get("TORCH_CUDA_ARCH_LIST", CUDA_ARCHITECTURES),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    arguments = ["wheel", "--no-build-isolation", "--no-binary=gsplat", "--require-hashes", "-w", str(folder)]
    pip_with_requirements(arguments, [recipe["sdist"]], python, tools)
    tag = "cp%d%d" % sys.version_info[:2]
    wheel = max(folder.glob(f"gsplat-*-{tag}-*.whl"), key=lambda path: path.stat().st_mtime)
    say(f"{wheel}: install it beside {recipe['build_with'][0]} in the environment that the preferences name.")


# ---------------------------------------------------------------------------------------------------------------------
# build


def project_version() -> str:
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def filled_manifest(target: Target, wheel_names: list[str]) -> str:
    """blender_manifest.toml with the lines that differ from zip to zip, put before its first table."""
    low, high = BLENDER_RANGES[target.python]
    lines = [f'version = "{project_version()}"', f'blender_version_min = "{low}"']
    lines += [f'blender_version_max = "{high}"'] if high else []
    lines += [f'platforms = ["{target.platform}"]']
    if wheel_names:
        lines += ["wheels = [", *(f'  "./wheels/{name}",' for name in wheel_names), "]"]
    head, table, rest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8").partition("\n[")
    return head.rstrip() + "\n" + "\n".join(lines) + "\n" + table + rest


def packed_sources() -> list[str]:
    """The repository's files that go into the zip, relative, with forward slashes; those that are not in git apart."""
    found = list(PACKED_FILES)
    for folder in PACKED_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
            if path.is_file() and not hidden and path.suffix not in (".pyc", ".task"):
                found.append("/".join(parts))
    return found


def write_entry(archive: zipfile.ZipFile, name: str, data: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    """One file with a fixed date and mode, so that the same tree gives the same bytes."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o100644 << 16
    archive.writestr(info, data, compression)


def trimmed(wheel: Path, unwanted: str, tag: str) -> tuple[str, bytes]:
    """A wheel without the files that match, marked by a build tag in its name.

    Returns the new file name and its bytes.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(buffer, "w") as new:
        records = []
        for info in old.infolist():
            if info.filename.endswith("/RECORD") or info.is_dir() or re.fullmatch(unwanted, info.filename):
                continue
            data = old.read(info)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            records.append((info.filename, f"sha256={digest}", len(data)))
            write_entry(new, info.filename, data)
        record = next(name for name in old.namelist() if name.endswith(".dist-info/RECORD"))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*records, (record, "", "")])
        write_entry(new, record, text.getvalue().encode())
    name, version, rest = wheel.name.split("-", 2)
    return f"{name}-{version}-{tag}-{rest}", buffer.getvalue()


def build(
    target: Target, with_wheels: bool, wheels: list[str] = (), find_links: str = "", model: Path | None = None
) -> Path:
    """One zip, under its final name only when whole and past every gate."""
    folder = BUILD if with_wheels else BUILD_WITHOUT_WHEELS
    folder.mkdir(parents=True, exist_ok=True)
    bundled: dict[str, bytes | Path] = {}
    for path in fetch(target, wheels, find_links) if with_wheels else []:
        platforms, unwanted, tag = TRIMMED.get(parse_wheel_name(path.name).name, ((), "", ""))
        if target.platform in platforms:
            name, data = trimmed(path, unwanted, tag)
            bundled[name] = data
        else:
            bundled[path.name] = path
    final = folder / f"emosplat-{project_version()}-{target}.zip"
    part = final.with_suffix(".part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            write_entry(archive, "blender_manifest.toml", filled_manifest(target, sorted(bundled)).encode())
            for name in packed_sources():
                write_entry(archive, name, (ROOT / name).read_bytes())
            if model:
                write_entry(archive, PACKED_MODEL, model.read_bytes(), zipfile.ZIP_STORED)
            for name, source in sorted(bundled.items()):
                data = source if isinstance(source, bytes) else source.read_bytes()
                write_entry(archive, f"wheels/{name}", data, zipfile.ZIP_STORED)
        check_gates(part, with_wheels, final.name, model is not None)
        os.replace(part, final)
    except OSError as error:
        raise Failure(disk_full_message() if error.errno == errno.ENOSPC else f"{final}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return final


# ---------------------------------------------------------------------------------------------------------------------
# gates


@dataclass
class BundledWheel:
    """What the gates ask of a wheel: where its files would land, how large they are, what it requires."""

    file: str
    sizes: dict[str, int]
    requires: list[str]

    @property
    def name(self) -> WheelName:
        return parse_wheel_name(self.file)

    def landing_paths(self) -> list[str]:
        """Paths in Blender's site-packages; a wheel's .data/purelib and .data/platlib are unpacked to its root."""
        return [re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", path) for path in self.sizes]


@dataclass
class Extension:
    """A built zip as the gates see it."""

    manifest: dict
    files: dict[str, int]
    packed: int
    wheels: list[BundledWheel] = field(default_factory=list)
    model_sha256: str = ""

    @property
    def target(self) -> Target:
        """Raises Failure when the manifest is not one zip's."""
        platforms = self.manifest.get("platforms", [])
        low = self.manifest.get("blender_version_min", "")
        pythons = [python for python, span in BLENDER_RANGES.items() if span[0] == low]
        if len(platforms) != 1 or platforms[0] not in PLATFORMS or not pythons:
            raise Failure(f"The manifest is for {platforms} from Blender {low or '?'}: one known platform is wanted.")
        return Target(platforms[0], pythons[0])

    @property
    def unpacked(self) -> int:
        return sum(self.files.values()) + sum(sum(wheel.sizes.values()) for wheel in self.wheels)


def read_extension(path: Path) -> Extension:
    """Raises Failure for what is not a zip with a manifest."""
    import tomllib

    try:
        with zipfile.ZipFile(path) as archive:
            manifest = tomllib.loads(archive.read("blender_manifest.toml").decode())
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            wheels = [_read_wheel(archive, name) for name in sorted(sizes) if name.endswith(".whl")]
            sha256 = hashlib.sha256(archive.read(PACKED_MODEL)).hexdigest() if PACKED_MODEL in sizes else ""
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise Failure(f"{path} is not an extension's zip ({error}). Build it again.") from error
    return Extension(manifest, sizes, path.stat().st_size, wheels, sha256)


def _read_wheel(archive: zipfile.ZipFile, name: str) -> BundledWheel:
    with archive.open(name) as file, zipfile.ZipFile(file) as wheel:
        sizes = {info.filename: info.file_size for info in wheel.infolist() if not info.is_dir()}
        metadata = [path for path in sizes if re.fullmatch(r"[^/]+\.dist-info/METADATA", path)]
        text = wheel.read(metadata[0]).decode("utf-8", "replace") if metadata else ""
    return BundledWheel(name.rpartition("/")[2], sizes, re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE))


def gate_names(extension: Extension) -> list[str]:
    """Only platform and permission names that Blender knows: a wrong one builds a zip that installs nowhere."""
    faults = []
    for name in extension.manifest.get("platforms", []):
        if name not in PLATFORMS:
            faults.append(f"unknown platform {name!r}; EmoSplat's are {', '.join(PLATFORMS)}")
    for name in extension.manifest.get("permissions", {}):
        if name not in PERMISSIONS:
            faults.append(f"unknown permission {name!r}; Blender's are {', '.join(PERMISSIONS)}")
    return faults


def gate_tree(extension: Extension) -> list[str]:
    """What Blender loads is there, and nothing that only developers need."""
    wanted = (*PACKED_FILES, *(f"{folder}/__init__.py" for folder in PACKED_FOLDERS))
    faults = [f"{name} is missing" for name in wanted if name not in extension.files]
    allowed = (*(f"{folder}/" for folder in PACKED_FOLDERS), "wheels/")
    known = {*PACKED_FILES, "blender_manifest.toml"}
    strangers = [name for name in extension.files if name not in known and not name.startswith(allowed)]
    return faults + [f"{name} does not belong into a zip" for name in strangers]


def gate_brought_by_blender(extension: Extension) -> list[str]:
    """A bundled numpy would replace Blender's own for every add-on."""
    names = {wheel.name.name: wheel.file for wheel in extension.wheels}
    return [f"{names[n]} must not be bundled: Blender brings {n}" for n in sorted(names.keys() & BROUGHT_BY_BLENDER)]


def gate_complete(extension: Extension) -> list[str]:
    """Every package of the lock, once, for this platform and Python, and listed in the manifest."""
    target = extension.target
    faults = [f"{w.file} does not fit {target}" for w in extension.wheels if not w.name.fits(target)]
    packed = [f"./wheels/{wheel.file}" for wheel in extension.wheels]
    listed = extension.manifest.get("wheels", [])
    faults += [f"{name} is packed but the manifest does not list it" for name in sorted(set(packed) - set(listed))]
    faults += [f"{name} is listed in the manifest but not packed" for name in sorted(set(listed) - set(packed))]
    for wanted in locked(target, "engine"):
        found = [w.name.version for w in extension.wheels if w.name.name == canonical(wanted.name)]
        if not found:
            faults.append(f"no wheel of {wanted.name} {wanted.version} for {target}")
        elif len(found) > 1 or not same_version(found[0], wanted.version):
            faults.append(f"{wanted.name} is bundled as {', '.join(found)}; the lock wants {wanted.version} once")
    return faults


def gate_top_levels(extension: Extension) -> list[str]:
    """Wheels that share a top-level folder delete each other's files when one is upgraded."""
    owners: dict[str, str] = {}
    faults = []
    for wheel in extension.wheels:
        for top in sorted({path.split("/")[0] for path in wheel.landing_paths()}):
            if owners.setdefault(top.lower(), wheel.file) != wheel.file:
                faults.append(f"{owners[top.lower()]} and {wheel.file} share the top-level name {top}")
    return faults


def gate_path_lengths(extension: Extension) -> list[str]:
    """A path over 259 characters rolls the whole wheel back on Windows."""
    if extension.target.platform != "windows-x64":
        return []
    faults = []
    for wheel in extension.wheels:
        longest = max(wheel.landing_paths(), key=len)
        if len(longest) + WINDOWS_PREFIX > WINDOWS_PATH_LIMIT:
            faults.append(f"{wheel.file} holds a path of {len(longest)} characters, too long for Windows: {longest}")
    return faults


def gate_cpu_torch(extension: Extension) -> list[str]:
    """Linux's torch on the package index is the CUDA build: gigabytes of packages that share folders."""
    if extension.target.platform != "linux-x64":
        return []
    faults = []
    for wheel in extension.wheels:
        needed = [text for text in wheel.requires if "extra ==" not in text and re.match(r"nvidia-|cuda-|triton", text)]
        if needed:
            culprit = re.split(r"[ ;=<>\[]", needed[0])[0]
            faults.append(f"{wheel.file} is a CUDA build (it requires {culprit}); bundle the CPU build")
    return faults


def gate_model(extension: Extension, wanted: bool) -> list[str]:
    """The face model is there, and no other file under its name."""
    if not extension.model_sha256:
        return [f"{FACE_MODEL} is missing; a zip that is meant to be so is checked with --no-model"] if wanted else []
    if extension.model_sha256 != model_pin()["sha256"]:
        return [f"{FACE_MODEL} is not the file that engine/data/{MODELS_FILE.name} names"]
    return []


def check_gates(path: Path, with_wheels: bool, label: str, with_model: bool) -> None:
    """Print the sizes of a zip. Raises Failure with every fault that a gate found.

    A zip without wheels may have the face model or not: its engine runs in an interpreter of the person's own.
    """
    extension = read_extension(path)
    faults = gate_names(extension) + gate_tree(extension) + gate_model(extension, with_wheels and with_model)
    if not faults and with_wheels and not extension.wheels:
        faults.append("there are no wheels in it; a zip that is meant to be so is checked with --no-wheels")
    elif not faults and with_wheels:
        for gate in (gate_brought_by_blender, gate_complete, gate_top_levels, gate_path_lengths, gate_cpu_torch):
            faults += gate(extension)
    elif not faults and (extension.wheels or extension.manifest.get("wheels")):
        faults.append("this zip was to have no wheels")
    if faults:
        raise Failure(f"{label}: " + "; ".join(faults))
    wheels = f"{len(extension.wheels)} wheels" if with_wheels else "without wheels"
    say(f"{label}: {extension.packed / 1e6:.1f} MB packed, {extension.unpacked / 1e6:.1f} MB unpacked, {wheels}")


def validate(paths: list[Path], with_wheels: bool, with_model: bool) -> None:
    """Blender's own validator, from the bpy wheel, and our gates. Raises Failure at the first bad zip."""
    if not paths:
        raise Failure("There is no zip in build/. Type: python3 build_addon.py build")
    scripts = "lib/python*/site-packages/bpy/*/scripts" if os.name != "nt" else "Lib/site-packages/bpy/*/scripts"
    validator = next(ENVIRONMENT.glob(f"{scripts}/addons_core/bl_pkg/cli/blender_ext.py"))
    for path in paths:
        check_gates(path, with_wheels, path.name, with_model)
        command = [str(environment_python()), str(validator), "validate", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=isolated_environment())
        if done.returncode:
            raise Failure(f"{path.name}: Blender's validator says: {(done.stdout + done.stderr).strip()}")
        say(f"{path.name}: valid")


# ---------------------------------------------------------------------------------------------------------------------
# demo, test, bench


def demo(options: argparse.Namespace) -> None:
    """Audio to a film in a fresh Blender. The zip goes without wheels: .venv's Python already holds them all."""
    seconds = {}
    start = time.monotonic()
    setup(options.wheel, options.find_links)
    seconds["setup"] = time.monotonic() - start
    start = time.monotonic()
    zip_file = build(host_target(), with_wheels=False)
    seconds["build"] = time.monotonic() - start
    command = [
        str(environment_python()), str(ROOT / "tests" / "end_to_end" / "demo_in_blender.py"), "--zip", str(zip_file),
        "--interpreter", str(environment_python()), "--audio", str(Path(options.audio).resolve()), "--head",
        options.head, "--emotion", options.emotion, "--out", str(Path(options.out).resolve()), "--json",
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=isolated_environment())
    lines = done.stdout.strip().splitlines() or [""]
    if done.returncode:
        say(done.stdout)
        raise Failure(f"The demo ended with status {done.returncode}; the reason is above.")
    for line in lines[:-1]:
        say(line)
    result = json.loads(lines[-1])
    result["zip"] = str(zip_file)
    result["seconds"] = {**{k: round(v, 2) for k, v in seconds.items()}, **result.get("seconds", {})}
    say(json.dumps(result) if options.json else f"The film is {result['film']}")


def run_tests(arguments: list[str]) -> int:
    command = [str(environment_python()), "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=isolated_environment()).returncode


def run_bench(arguments: list[str]) -> int:
    command = [str(environment_python()), "-m", "engine", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, env=isolated_environment()).returncode


# ---------------------------------------------------------------------------------------------------------------------
# the command line


def chosen_targets(options: argparse.Namespace) -> list[Target]:
    platforms = PLATFORMS if options.platform == "all" else [options.platform or host_target().platform]
    pythons = PYTHONS.values() if options.python == "all" else [PYTHONS[options.python]]
    targets = [Target(name, python) for python in pythons for name in platforms]
    if options.wheel and len(targets) > 1:
        raise Failure("--wheel is for one zip; name its --platform and --python.")
    return targets


def for_each_target(options: argparse.Namespace, work: Callable[[Target], None]) -> None:
    """One target that cannot be had does not keep the others from being made. Raises Failure at the end."""
    faults = []
    for target in chosen_targets(options):
        try:
            work(target)
        except Failure as failure:
            faults.append(f"{target}: {failure}")
    if faults:
        raise Failure(" ".join(faults))


def report_wheels(target: Target, wheels: list[Path]) -> None:
    say(f"{target}: {len(wheels)} wheels, {sum(path.stat().st_size for path in wheels) / 1e6:.1f} MB")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Everything one does with EmoSplat's source tree.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=text, description=text)

    def add_sources(added: argparse.ArgumentParser) -> None:
        added.add_argument("--wheel", action="append", default=[], metavar="FILE", help="use this wheel of a package")
        added.add_argument("--find-links", default="", metavar="DIR", help="a folder of wheels that pip looks into too")

    def add_targets(added: argparse.ArgumentParser) -> None:
        added.add_argument("--platform", choices=(*PLATFORMS, "all"), help="default: this machine's")
        added.add_argument("--python", choices=(*PYTHONS, "all"), default="3.11", help="Blender's Python (3.11)")

    def add_model(added: argparse.ArgumentParser) -> None:
        added.add_argument("--model", default="", metavar="FILE", help=f"MediaPipe's {FACE_MODEL}, not downloaded")

    environment = verb("setup", "Make .venv with everything pinned.")
    add_sources(environment)
    add_model(environment)
    film = verb("demo", "Audio to a talking head in a fresh Blender, and a film of it.")
    add_sources(film)
    film.add_argument("--audio", default=str(ROOT / "engine" / "data" / "sample_speech.flac"), metavar="FILE")
    film.add_argument("--head", default="demo", metavar="NAME|FILE")
    film.add_argument("--emotion", default="", metavar="K=V,...", help="default: from the voice")
    film.add_argument("--out", default=str(BUILD / "demo"), metavar="DIR")
    film.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    verb("test", "Setup and the whole suite; further arguments go to pytest.")
    verb("bench", "Setup and the benchmarks; further arguments go to `python -m engine bench`.")
    wheels = verb("wheels", "Fetch what the lock names into wheels/ and check the hashes.")
    add_targets(wheels)
    add_sources(wheels)
    wheels.add_argument("--cuda", action="store_true", help="compile gsplat for CUDA instead (needs nvcc)")
    wheels.add_argument("--relock", action="store_true", help="write wheels/lock.json anew from its pins instead")
    zips = verb("build", "Build the extension's zips.")
    add_targets(zips)
    add_sources(zips)
    add_model(zips)
    zips.add_argument("--no-wheels", action="store_true", help="small zips, into build/no-wheels/")
    zips.add_argument("--no-model", action="store_true", help="without MediaPipe's face model: films are not captured")
    check = verb("validate", "Blender's own validator and our gates.")
    check.add_argument("zips", nargs="*", type=Path, metavar="ZIP", help="default: every zip in build/")
    check.add_argument("--no-wheels", action="store_true", help="zips that were built so")
    check.add_argument("--no-model", action="store_true", help="zips that were built so")
    return parser


def run(options: argparse.Namespace, rest: list[str]) -> int:
    if options.verb == "setup":
        setup(options.wheel, options.find_links, options.model)
    elif options.verb == "demo":
        demo(options)
    elif options.verb in ("test", "bench"):
        setup()
        return run_tests(rest) if options.verb == "test" else run_bench(rest)
    elif options.verb == "wheels" and options.relock:
        relock()
    elif options.verb == "wheels" and options.cuda:
        build_gsplat(options.find_links)
    elif options.verb == "wheels":
        for_each_target(options, lambda target: report_wheels(target, fetch(target, options.wheel, options.find_links)))
    elif options.verb == "build":
        model = None if options.no_model else model_for_zips(options.model)
        sources = options.wheel, options.find_links
        for_each_target(options, lambda target: say(str(build(target, not options.no_wheels, *sources, model))))
    else:
        setup()
        folder = BUILD_WITHOUT_WHEELS if options.no_wheels else BUILD
        validate(options.zips or sorted(folder.glob("*.zip")), not options.no_wheels, not options.no_model)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit status: 0 well, 1 with one line that says why not, 2 for wrong arguments."""
    parser = build_parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.verb not in ("test", "bench"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if sys.version_info < (3, 11):
            check_python(sys.version_info[:2])
        return run(options, rest)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"error: {disk_full_message()}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
