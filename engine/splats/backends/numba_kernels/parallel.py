# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels on several cores: plain Python threads, since kernels run without the GIL. numba's own parallel layers wait
milliseconds per region when other programs use the cores; handing a kernel to a waiting thread takes microseconds."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache


def thread_count(threads: int) -> int:
    """`threads`, or for 0 the number of cores that this process may use."""
    if threads > 0:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spans(total: int, size: int) -> list[tuple[int, int]]:
    """[0, total) cut into pieces of `size`."""
    return [(start, min(start + size, total)) for start in range(0, total, size)]


def run(threads: int, kernel, pieces: list[tuple[int, int]], *arguments) -> None:
    """Call kernel(*arguments, number, start, stop) for every piece, on this thread and `threads` - 1 others."""
    turns = itertools.count()

    def work() -> None:
        while (number := next(turns)) < len(pieces):
            kernel(*arguments, number, *pieces[number])

    helpers = min(threads, len(pieces)) - 1
    futures = [_pool(helpers).submit(work) for _ in range(helpers)]
    work()
    for future in futures:
        future.result()


@lru_cache(maxsize=1)
def _pool(helpers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(helpers, 1), thread_name_prefix="splats")
