# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule-based and recorded voices that report phone times: espeak-ng, Festival and Flite, as Debian packages them."""

import ctypes
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from assets.prior.corpus import Clip, resample

# espeak-ng/speak_lib.h
RETRIEVAL, PHONEME_EVENTS, PHONEME_IPA = 2, 1, 2
EVENT_PHONEME, CHARS_UTF8 = 7, 1
RATE_PARAMETER, PITCH_PARAMETER, RANGE_PARAMETER = 1, 3, 4
ESPEAK_VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 klatt klatt2 klatt3 klatt4 Alex Alicia Andrea Andy Annie Denis Diogo Gene "
    "Hugo Jacky Lee Marco Mario Michael Mike Nguyen adam anika antonio belinda benjamin boris caleb david ed edward "
    "grandma grandpa gustave iven iven2 john linda max michel miguel norbert pablo paul pedro quincy rob robert sandro "
    "shelby steph steph2 travis victor zac whisper whisperf"
).split()
FESTIVAL_VOICES = {
    "czech_dita": "cs", "czech_krb": "cs", "czech_machac": "cs", "czech_ph": "cs", "suo_fi_lj_diphone": "fi",
    "hy_fi_mv_diphone": "fi", "upc_ca_ona_hts": "ca", "msu_ru_nsh_clunits": "ru", "ked_diphone": "en-us",
    "kal_diphone": "en-us", "cmu_us_slt_arctic_hts": "en-us", "pc_diphone": "it", "lp_diphone": "it",
}
FLITE_VOICES = ("awb", "rms", "slt", "kal16")


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Id),
    ]


class Espeak:
    """espeak-ng as a library. One at a time in a process."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libespeak-ng.so.1")
        self._rate = self._lib.espeak_Initialize(RETRIEVAL, 0, None, PHONEME_EVENTS | PHONEME_IPA)
        self._audio: list[np.ndarray] = []
        self._events: list[tuple[str, float]] = []
        callback = ctypes.CFUNCTYPE(
            ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
        )
        self._callback = callback(self._take)  # kept: the library holds only a pointer
        self._lib.espeak_SetSynthCallback(self._callback)

    def speak(
        self, text: str, language: str, variant: str, speed: int = 175, pitch: int = 50, pitch_range: int = 50
    ) -> Clip:
        """One sentence; `speed` in words a minute, pitches 0 to 100. Raises ValueError for an unknown voice."""
        self._audio, self._events = [], []
        if self._lib.espeak_SetVoiceByName(f"{language}+{variant}".encode()):
            raise ValueError(f"espeak-ng has no voice {language}+{variant}.")
        for parameter, value in ((RATE_PARAMETER, speed), (PITCH_PARAMETER, pitch), (RANGE_PARAMETER, pitch_range)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, CHARS_UTF8, None, None)
        audio = np.concatenate(self._audio).astype(np.float32) / 32768.0
        seconds = len(audio) / self._rate
        marks = [(label, at) for label, at in self._events if not label.startswith("(")] + [("", seconds)]
        phones = [(label, at, marks[k + 1][1]) for k, (label, at) in enumerate(marks[:-1])]
        phones = [(label, *times) for label, *times in phones if times[1] > times[0]]
        audio = resample(audio, self._rate)
        return Clip(audio, _with_closures(phones, audio), "ipa", f"espeak-{variant}", language, "espeak-ng")

    def _take(self, samples, count: int, events) -> int:
        if samples and count > 0:
            self._audio.append(np.ctypeslib.as_array(samples, (count,)).copy())
        k = 0
        while events[k].type:
            if events[k].type == EVENT_PHONEME:
                at = events[k].audio_position / 1000.0
                self._events.append((events[k].id.string.decode("utf-8", "ignore"), at))
            k += 1
        return 0


def _with_closures(phones: list, audio: np.ndarray) -> list:
    """espeak-ng reports a stop at its burst; its closure, up to 0.12 s of near silence before it, is moved to it."""
    hop = 80
    level = np.sqrt(np.square(audio[: len(audio) // hop * hop].reshape(-1, hop)).mean(1))
    quiet = level < 0.03 * max(level.max(), 1e-6)
    out = [list(phone) for phone in phones]
    for k in range(1, len(out)):
        if out[k][0][:1] not in tuple("ptkbdgɡʈɖcq"):
            continue
        first = at = round(out[k][1] * 200)
        while at > 0 and at <= len(quiet) and first - at < 24 and quiet[at - 1]:
            at -= 1
        start = max(at / 200, out[k - 1][1] + 0.01)
        if start < out[k][1]:
            out[k - 1][2] = out[k][1] = start
    return [tuple(phone) for phone in out if phone[2] > phone[1]]


def festival(texts: list[str], voice: str, stretch: float) -> list[Clip]:
    """Sentences of one Festival voice; those that it cannot read are left out."""
    language = FESTIVAL_VOICES[voice]
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{voice})", f"(Parameter.set 'Duration_Stretch {stretch:.2f})"]
        for k, text in enumerate(texts):
            text = text.replace("\\", "").replace('"', "")
            save = f'(utt.save.segs u "{folder}/{k}.lab") (utt.save.wave u "{folder}/{k}.wav" \'riff)'
            lines.append(f'(unwind-protect (begin (set! u (utt.synth (Utterance Text "{text}"))) {save}) nil)')
        script = Path(folder) / "say.scm"
        encoding = {"cs": "iso-8859-2", "ru": "utf-8"}.get(language, "iso-8859-1")
        script.write_text("\n".join(lines), encoding=encoding, errors="ignore")
        subprocess.run(["festival", "-b", str(script)], capture_output=True, timeout=600, check=False)
        clips = []
        for k in range(len(texts)):
            lab, wav = Path(folder) / f"{k}.lab", Path(folder) / f"{k}.wav"
            if not lab.is_file() or not wav.is_file():
                continue
            rows = [row.split() for row in lab.read_text().splitlines()[1:]]
            ends = [(row[2], float(row[0])) for row in rows if len(row) == 3]
            audio, rate = soundfile.read(wav, dtype="float32")
            clips.append(Clip(resample(audio, rate), _from_ends(ends), "festival", voice, language, "festival"))
    return clips


def flite(text: str, voice: str, stretch: float) -> Clip:
    """One sentence of one Flite voice."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "say.wav"
        command = ["flite", "-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch:.2f}", "-t", text]
        done = subprocess.run([*command, "-o", str(wav)], capture_output=True, text=True, check=True)
        ends = [(label, float(end)) for label, end in re.findall(r"(\S+?):([\d.]+)", done.stdout)]
        audio, rate = soundfile.read(wav, dtype="float32")
    return Clip(resample(audio, rate), _from_ends(ends), "festival", f"flite-{voice}", "en-us", "flite")


def _from_ends(ends: list[tuple[str, float]]) -> list[tuple[str, float, float]]:
    starts = [0.0, *(end for _, end in ends)]
    return [(label, start, end) for (label, end), start in zip(ends, starts) if end > start]
