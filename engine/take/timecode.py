# SPDX-License-Identifier: GPL-3.0-or-later
"""SMPTE timecodes, HH:MM:SS:FF with a fraction of a frame (FF.sss), and HH:MM:SS;FF where frame numbers are dropped.

Dropped are numbers, not frames: at 29.97 fps the first two of each minute, at 59.94 the first four, but in every tenth
minute none, so that the count stays with the clock (SMPTE ST 12-1).
"""

import re
from fractions import Fraction

import numpy as np

from ..errors import FormatError
from ..protocol import exact_fps

_CODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})([:;.])(\d{1,3})(?:\.(\d{1,9}))?")
NOMINAL = (24, 25, 30, 48, 50, 60, 100, 120, 240)
RATES = (*map(Fraction, (12, 15, *NOMINAL)), *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)))
NEAR = 0.005  # a capture's clock is that close to the rate that is meant
UNEVEN = 0.1  # and one that wanders that much still counts what its timecode does
USUAL = 60  # what Live Link Face records unless it is told otherwise
DROP = {30: (Fraction(30000, 1001), 2), 60: (Fraction(60000, 1001), 4)}
DAY = 24 * 3600.0
TODO = "Say how many frames a second its timecode counts (--timecode-fps)."


def write_timecode(frame: int, fps: Fraction) -> str:
    """The timecode of a take's frame: dropped at 29.97 and 59.94, else the clock's, in a usual number of frames a
    second and thousandths of such a frame.
    """
    for nominal, (exact, drop) in DROP.items():
        if fps == exact:
            tens, rest = divmod(frame, nominal * 600 - 9 * drop)
            later = max(0, rest - drop) // (nominal * 60 - drop)  # the first of ten minutes drops nothing
            return _clock(frame + drop * (9 * tens + later), nominal, ";", 0)
    nominal = next(rate for rate in NOMINAL if rate >= fps)
    count, thousandths = divmod(round(frame / fps * nominal * 1000), 1000)
    return _clock(count, nominal, ":", thousandths)


def seconds_of(codes: list[str], fps: Fraction | None, name: str) -> tuple[np.ndarray, Fraction, str]:
    """Times of timecodes.

    Args:
        codes: as they stand in the file, or plain frame numbers.
        fps: frames that they count in a second; None: found from the numbers that occur.
        name: the file's, for people.

    Returns:
        (R,) float64 ascending seconds; the rate that was counted with; what is doubtful about it, or "".

    Raises:
        FormatError: something is no timecode, or time goes back.
    """
    if all(code.isdecimal() and len(code) < 12 for code in codes):
        frames = np.array([int(code) for code in codes], np.float64)
        rate = fps or Fraction(USUAL)
        doubt = "" if fps else f"{name} counts frames and does not say their rate: {USUAL} a second were taken. {TODO}"
        return _ascending(frames / float(rate), name), rate, doubt
    parts = []
    for number, code in enumerate(codes, 1):
        match = _CODE.fullmatch(code)
        if match is None:
            raise FormatError(f"The timecode {code!r:.40} in row {number} of {name} is not HH:MM:SS:FF.",
                              "Export the file again.")
        hours, minutes, seconds, mark, frame, rest = match.groups()
        parts.append((int(hours) * 3600 + int(minutes) * 60 + int(seconds), int(frame) + float(f"0.{rest or 0}"), mark))
    clock = np.array([part[0] for part in parts], np.float64)
    frame = np.array([part[1] for part in parts])
    dropped = any(part[2] == ";" for part in parts)
    nominal, doubt = _nominal(clock, frame, dropped, fps, name)
    if frame.max() >= nominal:
        raise FormatError(f"{name} counts to frame {frame.max():.0f} of a second, which {nominal} frames do not have.",
                          TODO)
    if dropped and nominal in DROP:
        rate, drop = DROP[nominal]
        minutes = clock // 60
        count = clock * nominal + frame - drop * (minutes - minutes // 10)
        day = 144 * (nominal * 600 - 9 * drop)
        return _ascending(count / float(rate), name, day / float(rate)), rate, doubt
    # A whole nominal count of an NTSC rate runs slower than the clock: only the caller can know.
    rate = fps or Fraction(nominal)
    count = clock * nominal + frame
    return _ascending(count / float(rate), name, DAY * nominal / float(rate)), rate, doubt


def own_rate(times: np.ndarray, counted: Fraction) -> Fraction:
    """The frame rate of rows at these ascending seconds, exact where it is one that people use; `counted` for a single
    row.
    """
    if len(times) < 2:
        return counted
    steps = np.diff(times)
    middle = np.quantile(steps, 0.5, method="lower")
    rate = 1.0 / float(steps[np.abs(steps - middle) < 0.2 * middle].mean())  # lost rows aside
    nearest = min((counted, *RATES), key=lambda usual: abs(float(usual) - rate))
    if abs(float(nearest) - rate) < NEAR * rate:
        return nearest
    if abs(float(counted) - rate) < UNEVEN * rate:
        return counted
    return exact_fps(f"{min(max(rate, 1.0), 240.0):.3f}")


def _nominal(clock: np.ndarray, frame: np.ndarray, dropped: bool, fps: Fraction | None, name: str) -> tuple[int, str]:
    """How many frame numbers a second has, and what is doubtful about that."""
    if fps is not None:
        return -(-fps.numerator // fps.denominator), ""
    highest = int(frame.max())
    if dropped:
        return (30 if highest < 30 else 60), ""
    if highest >= NOMINAL[-1]:
        raise FormatError(f"{name} counts to frame {highest} of a second.", TODO)
    fitting = next(rate for rate in NOMINAL if rate > highest)
    if len(np.unique(clock)) > 2:  # at least one whole second was counted through
        counted = (frame == np.floor(frame)).all() and np.median(np.diff(frame)) == 1.0
        return (highest + 1 if counted else fitting), ""
    return max(fitting, USUAL), (f"{name} is too short to tell how many frames a second its timecode counts: "
                                 f"{max(fitting, USUAL)} were taken. {TODO}")


def _ascending(times: np.ndarray, name: str, day: float = DAY) -> np.ndarray:
    """Times that go on over midnight. Raises FormatError where they go back otherwise."""
    steps = np.diff(times)
    times = times + np.concatenate([[0.0], np.cumsum(np.where(steps < -day / 2, day, 0.0))])
    back = np.flatnonzero(np.diff(times) < 0.0)
    if len(back):
        raise FormatError(f"Time goes back in row {int(back[0]) + 2} of {name}.",
                          "Export the file again, one take at a time.")
    return times


def _clock(count: int, nominal: int, mark: str, thousandths: int) -> str:
    seconds, frame = divmod(count, nominal)
    return (f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frame:02d}."
            f"{thousandths:03d}")
