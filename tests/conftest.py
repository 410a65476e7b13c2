# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test may count on: a Blender without the user's files, and no network."""

import atexit
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Blender reads these once, when bpy is imported: they must stand before any test module is.
_user_folder = tempfile.mkdtemp(prefix="emosplat-tests-")
atexit.register(shutil.rmtree, _user_folder, ignore_errors=True)
for _name in ("BLENDER_USER_RESOURCES", "BLENDER_USER_EXTENSIONS"):
    os.environ[_name] = os.path.join(_user_folder, _name.lower())
    os.mkdir(os.environ[_name])


@pytest.fixture
def shared() -> Path:
    """The folder of recordings and data sets that lies beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared, which is not part of the repository")
    return folder


@pytest.fixture(autouse=True)
def no_network(request, monkeypatch):
    """Connections beyond this machine fail, unless the test is marked `network`."""
    if request.node.get_closest_marker("network"):
        return

    def guard(name):
        original = getattr(socket.socket, name)

        def guarded(self, address, *rest):
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
                raise RuntimeError(f"A test opened a connection to {address}; mark it `network` if it must.")
            return original(self, address, *rest)

        monkeypatch.setattr(socket.socket, name, guarded)

    guard("connect")
    guard("connect_ex")


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
