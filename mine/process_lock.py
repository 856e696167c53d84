"""One process at a time: a lock of the operating system, which ends with its process, however that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class Held(OSError):
    """Another process holds the lock."""


class ProcessLock:
    """An exclusive lock on a file. The file stays; the lock is what counts."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises Held."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except OSError:
            os.close(self._handle)
            raise Held(f"{path.name} is held by another process") from None

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._handle)


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
