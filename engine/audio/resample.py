# SPDX-License-Identifier: GPL-3.0-or-later
"""Band-limited resampling of a stream, block by block, by FFmpeg's swresample.

The output does not depend on how the input is cut, and sample 0 of the output is the time of sample 0 of the input.
A Kaiser-windowed sinc of 64 taps (per the lower rate), -6 dB at 0.96 of the lower Nyquist frequency; the ratio is
exact, so that nothing drifts over hours.
"""

from fractions import Fraction
from typing import Iterator

import av
import numpy as np

QUALITY = "filter_size=64:cutoff=0.96:exact_rational=1:internal_sample_fmt=fltp"


class Resampler:
    """Mono float32 from `rate_in` to `rate_out` samples per second."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._rate_in = rate_in
        self._taken = 0
        self._graph = av.filter.Graph()
        source = self._graph.add_abuffer(
            sample_rate=rate_in, format="flt", layout="mono", time_base=Fraction(1, rate_in)
        )
        resample = self._graph.add("aresample", f"{rate_out}:{QUALITY}")
        convert = self._graph.add("aformat", f"sample_fmts=flt:sample_rates={rate_out}:channel_layouts=mono")
        self._graph.link_nodes(source, resample, convert, self._graph.add("abuffersink")).configure()

    def push(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Take (n,) float32; yield what is ready."""
        if not len(samples):
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
        frame.sample_rate = self._rate_in
        frame.time_base = Fraction(1, self._rate_in)
        frame.pts = self._taken
        self._taken += len(samples)
        self._graph.push(frame)
        yield from self._pull()

    def flush(self) -> Iterator[np.ndarray]:
        """Yield the rest after the last `push`."""
        if self._taken:
            self._graph.push(None)
            yield from self._pull()

    def _pull(self) -> Iterator[np.ndarray]:
        while True:
            try:
                yield self._graph.pull().to_ndarray()[0]
            except (av.BlockingIOError, av.EOFError):
                return
