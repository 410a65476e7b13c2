# SPDX-License-Identifier: GPL-3.0-or-later
"""Films of every kind, written here, come out as upright pictures at constant frames."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from engine.capture.video import crop_square, pictures, probe, sound
from engine.errors import InputError
from engine.report import Report

TICK = Fraction(1, 1000)
FRAME = Fraction(1, 25)


def grey(value: int, width: int = 96, height: int = 64) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def quarters(width: int = 96, height: int = 64) -> np.ndarray:
    """Red, green / blue, white."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = [250, 0, 0]
    image[: height // 2, width // 2 :] = [0, 250, 0]
    image[height // 2 :, : width // 2] = [0, 0, 250]
    image[height // 2 :, width // 2 :] = 250
    return image


def write_film(
    path, times, images, codec="ffv1", pix_fmt="bgr0", rate=25, options=None, tone=None, encoded="rgb24", tick=TICK
) -> None:
    """Write images at times (seconds); `tone` is (start seconds, samples at 16 kHz)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate, options=options or {})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = tick
        track = container.add_stream("pcm_s16le", 16000, layout="mono") if tone else None
        for time, image in zip(times, images):
            frame = av.VideoFrame.from_ndarray(image, encoded).reformat(format=pix_fmt)
            frame.pts, frame.time_base = round(Fraction(time) / tick), tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track:
            start, samples = tone
            piece = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], "s16", "mono")
            piece.rate, piece.time_base, piece.pts = 16000, Fraction(1, 16000), round(start * 16000)
            container.mux(track.encode(piece))
            container.mux(track.encode(None))


def counted(frames: int, rate=25) -> tuple[list, list]:
    """Pictures whose grey is their number."""
    return [Fraction(k) / Fraction(rate) for k in range(frames)], [grey(2 * k) for k in range(frames)]


def numbers(film) -> list[int]:
    return [int(picture.image[0, 0, 0]) // 2 for picture in film]


@pytest.mark.parametrize("rate", [25, Fraction(30000, 1001), 50])
def test_a_constant_film_comes_out_picture_by_picture(tmp_path, rate):
    write_film(tmp_path / "a.mkv", *counted(40, rate), rate=rate)
    info = probe(tmp_path / "a.mkv")
    film = list(pictures(info))
    assert (info.fps, info.variable, info.width, info.height, info.audio_offset) == (rate, False, 96, 64, None)
    assert numbers(film) == list(range(40))
    assert [picture.frame for picture in film] == list(range(40))


def test_a_variable_rate_does_not_drift(tmp_path):
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.choice([20, 40, 60, 90], 100)) / 1000
    times -= times[0]
    write_film(tmp_path / "a.mkv", times, [grey(2 * k) for k in range(100)])
    film = list(pictures(probe(tmp_path / "a.mkv"), Fraction(25)))
    assert [picture.frame for picture in film] == list(range(len(film)))
    assert abs(len(film) / 25 - times[-1]) <= 0.041
    for picture in film:
        nearest = np.abs(times - picture.frame / 25).min()
        assert abs(float(picture.source_time) - picture.frame / 25) <= nearest + 0.0011
        assert times[int(picture.image[0, 0, 0]) // 2] == pytest.approx(float(picture.source_time), abs=0.0011)


def test_a_hole_is_left_out_and_not_filled_with_one_picture(tmp_path):
    times, images = counted(50)
    times = [time if k < 25 else time + 10 for k, time in enumerate(times)]
    write_film(tmp_path / "a.mkv", times, images)
    frames = [picture.frame for picture in pictures(probe(tmp_path / "a.mkv"), Fraction(25))]
    assert len(frames) == len(set(frames)) and max(frames) == 299
    assert not set(range(40, 260)) & set(frames) and {0, 24, 275, 299} <= set(frames)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotation_tags_are_obeyed(tmp_path, turns):
    path = tmp_path / "a.mp4"
    write_film(path, [0, 0.04, 0.08], [quarters()] * 3, "mpeg4", "yuv420p", options={"qscale": "2"})
    matrix = {1: (0, -1, 1, 0), 2: (-1, 0, 0, -1), 3: (0, 1, -1, 0)}[turns]
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 44
    one = 65536
    raw[at : at + 36] = struct.pack(
        ">9i", matrix[0] * one, matrix[1] * one, 0, matrix[2] * one, matrix[3] * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(raw)
    info = probe(path)
    image = next(iter(pictures(info))).image
    want = np.rot90(quarters(), turns)
    assert (info.height, info.width) == want.shape[:2] == image.shape[:2]
    assert np.abs(image.astype(int) - want).mean() < 12


def test_interlaced_films_lose_their_combs(tmp_path):
    woven = []
    for k in range(12):
        image = grey(30)
        image[0::2, 4 * k : 4 * k + 40] = 220  # the upper field
        image[1::2, 4 * k + 3 : 4 * k + 43] = 220  # the lower one, a moment later
        woven.append(image)
    options = {"flags": "+ilme+ildct", "qscale": "1"}
    times = [k * FRAME for k in range(12)]
    write_film(tmp_path / "a.mpg", times, woven, "mpeg2video", "yuv420p", options=options, tick=FRAME)
    info = probe(tmp_path / "a.mpg")
    assert info.interlaced

    def comb(images) -> float:
        return float(np.mean([np.abs(np.diff(image[..., 0].astype(int), axis=0)).mean() for image in images]))

    assert comb([picture.image for picture in pictures(info)]) < 0.35 * comb(woven)


def test_alpha_is_kept(tmp_path):
    images = []
    for k in range(3):
        image = np.dstack([grey(100 + k), np.full((64, 96), 255, np.uint8)])
        image[:, :40, 3] = 0
        images.append(image)
    write_film(tmp_path / "a.mov", [0, 0.04, 0.08], images, "png", "rgba", encoded="rgba")
    info = probe(tmp_path / "a.mov")
    got = next(iter(pictures(info))).image
    assert info.alpha and got.shape == (64, 96, 4)
    np.testing.assert_array_equal(got[..., 3], images[0][..., 3])


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_alpha_of_a_webm_is_kept(tmp_path, codec):
    """Which lies beside the pictures, in a stream within their packets."""
    image = np.dstack([grey(120), np.full((64, 96), 255, np.uint8)])
    image[:, :48, 3] = 0
    write_film(
        tmp_path / "a.webm", [0, 0.04, 0.08], [image] * 3, codec, "yuva420p", options={"auto-alt-ref": "0"},
        encoded="rgba",
    )
    info = probe(tmp_path / "a.webm")
    got = [picture.image for picture in pictures(info)]
    assert info.alpha and len(got) == 3
    for picture in got:
        assert picture[:, :44, 3].max() < 12 and picture[:, 52:, 3].min() > 243
        assert np.abs(picture[:, 52:, :3].astype(int) - 120).max() < 8


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p10le"])
def test_odd_sizes_and_ten_bits(tmp_path, pix_fmt):
    images = [quarters(97, 67)] * 3
    write_film(tmp_path / "a.mkv", [0, 0.04, 0.08], images, "ffv1", pix_fmt)
    got = next(iter(pictures(probe(tmp_path / "a.mkv")))).image
    assert got.shape == (67, 97, 3)
    assert np.abs(got.astype(int) - images[0]).mean() < 8


def test_wide_pixels_become_square(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", 25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for k in range(3):
            frame = av.VideoFrame.from_ndarray(quarters(), "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = k, FRAME
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    info = probe(tmp_path / "a.mkv")
    assert (info.width, info.height) == (128, 64)
    assert next(iter(pictures(info))).image.shape == (64, 128, 3)
    assert next(iter(pictures(info, max_side=64))).image.shape == (32, 64, 3)


@pytest.mark.parametrize("start", [0.0, 0.2])
def test_the_sound_lies_on_the_pictures_clock(tmp_path, start):
    click = np.zeros(16000)
    click[4000] = 0.9
    write_film(tmp_path / "a.mkv", *counted(30), tone=(start, click))
    info = probe(tmp_path / "a.mkv")
    assert float(info.audio_offset) == pytest.approx(start, abs=0.0011)
    heard = np.concatenate(list(sound(info, 16000, 1.3)))
    assert len(heard) == round(1.3 * 16000)
    assert abs(int(np.abs(heard).argmax()) - round(4000 + start * 16000)) <= 17


def test_sound_that_starts_before_the_pictures_is_cut(tmp_path):
    click = np.zeros(16000)
    click[8000] = 0.9
    times, images = counted(20)
    write_film(tmp_path / "a.mkv", [time + Fraction(3, 10) for time in times], images, tone=(0, click))
    info = probe(tmp_path / "a.mkv")
    assert float(info.audio_offset) == pytest.approx(-0.3, abs=0.0011)
    assert numbers(pictures(info, Fraction(25))) == list(range(20))
    heard = np.concatenate(list(sound(info, 16000, 0.8)))
    assert abs(int(np.abs(heard).argmax()) - 3200) <= 17


def test_an_encoders_delay_is_taken_off(tmp_path):
    path = tmp_path / "a.mp4"
    click = np.zeros((1, 48000), np.float32)
    click[0, 24000] = 0.9
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", 25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        track = container.add_stream("aac", 48000, layout="mono")
        for k in range(25):
            frame = av.VideoFrame.from_ndarray(grey(9 * k), "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = k, FRAME
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for first in range(0, 48000, 960):
            piece = av.AudioFrame.from_ndarray(click[:, first : first + 960], "fltp", "mono")
            piece.rate, piece.time_base, piece.pts = 48000, Fraction(1, 48000), first
            container.mux(track.encode(piece))
        container.mux(track.encode(None))
    info = probe(path)
    assert info.audio_offset == 0
    heard = np.concatenate(list(sound(info, 48000, 1.0)))
    assert abs(int(np.abs(heard).argmax()) - 24000) <= 2


def test_few_frames_per_second_are_told(tmp_path):
    write_film(tmp_path / "a.mkv", *counted(20, 10), rate=10)
    texts = []
    assert len(list(pictures(probe(tmp_path / "a.mkv"), report=Report(on_warning=texts.append)))) == 20
    assert "10 frames per second" in texts[0]


def test_a_film_that_was_cut_off_gives_what_it_has(tmp_path):
    path = tmp_path / "a.mp4"
    options = {"g": "5", "qscale": "2"}
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(100)]
    write_film(path, [k / 25 for k in range(100)], noise, "mpeg4", "yuv420p", options=options)
    with pytest.raises(InputError, match="cut off"):  # an mp4 keeps its table at the end
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        probe(path)
    path = tmp_path / "a.mkv"
    write_film(path, [k / 25 for k in range(100)], noise, "mpeg4", "yuv420p", options=options, tick=FRAME)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    texts = []
    film = list(pictures(probe(path), report=Report(on_warning=texts.append)))
    assert 20 <= len(film) <= 60
    assert any("ends early" in text for text in texts)


def test_matroska_with_longer_sound_does_not_end_early(tmp_path):
    write_film(tmp_path / "a.mkv", *counted(30), tone=(0, np.zeros(8 * 16000, np.float32)))
    info, texts = probe(tmp_path / "a.mkv"), []
    assert info.seconds == pytest.approx(30 / 25, abs=0.05)
    assert len(list(pictures(info, report=Report(on_warning=texts.append)))) == 30 and texts == []


def test_what_is_no_film_is_refused_in_a_sentence(tmp_path):
    from PIL import Image

    Image.fromarray(quarters()).save(tmp_path / "still.png")
    write_film(tmp_path / "one.mkv", [0], [quarters()])
    write_film(tmp_path / "tiny.mkv", [0, 0.04], [grey(0, 32, 16)] * 2)
    write_film(tmp_path / "slow.mkv", [0, 1, 2], [quarters()] * 3, rate=1)
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "empty.mp4").write_bytes(b"")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", 16000, layout="mono")
        piece = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), "s16", "mono")
        piece.rate = 16000
        container.mux(stream.encode(piece))
    cases = {
        "still.png": "still picture", "one.mkv": "still picture", "tiny.mkv": "32x16", "slow.mkv": "frames per second",
        "text.mp4": "no film", "empty.mp4": "no film", "sound.wav": "no pictures", "missing.mp4": "no file",
    }
    for name, words in cases.items():
        with pytest.raises(InputError, match=words):
            list(pictures(probe(tmp_path / name)))


def test_the_crop_puts_points_where_it_says():
    image = np.zeros((100, 200, 3), np.uint8)
    image[30:40, 50:60] = 255
    got = crop_square(image, (40, 20, 80, 80), 160)
    ys, xs = np.nonzero(got[..., 0] > 127)
    assert (xs.min(), xs.max() + 1, ys.min(), ys.max() + 1) == (20, 40, 20, 40)


def test_a_crop_beyond_the_edge_repeats_it():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :32] = 200
    got = crop_square(image, (-16, -16, 96, 96), 96)
    assert got.shape == (96, 96, 3)
    assert (got[:, 0] == 200).all() and (got[:, -1] == 0).all()
