# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a child process's output without waiting and without a thread."""

import os
from typing import IO

CHUNK = 1 << 16

if os.name == "nt":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _peek = ctypes.WinDLL("kernel32", use_last_error=True).PeekNamedPipe
    _peek.argtypes = [wintypes.HANDLE, wintypes.LPVOID, wintypes.DWORD, wintypes.LPDWORD, wintypes.LPDWORD,
                      wintypes.LPDWORD]
    _peek.restype = wintypes.BOOL

    def read_available(stream: IO[bytes]) -> bytes:
        """Whatever the child has written by now; b"" where there is nothing or it has gone."""
        waiting = wintypes.DWORD()
        handle = msvcrt.get_osfhandle(stream.fileno())
        if not _peek(handle, None, 0, None, ctypes.byref(waiting), None) or not waiting.value:
            return b""
        return os.read(stream.fileno(), min(waiting.value, CHUNK))

else:

    def read_available(stream: IO[bytes]) -> bytes:
        """Whatever the child has written by now; b"" where there is nothing or it has gone."""
        os.set_blocking(stream.fileno(), False)
        try:
            return os.read(stream.fileno(), CHUNK)
        except BlockingIOError:
            return b""
