# SPDX-License-Identifier: GPL-3.0-or-later
"""Two houses and one street: who may import what, and how long a file and a line may be."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"torch", "torchaudio", "numba", "llvmlite", "safetensors", "av", "soundfile", "gsplat", "PIL", "cv2",
         "mediapipe", "matplotlib"}


def _files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _imports(path: Path) -> set[str]:
    """Dotted names that a file imports; relative ones are resolved from the repository's root."""
    package = path.relative_to(ROOT).parent.parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(filter(None, (node.module or "").split(".")))
            names |= {".".join((*base, alias.name)) for alias in node.names}
    return names


def _within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", _files("addon"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_addon_knows_of_the_engine_only_its_protocol(path):
    for name in _imports(path):
        assert not _within(name, HEAVY), f"{name} in the add-on"
        assert not _within(name, {"engine"}) or _within(name, {"engine.protocol"}), f"{name} in the add-on"


@pytest.mark.parametrize("path", _files("engine"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_knows_nothing_of_blender(path):
    for name in _imports(path):
        assert not _within(name, {"bpy", "bmesh", "mathutils", "gpu", "addon", "aud"}), f"{name} in the engine"


@pytest.mark.parametrize("path", _files("engine"), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_imports_itself_relatively(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    absolute = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    absolute += [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    assert not [name for name in absolute if _within(name or "", {"engine"})]


def test_the_package_itself_imports_nothing():
    assert _imports(ROOT / "engine" / "__init__.py") == set()


@pytest.mark.parametrize("path", [*_files("engine/protocol"), ROOT / "build_addon.py"], ids=lambda path: path.name)
def test_standard_library_only(path):
    names = [name for name in _imports(path) if not _within(name, {"engine.protocol"})]
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", _files("addon", "engine", "tests", "assets"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_holds_one_idea(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400
    assert not [f"line {number}" for number, line in enumerate(lines, 1) if len(line) > 120]
    assert not lines or lines[0] == "# SPDX-License-Identifier: GPL-3.0-or-later"
