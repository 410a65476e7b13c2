# SPDX-License-Identifier: GPL-3.0-or-later
"""wheels/lock.json is whole, and nothing that a bundled package requires is forgotten."""

import importlib.metadata
import json
import re

import build_addon
import pytest

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


def test_requirements_of_bundled_packages_are_bundled_too():
    """Asked of the installed packages' own metadata, which is this platform's."""
    target = build_addon.host_target()
    engine = {build_addon.canonical(w.name) for w in build_addon.locked(target, "engine")}
    for package in sorted(engine):
        for text in importlib.metadata.requires(package) or []:
            if "extra ==" in text:
                continue
            needed = build_addon.canonical(re.match(r"[A-Za-z0-9._-]+", text)[0])
            assert needed in engine | build_addon.BROUGHT_BY_BLENDER, f"{package} requires {text}"
