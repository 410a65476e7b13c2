# SPDX-License-Identifier: GPL-3.0-or-later
"""Where build_addon.py gets the face model from, in which order, and what it says where none has it."""

import http.server
import json
import re
import threading

import build_addon
import pytest
from build_addon import Failure, download  # the real one: the tests' pinned_model puts another in its place

FACE_MODEL = b"sees faces"  # as the fixture pinned_model pins it


def _downloads(monkeypatch, data: bytes) -> list[str]:
    """Let MediaPipe's page answer with `data`. Returns the addresses that will have been asked for."""
    asked: list[str] = []
    monkeypatch.setattr(build_addon, "download", lambda url, size: asked.append(url) or data)
    return asked


def _share(data: bytes) -> None:
    build_addon.SHARED_MODELS.mkdir()
    (build_addon.SHARED_MODELS / "face_landmarker.task").write_bytes(data)


def test_the_pin_is_whole():
    pin = json.loads((build_addon.ROOT / "engine/data/models.json").read_text(encoding="utf-8"))
    model = pin[build_addon.FACE_MODEL]
    assert re.fullmatch(r"https://storage\.googleapis\.com/mediapipe-models/\S+\.task", model["url"])
    assert re.fullmatch(r"[0-9a-f]{64}", model["sha256"]) and model["bytes"] > 10**6 and model["licence"]


def test_one_that_is_there_already(pinned_model, monkeypatch):
    asked = _downloads(monkeypatch, FACE_MODEL)
    pinned_model.write_bytes(FACE_MODEL)
    assert build_addon.provide_model() == pinned_model and not asked


def test_a_damaged_one_is_replaced(pinned_model, monkeypatch):
    _downloads(monkeypatch, FACE_MODEL)
    pinned_model.write_bytes(FACE_MODEL[:-1])
    assert build_addon.provide_model().read_bytes() == FACE_MODEL


def test_the_data_folder_beside_the_project_comes_before_the_network(pinned_model, monkeypatch):
    asked = _downloads(monkeypatch, FACE_MODEL)
    _share(FACE_MODEL)
    assert build_addon.provide_model().read_bytes() == FACE_MODEL and not asked


def test_the_network_comes_last(pinned_model, monkeypatch):
    asked = _downloads(monkeypatch, FACE_MODEL)
    _share(b"sees cats")
    assert build_addon.provide_model() == pinned_model and asked == ["https://models.invalid/face.task"]
    assert pinned_model.read_bytes() == FACE_MODEL


def test_another_file_from_the_network_is_not_kept(pinned_model, monkeypatch):
    _downloads(monkeypatch, b"sees birds")
    with pytest.raises(Failure, match="what came is another file"):
        build_addon.provide_model()
    assert [path.name for path in pinned_model.parent.iterdir()] == ["models.json"]


def test_zips_are_not_built_without_it_unless_asked(pinned_model, monkeypatch):
    with pytest.raises(Failure) as caught:
        build_addon.model_for_zips("")
    message = str(caught.value)
    assert "(no network in tests)" in message and "setup --model FILE" in message and "--no-model" in message
    assert "\n" not in message


def test_a_given_file_that_is_not_there(tmp_path):
    with pytest.raises(Failure, match="there is no such file"):
        build_addon.model_for_zips(str(tmp_path / "no.task"))


@pytest.mark.parametrize("with_model", [True, False])
def test_what_the_command_line_packs(with_model, pinned_model, monkeypatch, tmp_path):
    packed = []
    monkeypatch.setattr(build_addon, "build", lambda *arguments: packed.append(arguments[-1]) or tmp_path)
    pinned_model.write_bytes(FACE_MODEL)
    assert build_addon.main(["build", "--no-wheels", *([] if with_model else ["--no-model"])]) == 0
    assert packed == [pinned_model if with_model else None]


@pytest.fixture
def server():
    """The address of a page of ten bytes on this machine."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/face.task" else 404)
            self.end_headers()
            self.wfile.write(FACE_MODEL)

        def log_message(self, *arguments) -> None:
            """Nothing on stderr."""

    page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{page.server_port}"
    page.shutdown()
    page.server_close()


def test_download(server):
    assert download(f"{server}/face.task", len(FACE_MODEL)) == FACE_MODEL
    for size in (len(FACE_MODEL) - 1, len(FACE_MODEL) + 1):
        with pytest.raises(OSError, match="another file"):
            download(f"{server}/face.task", size)
    with pytest.raises(OSError, match="404"):
        download(f"{server}/none.task", len(FACE_MODEL))
