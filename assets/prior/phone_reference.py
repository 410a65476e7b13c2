# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference to beat: CMU PocketSphinx's all-phone recogniser (English), its phones mapped to openings of the lips.

Needs the package pocketsphinx, which brings its model (BSD licence).
"""

from pathlib import Path

import numpy as np

from assets.prior.alphabets import named
from engine.prior.visemes import articulate

FRAMES_PER_SECOND = 100


def phones_of(audio: np.ndarray) -> list[tuple[str, float, float]]:
    """Names of PHONES with times of (n,) float32 at 16 kHz. Raises ImportError."""
    import pocketsphinx

    model = Path(pocketsphinx.get_model_path("en-us"))
    decoder = pocketsphinx.Decoder(
        hmm=str(model / "en-us"), allphone=str(model / "en-us-phone.lm.bin"), lw=2.0, pip=0.3, beam=1e-20, pbeam=1e-20,
        dict=None, lm=None, loglevel="FATAL",
    )
    peak = max(float(np.abs(audio).max()), 1e-6)
    decoder.start_utt()
    decoder.process_raw((audio / peak * 30000.0).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    found = [(s.word.lower(), s.start_frame / FRAMES_PER_SECOND, (s.end_frame + 1) / FRAMES_PER_SECOND)
             for s in decoder.seg()]
    phones = [(("pau" if word in ("sil", "+spn+", "+nsn+", "+noise+") else word), *times) for word, *times in found]
    return named(phones, "festival", "flite-pocketsphinx")


def aperture_of(audio: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(T,) the teacher's opening of the lips by these phones at `times`."""
    said = articulate(phones_of(audio), times)
    return said[:, 0] * (1.0 - said[:, 5]) * (1.0 - said[:, 6])
