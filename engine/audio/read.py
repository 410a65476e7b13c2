# SPDX-License-Identifier: GPL-3.0-or-later
"""Any sound file or film as mono float32 at one rate, streamed: an hour takes no more memory than a minute."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import AudioError
from ..report import Report
from .decode import AudioInfo, FFmpegSource, NoSoundTrack, SoundFileSource, Unreadable
from .resample import Resampler

RATE = 16000
MIN_RATE, MAX_RATE = 4000, 768_000
MIN_SECONDS = 0.1
MAX_SECONDS = 4 * 3600
SILENCE = 1e-4  # -80 dB below full scale
MAX_MISSING = 0.5  # seconds that may be missing at the end unsaid
LOUDEST = 1e6  # floating-point files may hold any scale, but not this
KINDS = "wav, aiff, flac, ogg, opus, mp3, m4a, aac, mp4, mov, mkv or webm"


def probe(path: str | Path) -> AudioInfo:
    """What a file says of its sound. Raises AudioError for what is no readable sound file."""
    return _open(path).info


def blocks(
    path: str | Path, rate: int = RATE, block: int = RATE * 10, report: Report | None = None
) -> Iterator[np.ndarray]:
    """Yield a file's sound as mono float32 (n,), n = `block` but for the last; joined they do not depend on `block`.

    Samples that are not numbers become 0, with a warning; so does silence get one.

    Raises:
        AudioError: missing, empty, not audio, a film without sound, or shorter than MIN_SECONDS.
    """
    report = report or Report()
    source = _open(path)
    resampler = Resampler(source.info.sample_rate, rate) if source.info.sample_rate != rate else None
    total, peak = 0, 0.0
    for out in _regroup(_resampled(_cleaned(source, report), resampler), block):
        report.check()
        total += len(out)
        peak = max(peak, float(np.abs(out).max()))
        if total > MAX_SECONDS * rate:
            raise AudioError(
                f"{source.info.path} is longer than {MAX_SECONDS // 3600} hours.", "Cut it into shorter pieces."
            )
        yield out
    if total < MIN_SECONDS * rate:
        raise AudioError(
            f"{source.info.path} holds {total / rate:.4f} s of sound; at least {MIN_SECONDS} s are needed.",
            "Choose a longer recording.",
        )
    if peak < SILENCE:
        report.warning(f"{source.info.path.name} is silent: no speech is heard in it.")


def lasting(
    path: str | Path, rate: int, seconds: float, skip: float = 0.0, report: Report | None = None
) -> Iterator[np.ndarray]:
    """Yield a file's sound as mono float32 (n,), without its first `skip` seconds and `seconds` long: cut, or silence
    at the end, with a warning.

    Raises:
        AudioError: as `blocks` does.
    """
    skipped, left = round(skip * rate), round(seconds * rate)
    for piece in blocks(path, rate, report=report):
        first = min(skipped, len(piece))
        piece = piece[first : first + left]
        skipped -= first
        left -= len(piece)
        if len(piece):
            yield piece
        if not left:
            return
    if left > MAX_MISSING * rate and report:
        late = f"{left / rate:.1f} s before the pictures"
        report.warning(f"{Path(path).name}: the sound ends {late}; silence follows.")
    while left:
        yield np.zeros(min(left, rate), np.float32)
        left -= min(left, rate)


def read_mono(path: str | Path, rate: int = RATE) -> np.ndarray:
    """A whole (short) file as mono float32 (n,). Raises AudioError."""
    return np.concatenate(list(blocks(path, rate)))


def _open(path: str | Path) -> SoundFileSource | FFmpegSource:
    """The source that reads `path`, by its content and not by its name."""
    choose = f"Choose a sound file or film ({KINDS})."
    if not str(path).strip():
        raise AudioError("No audio was chosen.", choose)
    path = Path(path)
    try:
        if not path.exists():
            raise AudioError(f"There is no file {path}.", choose)
        if path.is_dir():
            raise AudioError(f"{path} is a folder, not a sound file.", choose)
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise AudioError(f"{path} could not be read ({error.strerror}).", "Check who may read it.") from None
    if empty:
        raise AudioError(f"{path} is empty.", "Copy or record it again.")
    source = None
    for opener in (SoundFileSource, FFmpegSource):
        try:
            source = opener(path)
            break
        except NoSoundTrack:
            raise AudioError(f"{path} is a film without a sound track.", "Choose one with sound.") from None
        except Unreadable:
            continue
    if source is None:
        raise AudioError(f"{path} is not a sound file that can be read, or is damaged.", choose)
    if not MIN_RATE <= source.info.sample_rate <= MAX_RATE:
        raise AudioError(
            f"{path} has a sample rate of {source.info.sample_rate} Hz, outside {MIN_RATE} to {MAX_RATE}.",
            "Convert it to 48000 Hz.",
        )
    return source


def _cleaned(source: SoundFileSource | FFmpegSource, report: Report) -> Iterator[np.ndarray]:
    bad = 0
    for samples in source.blocks(report):
        good = np.abs(samples) < LOUDEST  # False for NaN
        if not good.all():
            bad += int((~good).sum())
            samples = np.where(good, samples, np.float32(0.0))
        yield samples
    if bad:
        report.warning(f"{source.info.path.name} holds {bad} samples that are not numbers; they were silenced.")


def _resampled(pieces: Iterable[np.ndarray], resampler: Resampler | None) -> Iterator[np.ndarray]:
    if resampler is None:
        yield from pieces
        return
    for piece in pieces:
        yield from resampler.push(piece)
    yield from resampler.flush()


def _regroup(pieces: Iterable[np.ndarray], block: int) -> Iterator[np.ndarray]:
    """Cut a stream of arrays anew, into pieces of `block`."""
    kept: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        kept.append(piece)
        count += len(piece)
        if count >= block:
            joined = np.concatenate(kept)
            whole = count - count % block
            yield from joined[:whole].reshape(-1, block)
            kept, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(kept)
