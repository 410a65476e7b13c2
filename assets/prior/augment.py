# SPDX-License-Identifier: GPL-3.0-or-later
"""What may lie between a mouth and a microphone: rooms, noise, music, codecs, clipping, levels; whispering and breath.

Every function takes and gives (n,) float32 at 16 kHz and draws from the generator it is given.
"""

import numpy as np

RATE = 16000


def change_speed(audio: np.ndarray, factor: float) -> np.ndarray:
    """Faster and higher (pitch and formants) by `factor`, as a tape that runs faster."""
    count = round(len(audio) / factor)
    at = np.arange(count) * factor
    if factor > 1.0:
        audio = _shape(audio, lambda hz: (hz < 0.5 * RATE / factor).astype(float))
    return np.interp(at, np.arange(len(audio)), audio).astype(np.float32)


def whisper(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same words without voice: noise with the speech's spectral envelope, low frequencies weakened."""
    size, hop = 512, 128
    window = np.hanning(size + 1)[:-1]
    padded = np.pad(audio, size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * window
    power = np.abs(np.fft.rfft(frames)) ** 2
    kernel = np.hanning(15)[1:-1]
    envelope = np.apply_along_axis(np.convolve, 1, power, kernel / kernel.sum(), mode="same")
    hz = np.fft.rfftfreq(size, 1 / RATE)
    tilt = (hz / (hz + 500.0)) ** 1.5 * (1.0 + hz / 2500.0)
    noise = np.fft.rfft(rng.normal(size=frames.shape) * window) / np.sqrt(size * 0.375)
    spoken = np.fft.irfft(noise * np.sqrt(envelope) * tilt) * window
    out = np.zeros(len(padded) + size)
    for k, frame in enumerate(spoken):
        out[k * hop : k * hop + size] += frame
    out = out[size : size + len(audio)]
    return (out * (np.abs(audio).max() / max(np.abs(out).max(), 1e-9))).astype(np.float32)


def effort(audio: np.ndarray, amount: float) -> np.ndarray:
    """A voice with more (to 1) or less (to -1) effort: its harmonics fall off less or more steeply."""
    return _shape(audio, lambda hz: 10.0 ** (amount * 3.5 * np.log2(np.clip(hz, 250.0, 4000.0) / 500.0) / 20.0))


def equalise(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A microphone's colour: random gains of a few decibels, smooth over frequency."""
    gains = rng.normal(0.0, 4.0, 8)
    return _shape(audio, lambda hz: 10.0 ** (np.interp(np.log2(hz + 60.0), np.linspace(6, 13, 8), gains) / 20.0))


def room(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An exponentially decaying tail of noise after the direct sound (Polack's model of a room)."""
    decay = rng.uniform(0.08, 0.7)
    time = np.arange(int(decay * RATE)) / RATE
    tail = rng.normal(size=len(time)) * np.exp(-6.9 * time / decay)
    tail[: int(rng.uniform(0.001, 0.02) * RATE)] = 0.0
    tail *= 10.0 ** (rng.uniform(-18.0, 2.0) / 20.0) / max(np.sqrt(np.square(tail).sum()), 1e-9)
    tail[0] = 1.0
    size = 1 << (len(audio) + len(tail)).bit_length()
    return np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(tail, size))[: len(audio)].astype(np.float32)


def noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Hiss of any colour, hum, or slowly swelling wind; of unit power."""
    kind = rng.integers(4)
    if kind == 3:
        time, base = np.arange(count) / RATE, rng.choice([50.0, 60.0, 100.0, 120.0])
        out = sum(rng.uniform() / k * np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6)) for k in range(1, 9))
    else:
        slope = rng.uniform(-1.2, 0.2)
        out = _shape(rng.normal(size=count).astype(np.float32), lambda hz: (hz + 50.0) ** slope)
        if kind == 2:
            swell = np.interp(np.arange(count), np.linspace(0, count, 12), rng.uniform(0.1, 1.0, 12))
            out = out * swell
    return (out / max(np.sqrt(np.mean(np.square(out))), 1e-9)).astype(np.float32)


def music(count: int, rng: np.random.Generator) -> np.ndarray:
    """Chords of plucked and held harmonic notes with a drum; of unit power."""
    out = np.zeros(count)
    beat = rng.uniform(0.25, 0.6)
    root = rng.uniform(45, 60)
    for k in range(int(count / RATE / beat) + 1):
        start = int(k * beat * RATE)
        length = min(int(rng.choice([1, 2, 4]) * beat * RATE), count - start)
        if length <= 0:
            continue
        time = np.arange(length) / RATE
        if rng.uniform() < 0.5:
            drum = rng.normal(size=length) * np.exp(-time / rng.uniform(0.01, 0.06))
            out[start : start + length] += 0.5 * drum
        envelope = np.exp(-time / rng.uniform(0.15, 2.0)) * np.minimum(time / 0.01, 1.0)
        for step in rng.choice([0, 3, 4, 7, 10, 12, 16, 19], rng.integers(1, 4)):
            hz = 440.0 * 2.0 ** ((root + step - 69) / 12)
            audible = [n for n in range(1, 7) if hz * n < 7500]
            partials = (np.sin(2 * np.pi * hz * n * time) / n ** rng.uniform(1, 2) for n in audible)
            out[start : start + length] += envelope * sum(partials)
    return (out / max(np.sqrt(np.mean(np.square(out))), 1e-9)).astype(np.float32)


def breaths(audio: np.ndarray, pauses: list[tuple[float, float]], rng: np.random.Generator) -> np.ndarray:
    """Audible breathing in pauses of more than 0.25 s."""
    out = audio.copy()
    for start, end in pauses:
        a, b = int(start * RATE), min(int(end * RATE), len(out))
        if b - a < RATE // 4 or rng.uniform() < 0.3:
            continue
        swell = np.hanning(b - a)
        hiss = rng.normal(size=b - a).astype(np.float32)
        puff = _shape(hiss, lambda hz: np.exp(-(((hz - 1400.0) / 900.0) ** 2)) + 0.1)
        out[a:b] += rng.uniform(0.02, 0.15) * np.abs(audio).max() * puff * swell / max(np.abs(puff).max(), 1e-9)
    return out


def codec(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A telephone's band, mu-law's eight bits, or a coder that drops what is weak in each short frame."""
    kind = rng.integers(3)
    if kind == 0:
        low, high = rng.uniform(50, 350), rng.uniform(3000, 7000)
        return _shape(audio, lambda hz: ((hz > low) & (hz < high)).astype(float))
    if kind == 1:
        peak = max(np.abs(audio).max(), 1e-9)
        x = np.sign(audio) * np.log1p(255 * np.abs(audio / peak)) / np.log(256)
        x = np.round(x * 127) / 127
        return (peak * np.sign(x) * np.expm1(np.abs(x) * np.log(256)) / 255).astype(np.float32)
    size = 512
    spectrum = np.fft.rfft(np.pad(audio, (0, -len(audio) % size)).reshape(-1, size))
    strong = np.abs(spectrum) > np.quantile(np.abs(spectrum), rng.uniform(0.5, 0.85), 1, keepdims=True)
    return np.fft.irfft(spectrum * strong).reshape(-1)[: len(audio)].astype(np.float32)


def clipped(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    limit = np.quantile(np.abs(audio), rng.uniform(0.93, 0.995)) + 1e-6
    return np.clip(audio, -limit, limit)


def levels(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A talker who comes nearer and goes away: a slow change of up to 15 dB."""
    knots = rng.uniform(-15.0, 0.0, max(2, len(audio) // (2 * RATE)))
    gain = np.interp(np.linspace(0, 1, len(audio)), np.linspace(0, 1, len(knots)), knots)
    return (audio * 10.0 ** (gain / 20.0)).astype(np.float32)


def mixed(audio: np.ndarray, other: np.ndarray, decibels: float) -> np.ndarray:
    """Speech with something of unit power `decibels` below it."""
    power = np.sqrt(np.mean(np.square(audio[np.abs(audio) > 0.1 * np.abs(audio).max()]))) if audio.any() else 0.1
    return (audio + other * 0.5 * power * 10.0 ** (-decibels / 20.0)).astype(np.float32)


def disturb(audio: np.ndarray, pauses: list[tuple[float, float]], rng: np.random.Generator) -> np.ndarray:
    """A random choice of all of it but speed and effort."""
    if rng.uniform() < 0.12:
        audio = whisper(audio, rng)
    if rng.uniform() < 0.25:
        audio = breaths(audio, pauses, rng)
    audio = equalise(audio, rng)
    if rng.uniform() < 0.4:
        audio = room(audio, rng)
    if rng.uniform() < 0.25:
        audio = levels(audio, rng)
    if rng.uniform() < 0.65:
        audio = mixed(audio, noise(len(audio), rng), rng.uniform(2.0, 40.0))
    if rng.uniform() < 0.2:
        audio = mixed(audio, music(len(audio), rng), rng.uniform(3.0, 25.0))
    if rng.uniform() < 0.1:
        audio = clipped(audio, rng)
    if rng.uniform() < 0.3:
        audio = codec(audio, rng)
    return audio


def _shape(audio: np.ndarray, gain) -> np.ndarray:
    """Multiply the spectrum by `gain` of the frequencies in Hz."""
    size = 1 << max(1, len(audio) - 1).bit_length()
    spectrum = np.fft.rfft(audio, size)
    return np.fft.irfft(spectrum * gain(np.fft.rfftfreq(size, 1 / RATE)), size)[: len(audio)].astype(np.float32)
