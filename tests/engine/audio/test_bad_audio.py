# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound files that are not: each gives its sentence, or what can be saved and a warning."""

import os
import socket
import threading
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from engine.audio.read import blocks, probe, read_mono
from engine.errors import AudioError, Cancelled
from engine.report import Report
from tests.engine.audio.sounds import clicks, encode


def read_with_warnings(path) -> tuple[np.ndarray, list[str]]:
    warnings: list[str] = []
    return np.concatenate(list(blocks(path, report=Report(on_warning=warnings.append)))), warnings


@pytest.mark.parametrize("nothing", ["", "  "])
def test_no_audio(nothing):
    with pytest.raises(AudioError, match="No audio was chosen"):
        probe(nothing)


def test_a_missing_file(tmp_path):
    with pytest.raises(AudioError, match="There is no file .*missing.wav"):
        read_mono(tmp_path / "missing.wav")


def test_a_folder(tmp_path):
    with pytest.raises(AudioError, match="is a folder"):
        read_mono(tmp_path)


def test_a_folder_that_may_not_be_looked_into(tmp_path, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "exists", refuse)  # which asks the system by another way from Python 3.12 on
    with pytest.raises(AudioError, match="secret.wav could not be read .Permission denied"):
        read_mono(tmp_path / "secret.wav")


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioError, match="is empty"):
        read_mono(tmp_path / "empty.wav")


@pytest.mark.parametrize("suffix", ["wav", "mp3", "aac", "raw", "srt"])
def test_text_that_calls_itself_sound(tmp_path, suffix):
    path = tmp_path / f"notes.{suffix}"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nThis is no sound.\n" * 200)
    with pytest.raises(AudioError, match="not a sound file"):
        read_mono(path)


@pytest.mark.parametrize("name", ["list.m3u8", "song.m4a"])
def test_a_playlist_opens_no_address(tmp_path, name):
    calls = []

    def answer(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # the test is over
                return
            calls.append(name)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/part.ts"
        (tmp_path / name).write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(AudioError):
            read_mono(tmp_path / name)
    assert not calls


def test_random_bytes(tmp_path):
    path = tmp_path / "random.mp3"
    path.write_bytes(np.random.default_rng(0).bytes(20_000))
    with pytest.raises(AudioError):
        read_mono(path)


def test_a_header_without_sound(tmp_path):
    soundfile.write(tmp_path / "header.wav", np.zeros(0), 16000)
    with pytest.raises(AudioError, match="holds 0.0000 s of sound"):
        read_mono(tmp_path / "header.wav")


def test_three_samples(tmp_path):
    soundfile.write(tmp_path / "three.wav", np.ones(3), 16000)
    with pytest.raises(AudioError, match="at least 0.1 s"):
        read_mono(tmp_path / "three.wav")


def test_a_film_without_sound(tmp_path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode())
    with pytest.raises(AudioError, match="without a sound track"):
        read_mono(path)


@pytest.mark.parametrize("suffix", ["mp3", "flac"])
def test_a_file_that_is_cut_off_plays_what_is_there(tmp_path, suffix):
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).normal(0.0, 0.1, 48000 * 4)
    soundfile.write(whole, noise, 48000)
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    sound, warnings = read_with_warnings(path)
    assert 1.6 < len(sound) / 16000 < 2.2
    assert len(warnings) == 1 and "ends early" in warnings[0]


def test_a_film_that_is_cut_off_plays_what_is_there(tmp_path):
    whole = encode(tmp_path / "whole.mkv", "aac", clicks(48000, 6.0)[None], video=True, video_frames=150)
    data = whole.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    sound, warnings = read_with_warnings(tmp_path / "cut.mkv")
    assert 1.0 < len(sound) / 16000 < 5.5
    assert any("ends early" in text for text in warnings)


def test_silence_is_fine_and_said(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    sound, warnings = read_with_warnings(tmp_path / "silence.wav")
    assert len(sound) == 16000
    assert len(warnings) == 1 and "silent" in warnings[0]


def test_what_is_no_number_is_silenced_and_said(tmp_path):
    signal = clicks(16000)
    signal[100:110], signal[200:205], signal[300] = np.nan, np.inf, 1e30
    soundfile.write(tmp_path / "nan.wav", signal, 16000, subtype="FLOAT")
    sound, warnings = read_with_warnings(tmp_path / "nan.wav")
    assert np.isfinite(sound).all() and not sound[100:110].any()
    assert len(warnings) == 1 and "16 samples" in warnings[0]


@pytest.mark.parametrize("rate", [1000, 2_000_000])
def test_a_rate_that_no_recorder_has(tmp_path, rate):
    soundfile.write(tmp_path / "odd.wav", np.zeros(rate), rate)
    with pytest.raises(AudioError, match=f"sample rate of {rate} Hz"):
        probe(tmp_path / "odd.wav")


def test_a_sound_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.audio.read.MAX_SECONDS", 3600)
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 4000, 1, "PCM_U8") as file:
        file.write(np.zeros(4000 * 3700))
    with pytest.raises(AudioError, match="longer than 1 hours"):
        list(blocks(tmp_path / "long.wav"))


def test_a_cancel_stops_between_blocks(tmp_path):
    soundfile.write(tmp_path / "long.wav", np.ones(16000 * 3) * 0.1, 16000)
    event = threading.Event()
    pieces = blocks(tmp_path / "long.wav", block=16000, report=Report(cancel_event=event))
    next(pieces)
    event.set()
    with pytest.raises(Cancelled):
        next(pieces)


def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path):
    import tracemalloc

    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(60):
            file.write(np.random.default_rng(0).normal(0.0, 0.1, 8000 * 60))
    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in blocks(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 3600 * 16000
    assert peak < 30e6  # an hour is 230 MB


@pytest.mark.skipif(os.name != "posix", reason="Windows allows no such names")
@pytest.mark.parametrize("name", ["take:1", "file:a", os.fsdecode(b"caf\xe9"), "50%03d"])
@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_odd_names(tmp_path, monkeypatch, name, suffix):
    encode(tmp_path / f"plain.{suffix}", "aac" if suffix == "m4a" else "pcm_s16le", clicks(48000)[None])
    try:
        (tmp_path / f"plain.{suffix}").rename(tmp_path / f"{name}.{suffix}")
    except OSError:
        pytest.skip("this file system takes text only")
    monkeypatch.chdir(tmp_path)
    assert len(read_mono(f"{name}.{suffix}")) == 32000


@pytest.mark.parametrize("suffix", ["avi", "mka"])
def test_tags_that_are_no_utf8(tmp_path, suffix):
    path = encode(tmp_path / f"old.{suffix}", "pcm_s16le", clicks(48000)[None], tags={"artist": "LATIN"})
    path.write_bytes(path.read_bytes().replace(b"LATIN", b"Jos\xe9!"))
    assert b"Jos\xe9!" in path.read_bytes()
    assert len(read_mono(path)) == 32000


def test_a_whole_file_that_starts_late_is_not_called_cut(tmp_path):
    path = encode(tmp_path / "late.mka", "pcm_s16le", clicks(48000)[None], audio_pts=3 * 48000)
    samples, warnings = read_with_warnings(path)
    assert len(samples) == 32000 and warnings == []
