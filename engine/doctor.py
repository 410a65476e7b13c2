# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs here, what does not, and what to do about each thing. Works in a Python that lacks every package."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys

from .errors import DLL_ERRORS, DLL_REMEDY, EngineError
from .files import existing_parent

PACKAGES = {
    "numpy": "arrays", "torch": "tensors and gradients", "numba": "fast splats on the processor",
    "safetensors": "head and take files", "soundfile": "wav, flac, ogg, mp3", "av": "sound of videos, m4a, depth files",
    "PIL": "PNG files",
}
REINSTALL = "Reinstall the extension, or choose another interpreter in its preferences."


def examine(heads_folder: str = "", out_folder: str = "") -> dict:
    """Look at this machine.

    Args:
        heads_folder: a folder of .emohead files, or "".
        out_folder: where frames will go, or "" for the current folder.

    Returns:
        "checks": list of {"name", "ok", "fatal", "detail", "todo"}; "ok": whether the main job can run, that is all
        fatal checks are; "summary": that as a sentence; and the same facts for programs: "python", "platform",
        "versions", "devices", "backend", "backend_why", "captures", "heads", "disk_free_mb".
    """
    checks: list[dict] = []

    def check(name: str, ok: bool, detail: str, todo: str = "", fatal: bool = True) -> None:
        checks.append({"name": name, "ok": ok, "fatal": fatal, "detail": detail, "todo": "" if ok else todo})

    version = platform.python_version()
    check("python", sys.version_info >= (3, 11), f"{version} at {sys.executable}", "Use Python 3.11 or newer.")
    versions = {name: _package(name, purpose, check) for name, purpose in PACKAGES.items()}
    devices = _devices(versions, check)
    backend, why = _backend(check)
    captures = _captures(check)
    _dialogue(check)
    heads = _heads(heads_folder, check)
    free = _disk(out_folder, check)
    ok = all(entry["ok"] for entry in checks if entry["fatal"])
    return {
        "ok": ok, "summary": _summary(ok, captures), "checks": checks, "python": version,
        "executable": sys.executable, "platform": platform.platform(), "cores": os.cpu_count(), "versions": versions,
        "devices": devices, "backend": backend, "backend_why": why, "captures": captures, "heads": heads,
        "disk_free_mb": free,
    }


def _summary(ok: bool, captures: bool) -> str:
    if not ok:
        return "EmoSplat cannot run yet: Doctor's report says what to do."
    if not captures:
        return "Heads can speak here, but films cannot be captured yet: Doctor's report says what to do."
    return "Everything that EmoSplat needs runs here."


def as_text(result: dict) -> str:
    """The examination as lines for people."""
    lines = []
    for entry in result["checks"]:
        mark = "ok  " if entry["ok"] else "FAIL" if entry["fatal"] else "note"
        lines.append(f"{mark} {entry['name']}: {entry['detail']}")
        if entry["todo"]:
            lines.append(f"     -> {entry['todo']}")
    lines.append(result["summary"])
    return "\n".join(lines)


def _package(name: str, purpose: str, check) -> str | None:
    try:
        module = importlib.import_module(name)
    except Exception as error:  # a broken native library raises whatever it likes; the person needs its words
        check(name, False, f"does not load ({type(error).__name__}: {error}); needed for {purpose}", _remedy(error))
        return None
    version = str(getattr(module, "__version__", "unknown"))
    check(name, True, version)
    return version


def _remedy(error: Exception) -> str:
    return DLL_REMEDY if getattr(error, "winerror", None) in DLL_ERRORS else REINSTALL


def _devices(versions: dict, check) -> list[str]:
    devices = [f"cpu ({os.cpu_count()} cores, {platform.machine()})"]
    if versions["torch"]:
        import torch

        devices += [f"cuda ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            devices.append("mps (not used: splats have no Metal backend)")
    check("devices", True, ", ".join(devices))
    return devices


def _backend(check) -> tuple[str | None, str]:
    try:
        from .splats.choose import choose_backend

        backend, why = choose_backend("auto")
    except (ImportError, OSError, EngineError) as error:  # OSError: one of torch's libraries does not load
        check("splats", False, f"no backend runs ({error})", _remedy(error))
        return None, str(error)
    check("splats", True, f"{backend}: {why}")
    return backend, why


def _captures(check) -> bool:
    """Whether films can be captured; heads that are there speak without it."""
    try:
        from .capture.tracking.model import face_landmarker_path, load_mediapipe

        _, mediapipe = load_mediapipe()
        cv2 = importlib.import_module("cv2")
        face_landmarker_path()
    except EngineError as error:
        check("captures", False, f"films cannot be captured: {error.what}", error.todo, fatal=False)
        return False
    except Exception as error:  # as for every package
        detail = f"films cannot be captured: OpenCV does not load ({type(error).__name__}: {error})"
        check("captures", False, detail, _remedy(error), fatal=False)
        return False
    check("captures", True, f"mediapipe {mediapipe.__version__}, OpenCV {cv2.__version__} and the face model")
    return True


def _dialogue(check) -> None:
    """Whether English dialogue text helps; heads speak without it."""
    try:
        from .dialogue.english import EnglishAligner

        EnglishAligner([])
    except EngineError as error:
        check("dialogue text", False, f"is left out: {error.what}", error.todo, fatal=False)
    except Exception as error:  # as for every package
        check("dialogue text", False, f"is left out ({type(error).__name__}: {error})", _remedy(error), fatal=False)
    else:
        check("dialogue text", True, f"pocketsphinx {importlib.metadata.version('pocketsphinx')}")


def _heads(folder: str, check) -> list[str]:
    try:
        from .head.library import list_heads

        infos = list_heads(folder)
    except (ImportError, OSError, EngineError) as error:
        check("heads", False, f"cannot be listed ({error})", "Choose another heads folder in the preferences.")
        return []
    names = [info.name for info in infos]
    broken = [f"{info.name}: {info.error}" for info in infos if info.error]
    detail = ", ".join(names) + (f"; broken: {'; '.join(broken)}" if broken else "")
    check("heads", not broken, detail, "Remove the broken files from the heads folder or copy them again.")
    return names


def _disk(folder: str, check) -> float:
    place = existing_parent(folder or ".")
    try:
        free = shutil.disk_usage(place).free / 1e6
    except OSError as error:
        check("disk", False, f"{place} cannot be looked at ({error.strerror})", "Choose another frames folder.")
        return 0.0
    check("disk", free > 500, f"{free:,.0f} MB free at {place}", "Free some space or choose another frames folder.")
    writable = os.access(place, os.W_OK)
    detail = f"{place} can{'' if writable else 'not'} be written"
    check("folder", writable, detail, "Choose a folder that you own.")
    return round(free, 1)
