# SPDX-License-Identifier: GPL-3.0-or-later
"""Every format an animator drops: clicks come out where they were put in, to the sample."""

import av
import numpy as np
import pytest
import soundfile

from engine.audio.read import blocks, probe, read_mono
from engine.report import Report
from tests.engine.audio.sounds import click_offsets, clicks, encode

RATE = 48000

SOUNDFILE = [
    ("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"), ("wav", "DOUBLE"),
    ("aiff", "PCM_16"), ("aiff", "PCM_24"), ("flac", "PCM_16"), ("flac", "PCM_24"), ("ogg", "VORBIS"),
    ("opus", "OPUS"), ("mp3", "MPEG_LAYER_III"),
]


@pytest.mark.parametrize("suffix, subtype", SOUNDFILE)
def test_sound_files(tmp_path, suffix, subtype):
    path = tmp_path / f"clicks.{suffix}"
    kind = "OGG" if suffix == "opus" else None
    soundfile.write(path, clicks(RATE), RATE, subtype=subtype, format=kind)
    sound = read_mono(path, RATE)
    assert click_offsets(sound, RATE) == [0, 0, 0]
    assert len(sound) == 2 * RATE
    assert probe(path).sample_rate == RATE


FFMPEG = [
    ("m4a", "aac", False), ("mp4", "aac", True), ("mov", "aac", True), ("mkv", "aac", False), ("mkv", "libopus", True),
    ("webm", "libopus", True), ("mp3", "libmp3lame", False), ("mkv", "libmp3lame", True), ("mov", "pcm_s24le", True),
    ("mp4", "libopus", True), ("opus", "libopus", False),
]


@pytest.mark.parametrize("suffix, codec, video", FFMPEG)
def test_encoder_delay_is_taken_off(tmp_path, suffix, codec, video):
    path = encode(tmp_path / f"clicks.{suffix}", codec, clicks(RATE)[None], RATE, video=video)
    sound = read_mono(path, RATE)
    assert click_offsets(sound, RATE) == [0, 0, 0]
    assert 0 <= len(sound) - 2 * RATE < 1024


@pytest.mark.parametrize("suffix", ["m4a", "mp4", "mov"])
def test_the_edit_list_cuts_the_padding_at_the_end(tmp_path, suffix):
    path = encode(tmp_path / f"clicks.{suffix}", "aac", clicks(RATE)[None], RATE, video=suffix != "m4a")
    assert len(read_mono(path, RATE)) == 2 * RATE


def test_a_raw_aac_stream_starts_where_every_player_starts_it(tmp_path):
    path = encode(tmp_path / "clicks.aac", "aac", clicks(RATE)[None], RATE)
    assert click_offsets(read_mono(path, RATE), RATE) == [1024, 1024, 1024]


@pytest.mark.parametrize(
    "suffix, codec", [("mp4", "aac"), ("mov", "pcm_s16le"), ("mkv", "libopus"), ("webm", "libopus")]
)
def test_sound_that_starts_after_the_picture(tmp_path, suffix, codec):
    late = RATE // 2
    path = encode(
        tmp_path / f"late.{suffix}", codec, clicks(RATE)[None], RATE, video=True, audio_pts=late, video_frames=70
    )
    sound = read_mono(path, RATE)
    # Matroska, and MP4's empty edits, note times in whole milliseconds
    tolerance = 0 if codec == "pcm_s16le" else RATE // 1000
    assert np.abs(click_offsets(sound, RATE, shift=late)).max() <= tolerance
    assert not np.abs(sound[: late - 2000]).max() > 1e-3


def test_a_sound_file_of_its_own_starts_with_its_sound_whatever_its_clock_says(tmp_path):
    path = encode(tmp_path / "late.mov", "pcm_s16le", clicks(RATE)[None], RATE, audio_pts=RATE)
    assert click_offsets(read_mono(path, RATE), RATE) == [0, 0, 0]


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_every_rate(tmp_path, rate):
    seconds = 1.37
    time = np.arange(int(rate * seconds)) / rate
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440.0 * time), rate, subtype="FLOAT")
    sound = read_mono(path)
    expected = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(len(sound)) / 16000)
    assert abs(len(sound) - len(time) * 16000 / rate) <= 1
    assert np.abs(sound - expected)[200:-200].max() < 1e-3


def test_what_is_above_8_khz_does_not_fold_back(tmp_path):
    time = np.arange(48000) / 48000
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 9000.0 * time), 48000, subtype="FLOAT")
    assert np.abs(read_mono(tmp_path / "tone.wav"))[200:-200].max() < 5e-4


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a"])
def test_how_the_sound_is_cut_makes_no_difference(tmp_path, suffix):
    signal = np.random.default_rng(3).normal(0.0, 0.1, 44100 * 3).astype(np.float32)
    path = tmp_path / f"noise.{suffix}"
    if suffix == "m4a":
        encode(path, "aac", signal[None], 44100)
    else:
        soundfile.write(path, signal, 44100)
    whole = read_mono(path)
    pieces = list(blocks(path, block=1237))
    assert {len(piece) for piece in pieces[:-1]} == {1237}
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_the_name_does_not_matter(tmp_path):
    made = encode(tmp_path / "clicks.m4a", "aac", clicks(RATE)[None], RATE)
    wrong = made.rename(tmp_path / "clicks.wav")
    assert click_offsets(read_mono(wrong, RATE), RATE) == [0, 0, 0]


def test_a_name_in_any_script(tmp_path):
    path = tmp_path / "Grüße 你好.flac"
    soundfile.write(path, clicks(RATE), RATE)
    assert click_offsets(read_mono(path, RATE), RATE) == [0, 0, 0]


def one_loud_channel(path, codec: str, layout: str, loud: int):
    channels = np.zeros((len(av.AudioLayout(layout).channels), 2 * RATE), np.float32)
    channels[loud] = clicks(RATE)
    return encode(path, codec, channels, RATE, layout)


@pytest.mark.parametrize(
    "layout, loud, share", [
        ("stereo", 0, 1 / 2), ("stereo", 1, 1 / 2), ("5.1", 2, 1 / 2.5), ("5.1", 0, 0.5 / 2.5), ("5.1", 3, 0.0),
        ("5.1", 4, 0.25 / 2.5), ("7.1", 2, 1 / 3), ("7.1", 3, 0.0), ("7.1", 7, 0.25 / 3),
    ]
)
def test_downmix_keeps_the_dialogue(tmp_path, layout, loud, share):
    sound = read_mono(one_loud_channel(tmp_path / "loud.flac", "flac", layout, loud), RATE)
    assert sound.max() == pytest.approx(0.8 * share, abs=1e-3)


@pytest.mark.parametrize("layout, share", [("5.1", 1 / 2.5), ("7.1", 1 / 3)])
def test_downmix_of_a_film(tmp_path, layout, share):
    centre = [channel.name for channel in av.AudioLayout(layout).channels].index("FC")
    sound = read_mono(one_loud_channel(tmp_path / "loud.mp4", "aac", layout, centre), RATE)
    assert sound.max() == pytest.approx(0.8 * share, abs=0.02)


def test_six_channels_without_names_are_taken_for_surround(tmp_path):
    channels = np.zeros((2 * RATE, 6), np.float32)
    channels[:, 3] = 0.5
    channels[:, 2] = clicks(RATE)
    soundfile.write(tmp_path / "six.wav", channels, RATE, subtype="FLOAT")
    assert read_mono(tmp_path / "six.wav", RATE).max() == pytest.approx(0.8 / 2.5, abs=1e-3)


def test_a_gap_in_a_film_becomes_silence(tmp_path):
    first = encode(tmp_path / "whole.mkv", "pcm_s16le", clicks(RATE)[None], RATE, video=True)
    gappy = tmp_path / "gappy.mkv"
    with av.open(str(first)) as source, av.open(str(gappy), "w") as target:
        tracks = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            time = float(packet.pts * packet.time_base)
            if packet.stream.type == "audio" and 0.9 < time < 1.2:
                continue
            packet.stream = tracks[packet.stream.index]
            target.mux(packet)
    assert click_offsets(read_mono(gappy, RATE), RATE) == [0, 0, 0]


def test_a_film_from_the_world(shared):
    info = probe(shared / "data/video/obama_20s.mp4")
    assert info.seconds == pytest.approx(20.0, abs=0.1)
    warnings = []
    sound = np.concatenate(list(blocks(info.path, report=Report(on_warning=warnings.append))))
    assert len(sound) / 16000 == pytest.approx(20.0, abs=0.05)
    assert not warnings
